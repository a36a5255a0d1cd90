"""A whole kernel expanded window by window: what tests compare the windows of a chip with."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.trace.expand import Windows
from sim.trace.live import BatchTables
from sim.trace.model import KernelTrace
from sim.trace.tables import offsets, spread
from sim.trace.window import LINE, MEMOP, STREAM, WINDOW_ACCESSES

_TOGETHER = 64  # warps that `expand` takes side by side


@dataclass(frozen=True, eq=False)
class Expanded:
    """A whole kernel expanded; see `model.KernelTrace` for the path tables.

    `path_lanes` = active lanes of each path entry; `path_memop` = 1 where an executed entry has a row in `memops`;
    `warp_memop` [W+1] = first row of each warp.
    """

    path_offset: NDArray[np.int64]
    path_row: NDArray[np.int32]
    path_lanes: NDArray[np.int8]
    path_memop: NDArray[np.int8]
    warp_path: NDArray[np.int32]
    warp_memop: NDArray[np.int64]
    memops: NDArray[Any]
    lines: NDArray[Any]


def expand(
    kernel: KernelTrace, line_bytes: int = 128, sector_bytes: int = 32, banks: int = 32, bank_bytes: int = 4
) -> Expanded:
    """All accesses of a kernel, for whoever studies one; sizes in bytes, all powers of two.

    A line may have at most four sectors (their mask is a signed byte). Raises `ValueError` for other sizes.
    """
    tables = BatchTables(kernel.stream())
    while tables.load_next():
        pass
    together = min(_TOGETHER, len(tables.starts))
    windows = Windows(together, kernel, line_bytes, sector_bytes, banks, bank_bytes)
    memops, lines = [np.zeros(0, dtype=MEMOP)], [np.zeros(0, dtype=LINE)]
    for first in range(0, len(tables.starts), together):
        starts = tables.starts[first : first + together]
        windows.streams[:] = np.zeros(1, dtype=STREAM)
        for name in ("access", "access_end", "reference", "delta", "pattern"):
            windows.streams[name][: len(starts)] = starts[name]
        windows.streams["number"] = np.arange(first, first + together)
        taken = _drained(windows, tables)
        memops += [ops for of_slot, _ in taken for ops in of_slot]
        lines += [touched for _, of_slot in taken for touched in of_slot]
    all_memops = np.concatenate(memops)
    all_memops["first"] = offsets(all_memops["lines"])[:-1]
    all_memops["end"] = 0
    return Expanded(
        path_offset=kernel.path_offset,
        path_row=kernel.path_row,
        path_lanes=kernel.path_lanes,
        path_memop=(kernel.path_references > 0).astype(np.int8),
        warp_path=kernel.warp_path,
        warp_memop=offsets(tables.starts["access_end"] - tables.starts["access"]),
        memops=all_memops,
        lines=np.concatenate(lines),
    )


def _drained(windows: Windows, tables: BatchTables) -> list[tuple[list[NDArray[Any]], list[NDArray[Any]]]]:
    """All that is left of each slot's accesses: its rows of MEMOP and of LINE, window by window."""
    taken: list[tuple[list[NDArray[Any]], list[NDArray[Any]]]] = [([], []) for _ in windows.streams]
    while windows.refill(tables, 0, len(windows.streams)):
        for slot, stream in enumerate(windows.streams):
            ring = windows.memops[slot * WINDOW_ACCESSES : (slot + 1) * WINDOW_ACCESSES]
            memops = ring[np.arange(int(stream["freed"]), int(stream["made"])) % WINDOW_ACCESSES]
            taken[slot][0].append(memops)
            taken[slot][1].append(windows.lines[spread(memops["first"], memops["lines"])])
            stream["freed"] = stream["made"]
            stream["lines_freed"] = stream["lines_made"]
    return taken
