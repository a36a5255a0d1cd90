"""Trace preparation: the compiled island that expands compact addresses ahead of the core (`coalesce.py` does one).

`refill` keeps a window of accesses ready for each warp slot of the chip, in each warp's order; the core frees them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.isa.memory import access_bytes, address_lanes, is_atomic, is_store, memory_space
from sim.jit import njit
from sim.trace.coalesce import OPERATES, STORES, expand_access, new_pool, new_scratch
from sim.trace.live import BatchTables, Move
from sim.trace.model import Launch, generic_windows
from sim.trace.window import (
    LINE,
    LINES_PER_SLOT,
    MEMO,
    MEMOP,
    MOST_BYTES,
    REFILL_SIGNATURE,
    ROW,
    STREAM,
    WINDOW_ACCESSES,
    WINDOW_LINES,
)


@njit
def _place(at, count):  # type: ignore[no-untyped-def]
    """Where `count` lines lie that follow position `at` of a ring: at the ring's start if they do not fit before it."""
    left = WINDOW_LINES - at % WINDOW_LINES
    return at + left if count > left else at


@njit(REFILL_SIGNATURE)
def refill(  # type: ignore[no-untyped-def]
    rows, entries, path_row, path_mask, kinds, bases, strides, extras, deltas, streams, first, last, memops, lines,
    memos, memo_lines, scratch, windows, shifts,
):  # fmt: skip
    """Expand accesses of the warp slots `first` to `last` - 1 while they have some left and their windows have room.

    Slot w's window is memops[w * WINDOW_ACCESSES ...] and lines[w * LINES_PER_SLOT ...], two rings. `memos`,
    `memo_lines` and `scratch` belong to the caller's thread; what they hold changes the speed only. Returns the number
    of accesses expanded.
    """
    total = 0
    for w in range(first, last):
        stream = streams[w]
        access = int(stream["access"])
        end = int(stream["access_end"])
        made = int(stream["made"])
        full = int(stream["freed"]) + WINDOW_ACCESSES
        if access >= end or made >= full:
            continue
        at = int(stream["lines_made"])
        if made == int(stream["freed"]):  # an empty ring begins anew, where it is warm and any access fits
            at = (at + WINDOW_LINES - 1) // WINDOW_LINES * WINDOW_LINES
            stream["lines_freed"] = at
        room = int(stream["lines_freed"]) + WINDOW_LINES
        need = int(stream["need"])
        reference = int(stream["reference"])
        delta = int(stream["delta"])
        pattern = int(stream["pattern"])
        number = int(stream["number"])
        while access < end and made < full and _place(at, need) + need <= room:
            entry = int(entries[access])
            row = int(path_row[entry])
            space, count, sectors, cycles, source, shift = expand_access(
                rows, row, int(path_mask[entry]), reference, delta, pattern, number, kinds, bases, strides, extras,
                deltas, memos, memo_lines, scratch, windows, shifts,
            )  # fmt: skip
            need = count
            start = _place(at, count)
            if start + count > room:
                break
            to = w * LINES_PER_SLOT + start % WINDOW_LINES
            for i in range(count):
                lines[to + i] = memo_lines[source + i]
                lines[to + i]["line"] = int(memo_lines[source + i]["line"]) + shift
            at = start + count
            memop = memops[w * WINDOW_ACCESSES + made % WINDOW_ACCESSES]
            memop["first"] = to
            memop["end"] = at
            memop["lines"] = count
            memop["sectors"] = sectors
            memop["bank_cycles"] = cycles
            memop["space"] = space
            access += 1
            made += 1
            reference += int(rows[row]["references"])
            need = 0
        total += made - int(stream["made"])
        stream["access"] = access
        stream["made"] = made
        stream["lines_made"] = at
        stream["reference"] = reference
        stream["need"] = need
    return total


class Windows:
    """Windows of expanded accesses for the warp slots of a chip that runs one kernel.

    `streams` [slots] of STREAM, `memops` [slots x WINDOW_ACCESSES] of MEMOP and `lines` [slots x LINES_PER_SLOT] of
    LINE are shared; `memos`, `memo_lines` and `scratch` hold one array for each worker thread. Slots of different
    workers may be refilled at the same time. Sizes in bytes, all powers of two; a line has 1, 2 or 4 sectors. Raises
    `ValueError` for other sizes.
    """

    def __init__(
        self,
        slots: int,
        kernel: Launch,
        line_bytes: int = 128,
        sector_bytes: int = 32,
        banks: int = 32,
        bank_bytes: int = 4,
        workers: int = 1,
    ) -> None:
        """All slots empty: fill `streams` with `start_stream`."""
        self.shifts = _shifts(line_bytes, sector_bytes, banks, bank_bytes)
        self.windows = _windows(kernel)
        self.rows = _rows(kernel)
        self.streams = np.zeros(slots, dtype=STREAM)
        self.memops = np.zeros(slots * WINDOW_ACCESSES, dtype=MEMOP)
        self.lines = np.zeros(slots * LINES_PER_SLOT, dtype=LINE)
        self.memos = [np.zeros(2 * len(self.rows), dtype=MEMO) for _ in range(workers)]
        self.memo_lines = [new_pool(self.rows) for _ in range(workers)]
        self.scratch = [new_scratch(banks) for _ in range(workers)]
        self._warps_per_cta = kernel.warps_per_cta

    def arguments(self, tables: BatchTables, worker: int = 0) -> tuple[Any, ...]:
        """What `refill` takes beside the range of warp slots, in its order."""
        return (
            self.rows, tables.entries, tables.path_row, tables.path_mask, tables.kinds, tables.bases, tables.strides,
            tables.extras, tables.deltas, self.streams, self.memops, self.lines, self.memos[worker],
            self.memo_lines[worker], self.scratch[worker], self.windows, self.shifts,
        )  # fmt: skip

    def refill(self, tables: BatchTables, first: int, last: int, worker: int = 0) -> int:
        """Expand ahead for the slots `first` to `last` - 1, as far as windows have room; returns how many accesses."""
        given = self.arguments(tables, worker)
        return int(refill(*given[:10], first, last, *given[10:]))

    def shift(self, moves: list[Move]) -> None:
        """Follow the tables after batches were dropped: every slot's places in them move as its CTA's batch did."""
        cta = self.streams["number"] // self._warps_per_cta
        for move in moves:
            here = (move.first <= cta) & (cta < move.first + move.ctas)
            for name, by in (
                ("access", move.accesses),
                ("access_end", move.accesses),
                ("reference", move.references),
                ("delta", move.deltas),
            ):
                self.streams[name][here] -= by


def _shifts(line_bytes: int, sector_bytes: int, banks: int, bank_bytes: int) -> NDArray[np.int64]:
    """The sizes as `shifts`."""
    for name, value in (("line", line_bytes), ("sector", sector_bytes), ("banks", banks), ("bank width", bank_bytes)):
        if value < 1 or value & (value - 1):
            raise ValueError(f"{name} = {value}: give a power of two")
    if line_bytes < 4:
        raise ValueError(f"line = {line_bytes}: give at least 4 bytes, a power of two")
    if not 1 <= line_bytes // sector_bytes <= 4:
        raise ValueError(f"{line_bytes}-byte lines of {sector_bytes}-byte sectors: a line must hold 1, 2 or 4 sectors")
    return np.array([v.bit_length() - 1 for v in (line_bytes, sector_bytes, bank_bytes, banks)], dtype=np.int64)


def _windows(kernel: Launch) -> NDArray[np.int64]:
    """Generic windows and number of warps as `windows`."""
    (shared, shared_end), (local, local_end) = generic_windows(kernel.header)
    warps = kernel.header.ctas * kernel.header.warps_per_cta
    return np.array([shared, shared_end, local, local_end, warps], dtype=np.int64)


def _rows(kernel: Launch) -> NDArray[Any]:
    """What the compiled code needs to know of each static row."""
    rows = np.zeros(max(1, len(kernel.static)), dtype=ROW)
    for i, static in enumerate(kernel.static):
        instruction = static.instruction
        rows[i]["space"] = memory_space(instruction)
        rows[i]["references"] = kernel.row_references[i]
        rows[i]["bytes"] = min(access_bytes(instruction), MOST_BYTES)
        rows[i]["lanes"] = (1 << address_lanes(instruction)) - 1
        if is_atomic(instruction):
            rows[i]["effect"] = OPERATES
        elif is_store(instruction):
            rows[i]["effect"] = STORES
    return rows
