"""Collects the warps of a kernel in any order and makes the tables of `model.py` from them.

Equal streams become one path and equal delta patterns one entry, numbered by first use in launch order, so that the
same kernel gives the same tables from every reader.
"""

from array import array
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sim.trace.addresses import Descriptor
from sim.trace.model import KernelHeader, KernelTrace, References, StaticRow


class KernelBuilder:
    """Tables in the making: `add_path` for each stream, then `set_warp` for each warp, then `finish`."""

    def __init__(self) -> None:
        """Start empty."""
        self._paths: dict[tuple[bytes, bytes], int] = {}
        self._path_tables: list[tuple[bytes, bytes]] = []
        self._warps: dict[int, tuple[int, int, int]] = {}
        self._kind = array("b")
        self._base = array("q")
        self._stride = array("q")
        self._extra = array("q")
        self._deltas = array("q")
        self._patterns: dict[tuple[int, ...], int] = {}

    def add_path(self, rows: Sequence[int] | NDArray[np.int64], masks: Sequence[int] | NDArray[np.int64]) -> int:
        """Number of the path with these static rows and active masks."""
        key = (np.array(rows, dtype=np.int32).tobytes(), np.array(masks, dtype=np.uint32).tobytes())
        number = self._paths.setdefault(key, len(self._path_tables))
        if number == len(self._path_tables):
            self._path_tables.append(key)
        return number

    def has_warp(self, warp: int) -> bool:
        """Whether the warp was set already."""
        return warp in self._warps

    def set_warp(self, warp: int, path: int, descriptors: Sequence[Descriptor]) -> tuple[int, int]:
        """Give a warp (number in launch order) its path and references; returns their range, for `copy_warp`."""
        start = len(self._kind)
        for kind, base, stride, extra in descriptors:
            self._kind.append(kind)
            self._base.append(base)
            self._stride.append(stride)
            if extra:
                place = self._patterns.setdefault(extra, len(self._deltas))
                if place == len(self._deltas):
                    self._deltas.extend(extra)
                self._extra.append(place)
            else:
                self._extra.append(-1)
        self._warps[warp] = (path, start, len(self._kind))
        return start, len(self._kind)

    def copy_warp(self, warp: int, path: int, start: int, stop: int) -> None:
        """Give a warp the path and the references of an earlier one."""
        self._warps[warp] = (path, start, stop)

    def finish(self, header: KernelHeader, static: list[StaticRow]) -> KernelTrace:
        """The kernel, its static rows sorted by pc; warps that were not set are absent."""
        by_pc = sorted(range(len(static)), key=lambda i: static[i].pc)
        renumbered = np.zeros(len(static), dtype=np.int32)
        renumbered[by_pc] = np.arange(len(static))
        warps = header.ctas * header.warps_per_cta
        warp_path = np.full(warps, -1, dtype=np.int32)
        starts, stops = np.zeros(warps, dtype=np.int64), np.zeros(warps, dtype=np.int64)
        numbers: dict[int, int] = {}
        for warp in sorted(self._warps):
            path, starts[warp], stops[warp] = self._warps[warp]
            warp_path[warp] = numbers.setdefault(path, len(numbers))
        tables = [self._path_tables[path] for path in numbers]
        rows = [renumbered[np.frombuffer(table[0], dtype=np.int32)] for table in tables]
        masks = [np.frombuffer(table[1], dtype=np.uint32) for table in tables]
        path_offset = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
        warp_reference = np.concatenate([[0], np.cumsum(stops - starts)]).astype(np.int64)
        # entry j of the result is entry j - (start of its warp in the result) + (start of its warp here)
        order = np.arange(int(warp_reference[-1])) + np.repeat(starts - warp_reference[:-1], stops - starts)
        extra, deltas = self._ordered_deltas(order)
        return KernelTrace(
            header=header,
            static=[static[i] for i in by_pc],
            path_offset=path_offset,
            path_row=np.concatenate(rows) if rows else np.zeros(0, dtype=np.int32),
            path_mask=np.concatenate(masks) if masks else np.zeros(0, dtype=np.uint32),
            warp_path=warp_path,
            warp_reference=warp_reference,
            references=References(
                kind=np.array(self._kind, dtype=np.int8)[order],
                base=np.array(self._base, dtype=np.int64)[order],
                stride=np.array(self._stride, dtype=np.int64)[order],
                extra=extra,
                deltas=deltas,
            ),
        )

    def _ordered_deltas(self, order: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`extra` and `deltas` with the patterns numbered by first use in launch order."""
        used = np.array(self._extra, dtype=np.int64)[order]
        lengths = {place: len(pattern) for pattern, place in self._patterns.items()}
        places, first = np.unique(used[used >= 0], return_index=True)
        places = places[np.argsort(first)]
        moved: dict[int, int] = {-1: -1}
        pieces, total = [], 0
        deltas = np.array(self._deltas, dtype=np.int64)
        for place in places.tolist():
            moved[place] = total
            pieces.append(deltas[place : place + lengths[place]])
            total += lengths[place]
        known, inverse = np.unique(used, return_inverse=True)
        extra = np.array([moved[p] for p in known.tolist()], dtype=np.int64)[inverse] if len(used) else used
        return extra, np.concatenate(pieces) if pieces else np.zeros(0, dtype=np.int64)
