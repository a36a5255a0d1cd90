"""From compact addresses to what the memory pipeline sees: cache lines, sectors, bank cycles (core reference §7.3).

The compiled island "trace preparation". For each executed access, in each warp's order, it lists the distinct lines in
the order in which the lanes first touch them, with a mask of touched sectors, and counts the cycles that shared memory
needs: the largest number of distinct words in one bank, for 64-bit accesses summed over two groups of 16 lanes, for
128-bit accesses over four groups of 8; atomics on the same word take turns. For stores it tells which bytes they write,
for atomics how many lanes operate on each line.

Generic addresses are resolved by the windows of the header (§11.1), an access by its first active lane. Local memory is
interleaved by words over the threads of the kernel, so that a warp that touches one offset touches 128 adjacent bytes;
each warp of the launch has its own area.

`refill` expands ahead of the core, a window of accesses for each warp slot of the chip; `expand` puts such windows of a
whole kernel together.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from numpy.typing import NDArray

from sim.isa.memory import MemorySpace, access_bytes, address_lanes, is_atomic, is_store, memory_space
from sim.jit import njit
from sim.trace.addresses import EXPLICIT, TWO_SEGMENT, UNIFORM, UNKNOWN
from sim.trace.live import START as START
from sim.trace.live import BatchTables as BatchTables
from sim.trace.live import Move as Move
from sim.trace.model import KernelTrace, generic_windows
from sim.trace.tables import offsets, spread

if TYPE_CHECKING:
    from sim.trace.stream import KernelStream

#: Accesses that are expanded ahead for each warp slot, a power of two.
WINDOW_ACCESSES = 32
#: Rows of LINE that a warp slot's expanded accesses share, a power of two; one access touches at most `LARGEST`.
WINDOW_LINES = 512
#: Rows of LINE from one slot's ring to the next one's: no power of two, or all rings would meet in a few cache sets.
LINES_PER_SLOT = WINDOW_LINES + 2
#: Lines that one access can touch at most: 32 lanes, each 32 bytes over 9 words of local memory (if not aligned).
LARGEST = 288
_MOST_BYTES = 32

#: One executed access: its rows of LINE, sectors over all of them, cycles of shared memory, `MemorySpace`.
MEMOP = np.dtype(
    [
        ("first", np.int64),  # index of its first row of LINE; they lie one after the other
        ("end", np.int64),  # windows only: `lines_freed` of its stream once it has been freed
        ("lines", np.int16),
        ("sectors", np.int16),
        ("bank_cycles", np.int16),
        ("space", np.int8),
    ],
    align=True,
)
#: One touched line.
LINE = np.dtype(
    [
        ("line", np.int64),  # address // line_bytes
        ("sectors", np.int8),  # bit per touched sector
        ("whole", np.int8),  # stores: bit per sector of which every byte is written; else 0
        ("operations", np.int16),  # atomics: lanes that operate on this line; else 0
        # Stores: bit per written byte of each sector; a sector of more than 32 bytes has a bit per 1/32 of it.
        # Anything else leaves what was there.
        ("bytes", np.int32, (4,)),
    ],
    align=True,
)
#: The accesses of the warp in one slot: what is still to expand, and what has been expanded.
STREAM = np.dtype(
    [
        ("access", np.int64),  # next access to expand: index into `entries`
        ("access_end", np.int64),
        ("reference", np.int64),  # next row of the references' tables
        ("delta", np.int64),  # added to `extra` to index `deltas`
        ("pattern", np.int64),  # the same, counted from the first lane offset of the kernel: it never moves
        ("number", np.int64),  # warp of the launch: where its local memory lies
        ("made", np.int64),  # accesses expanded so far; access i is row i % WINDOW_ACCESSES of the slot's MEMOPs
        ("freed", np.int64),  # accesses that the core has finished with
        ("lines_made", np.int64),  # places of the slot's ring of LINEs given out so far, skipped ones included
        ("lines_freed", np.int64),
        ("need", np.int64),  # lines of the next access where that is known to be the reason for waiting, else 0
    ],
    align=True,
)

#: What the compiled code knows of a static row.
_ROW = np.dtype(
    [
        ("space", np.int8),
        ("references", np.int8),
        ("bytes", np.int16),  # bytes behind one address
        ("lanes", np.int64),  # mask of the lanes whose addresses count
        ("effect", np.int8),  # _READS, _STORES or _OPERATES
    ],
    align=True,
)

_READS, _STORES, _OPERATES = range(3)
_GLOBAL, _SHARED, _LOCAL = int(MemorySpace.GLOBAL), int(MemorySpace.SHARED), int(MemorySpace.LOCAL)
_GENERIC = int(MemorySpace.GENERIC)
_UNIFORM, _TWO_SEGMENT, _EXPLICIT, _UNKNOWN = UNIFORM, TWO_SEGMENT, EXPLICIT, UNKNOWN
_WARP = 32
_LOCAL_SHIFT = 2  # local memory is interleaved by 4-byte words
_WORDS = 128  # words that one group of lanes can touch at most
_MEMO_LINES = 32  # longer patterns are not kept
_TOGETHER = 64  # warps that `expand` takes side by side

#: Places of `shifts`: base-2 logarithms of the line, the sector, a bank's word (in bytes) and of the number of banks.
_LINE, _SECTOR, _BANK_BYTES, _BANKS = range(4)
#: Places of `windows`: the shared and the local window, and the number of warps of the launch.
_SHARED_START, _SHARED_END, _LOCAL_START, _LOCAL_END, _LAUNCHED = range(5)
#: Places of `scratch`: lane addresses, a hash table of touched lines with a stamp per place, the last stamp, and words
#: and their number for each bank.
_TABLE_SIZE = 512  # a power of two above LARGEST
_ADDRESS_AT = 0
_TABLE_AT = _ADDRESS_AT + _WARP
_STAMP_AT = _TABLE_AT + _TABLE_SIZE
_LAST_STAMP_AT = _STAMP_AT + _TABLE_SIZE
_BANK_AT = _LAST_STAMP_AT + 1

#: The last access of each static row (two sides), to repeat its result; its lines are kept in `memo_lines`.
_MEMO = np.dtype(
    [
        ("base", np.int64),
        ("stride", np.int64),
        ("pattern", np.int64),  # where its lane offsets lie, counted from the kernel's first; -1 = has none
        ("mask", np.int64),
        ("phase", np.int64),  # base within a line, or within a bank's word
        ("held", np.int8),  # 1 = there is one
        ("kind", np.int8),
        ("space", np.int8),
        ("lines", np.int16),
        ("sectors", np.int16),
        ("cycles", np.int16),
    ],
    align=True,
)

_memop = numba.from_dtype(MEMOP)
_line = numba.from_dtype(LINE)
_stream = numba.from_dtype(STREAM)
_start = numba.from_dtype(START)
_row = numba.from_dtype(_ROW)
_memo = numba.from_dtype(_MEMO)


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


@njit
def _lane_addresses(kind, base, stride, origin, deltas, mask, scratch):  # type: ignore[no-untyped-def]
    """Write the address of each active lane to `scratch`; its lane offsets start at deltas[origin]."""
    first = -1
    rank = 0
    for lane in range(_WARP):
        if (mask >> lane) & 1:
            if first < 0:
                first = lane
            address = base + stride * (lane - first)  # a uniform address has stride 0
            if kind == _EXPLICIT:
                address = base + int(deltas[origin + rank])
            elif kind == _TWO_SEGMENT and lane >= int(deltas[origin]):
                address = base + int(deltas[origin + 1]) + stride * (lane - int(deltas[origin]))
            scratch[_ADDRESS_AT + lane] = address
            rank += 1


@njit
def _mark(touched, sector, bit, effect, lanes, low, high, shifts):  # type: ignore[no-untyped-def]
    """Note in a row of LINE what happens to a sector: `lanes` operations, or a store to the bytes [low, high)."""
    touched["sectors"] = int(touched["sectors"]) | 1 << bit
    if effect == _OPERATES:
        touched["operations"] = int(touched["operations"]) + lanes
    elif effect == _STORES:
        sector_shift = int(shifts[_SECTOR])
        grain = max(0, sector_shift - 5)
        start = sector << sector_shift
        begin = (max(low, start) - start) >> grain
        end = ((min(high, start + (1 << sector_shift)) - 1 - start) >> grain) + 1
        written = int(touched["bytes"][bit]) & 0xFFFFFFFF | (1 << end) - (1 << begin)
        touched["bytes"][bit] = (written ^ 0x80000000) - 0x80000000
        full = (1 << min(32, 1 << sector_shift)) - 1
        if written == full:
            touched["whole"] = int(touched["whole"]) | 1 << bit


@njit
def _touch(lines, first, count, address, size, effect, lanes, shifts, scratch, stamp):  # type: ignore[no-untyped-def]
    """Mark the sectors of `size` bytes at `address`, which `lanes` lanes access.

    The access's lines are lines[first : first + count]; returns how many it has now. A small open-addressed table finds
    them; its places are valid where they carry the access's stamp.
    """
    sectors_shift = int(shifts[_LINE]) - int(shifts[_SECTOR])
    sector = address >> int(shifts[_SECTOR])
    last = (address + size - 1) >> int(shifts[_SECTOR])
    at = -1
    previous = -1
    while sector <= last:
        line = sector >> sectors_shift
        operations = lanes
        if at >= 0 and line == previous:
            operations = 0  # this lane has been counted on the line
        elif count > 0 and int(lines[first + count - 1]["line"]) == line:
            at = first + count - 1  # neighbours in lane order mostly share a line
        else:
            place = (line ^ (line >> 8)) & (_TABLE_SIZE - 1)
            while (
                int(scratch[_STAMP_AT + place]) == stamp
                and int(lines[first + int(scratch[_TABLE_AT + place])]["line"]) != line
            ):
                place = (place + 1) & (_TABLE_SIZE - 1)
            if int(scratch[_STAMP_AT + place]) == stamp:
                at = first + int(scratch[_TABLE_AT + place])
            else:
                scratch[_STAMP_AT + place] = stamp
                scratch[_TABLE_AT + place] = count
                at = first + count
                count += 1
                lines[at]["line"] = line
                lines[at]["sectors"] = 0
                lines[at]["whole"] = 0
                lines[at]["operations"] = 0
                if effect == _STORES:
                    for bit in range(4):
                        lines[at]["bytes"][bit] = 0
        previous = line
        bit = sector - (line << sectors_shift)
        _mark(lines[at], sector, bit, effect, operations, address, address + size, shifts)
        sector += 1
    return count


@njit
def _bank_cycles(mask, size, atomic, shifts, scratch):  # type: ignore[no-untyped-def]
    """Cycles that shared memory needs for the lane addresses in `scratch`."""
    bank_shift, banks = int(shifts[_BANK_BYTES]), 1 << int(shifts[_BANKS])
    words = _BANK_AT + banks
    group = _WARP
    if size > 1 << bank_shift:
        group = max(1, (_WARP << bank_shift) // size)
    cycles = 0
    for start in range(0, _WARP, group):
        worst = 0
        for bank in range(banks):
            scratch[_BANK_AT + bank] = 0
        for lane in range(start, min(_WARP, start + group)):
            if (mask >> lane) & 1:
                word = int(scratch[_ADDRESS_AT + lane]) >> bank_shift
                last = (int(scratch[_ADDRESS_AT + lane]) + size - 1) >> bank_shift
                while word <= last:
                    bank = word & (banks - 1)
                    held = int(scratch[_BANK_AT + bank])
                    known = False
                    if not atomic:  # the same word is broadcast; atomics on it take turns
                        for i in range(held):
                            if int(scratch[words + bank * _WORDS + i]) == word:
                                known = True
                    if not known:
                        scratch[words + bank * _WORDS + held] = word
                        scratch[_BANK_AT + bank] = held + 1
                        worst = max(worst, held + 1)
                    word += 1
        cycles += worst
    return cycles


@njit
def _bits(mask):  # type: ignore[no-untyped-def]
    """Set bits of a mask."""
    count = 0
    while mask:
        mask &= mask - 1
        count += 1
    return count


@njit
def _lines(here, lines, first, mask, lanes, size, effect, warp, windows, shifts, scratch):  # type: ignore[no-untyped-def]
    """Touch the lines of an access to global or local memory by the lanes of `mask`, each of them for `lanes` lanes.

    The words of local memory are interleaved over the threads of the launch. Returns how many lines there are.
    """
    start = int(windows[_LOCAL_START])
    stamp = int(scratch[_LAST_STAMP_AT]) + 1
    scratch[_LAST_STAMP_AT] = stamp
    count = 0
    for lane in range(_WARP):
        if (mask >> lane) & 1:
            begin = int(scratch[_ADDRESS_AT + lane])
            if here == _LOCAL and start <= begin < int(windows[_LOCAL_END]):
                begin -= start
            end = begin + size
            while begin < end:
                address, held = begin, size
                if here == _LOCAL:
                    word = begin >> _LOCAL_SHIFT
                    held = min(end, (word + 1) << _LOCAL_SHIFT) - begin
                    address = start + (((word * int(windows[_LAUNCHED]) + warp) * _WARP + lane) << _LOCAL_SHIFT)
                    address += begin - (word << _LOCAL_SHIFT)
                count = _touch(lines, first, count, address, held, effect, lanes, shifts, scratch, stamp)
                begin += held
    return count


@njit
def _access(  # type: ignore[no-untyped-def]
    rows, row, active, reference, delta, pattern, warp, kinds, bases, strides, extras, deltas, memos, lines, scratch,
    windows, shifts,
):  # fmt: skip
    """Expand one access of static row `row` by the lanes `active`, whose first reference is `reference`.

    `delta` and `pattern` are those of its STREAM; `lines` is the pool that `_pool` makes.

    Returns (space, lines, sectors, cycles of shared memory, first row of its lines in the pool `lines`, what to add to
    each line's number). An access whose pattern equals that of the last one of its static row, up to a shift of whole
    lines (or of whole bank words), repeats that result.
    """
    line_shift = int(shifts[_LINE])
    fresh = len(rows) * 2 * _MEMO_LINES  # where the pool has room for one access that is not kept
    size = int(rows[row]["bytes"])
    space = int(rows[row]["space"])
    effect = int(rows[row]["effect"])
    counted = active & int(rows[row]["lanes"])
    count, sectors, cycles, first, shift = 0, 0, 0, fresh, 0
    for side in range(int(rows[row]["references"])):
        kind = int(kinds[reference + side])
        base = int(bases[reference + side])
        stride = int(strides[reference + side])
        if space == _GENERIC:
            space = _GLOBAL
            if int(windows[_SHARED_START]) <= base < int(windows[_SHARED_END]):
                space = _SHARED
            elif int(windows[_LOCAL_START]) <= base < int(windows[_LOCAL_END]):
                space = _LOCAL
        here = space
        if side == 1:
            here = _SHARED
        if kind == _UNKNOWN:
            if here == _SHARED:
                cycles = 1
            continue
        phase = base & ((1 << line_shift) - 1)
        if here == _SHARED:
            phase = base & ((1 << int(shifts[_BANK_BYTES])) - 1)
        origin = 0
        known = -1
        if kind == _EXPLICIT or kind == _TWO_SEGMENT:  # noqa: SIM109  (costs less to compile)
            origin = delta + int(extras[reference + side])
            known = pattern + int(extras[reference + side])
        place = 2 * row + side
        memo = memos[place]
        if (
            int(memo["held"]) != 0
            and int(memo["kind"]) == kind
            and int(memo["stride"]) == stride
            and int(memo["pattern"]) == known
            and int(memo["mask"]) == active
            and int(memo["phase"]) == phase
            and int(memo["space"]) == here
        ):
            if here == _SHARED:
                cycles = int(memo["cycles"])
            else:
                count = int(memo["lines"])
                sectors = int(memo["sectors"])
                first = place * _MEMO_LINES
                shift = (base >> line_shift) - (int(memo["base"]) >> line_shift)
            continue
        _lane_addresses(kind, base, stride, origin, deltas, active, scratch)
        if here == _SHARED:
            cycles = _bank_cycles(counted, size, effect == _OPERATES, shifts, scratch)
        else:
            mask, lanes = counted, 1
            if here == _GLOBAL and kind == _UNIFORM:  # the first lane stands for all
                mask, lanes = counted & -counted, _bits(counted)
            count = _lines(here, lines, fresh, mask, lanes, size, effect, warp, windows, shifts, scratch)
            for i in range(fresh, fresh + count):
                sectors += _bits(int(lines[i]["sectors"]))
        memo["held"] = 0
        # Where local memory lies depends on the warp.
        if here != _LOCAL and (here == _SHARED or count <= _MEMO_LINES):
            memo["held"] = 1
            memo["base"] = base
            memo["stride"] = stride
            memo["pattern"] = known
            memo["mask"] = active
            memo["phase"] = phase
            memo["kind"] = kind
            memo["space"] = here
            memo["cycles"] = cycles
            if here != _SHARED:
                memo["lines"] = count
                memo["sectors"] = sectors
                for i in range(count):
                    lines[place * _MEMO_LINES + i] = lines[fresh + i]
    return space, count, sectors, cycles, first, shift


@njit
def _place(at, count):  # type: ignore[no-untyped-def]
    """Where `count` lines lie that follow position `at` of a ring: at the ring's start if they do not fit before it."""
    left = WINDOW_LINES - at % WINDOW_LINES
    return at + left if count > left else at


_INTS = numba.int64[::1]


#: Types of `refill`, for callers that are handed it as a function.
REFILL_SIGNATURE = numba.int64(
    _row[::1], _INTS, numba.int32[::1], _INTS, numba.int8[::1], _INTS, _INTS, _INTS, _INTS, _stream[::1], numba.int64,
    numba.int64, _memop[::1], _line[::1], _memo[::1], _line[::1], _INTS, _INTS, _INTS,
)  # fmt: skip


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
            space, count, sectors, cycles, source, shift = _access(
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


@njit
def start_stream(stream, start, number):  # type: ignore[no-untyped-def]
    """Give a warp slot the accesses of warp `number` of the launch, found at `start` (START); its window empties."""
    stream["access"] = int(start["access"])
    stream["access_end"] = int(start["access_end"])
    stream["reference"] = int(start["reference"])
    stream["delta"] = int(start["delta"])
    stream["pattern"] = int(start["pattern"])
    stream["number"] = number
    stream["made"] = 0
    stream["freed"] = 0
    stream["lines_made"] = 0
    stream["lines_freed"] = 0
    stream["need"] = 0


@njit
def free_access(stream, memop):  # type: ignore[no-untyped-def]
    """Give back the slot's oldest access, `memop`, with its lines; accesses are given back in order."""
    stream["freed"] = int(stream["freed"]) + 1
    stream["lines_freed"] = int(memop["end"])


@njit
def needs_refill(stream, taken):  # type: ignore[no-untyped-def]
    """1 if access number `taken` of the warp (from 0) exists and has not been expanded yet, else 0."""
    if taken >= int(stream["made"]) and int(stream["access"]) < int(stream["access_end"]):
        return 1
    return 0


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
        kernel: "KernelTrace | KernelStream",
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
        self.memos = [np.zeros(2 * len(self.rows), dtype=_MEMO) for _ in range(workers)]
        self.memo_lines = [_pool(self.rows) for _ in range(workers)]
        self.scratch = [_scratch(banks) for _ in range(workers)]
        self._warps_per_cta = kernel.warps_per_cta

    def refill(self, tables: BatchTables, first: int, last: int, worker: int = 0) -> int:
        """Expand ahead for the slots `first` to `last` - 1, as far as windows have room; returns how many accesses."""
        return int(
            refill(
                self.rows, tables.entries, tables.path_row, tables.path_mask, tables.kinds, tables.bases,
                tables.strides, tables.extras, tables.deltas, self.streams, first, last, self.memops, self.lines,
                self.memos[worker], self.memo_lines[worker], self.scratch[worker], self.windows, self.shifts,
            )
        )  # fmt: skip

    def dropped(self, tables: BatchTables) -> None:
        """Nothing to do: patterns that are kept for repetition are named by their place in the kernel."""

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


def _windows(kernel: "KernelTrace | KernelStream") -> NDArray[np.int64]:
    """Generic windows and number of warps as `windows`."""
    (shared, shared_end), (local, local_end) = generic_windows(kernel.header)
    warps = kernel.header.ctas * kernel.header.warps_per_cta
    return np.array([shared, shared_end, local, local_end, warps], dtype=np.int64)


def _scratch(banks: int) -> NDArray[np.int64]:
    return np.zeros(_BANK_AT + banks * (1 + _WORDS), dtype=np.int64)


def _pool(rows: NDArray[Any]) -> NDArray[Any]:
    """Lines of the last access of each static row and side, and of one access that is not kept."""
    return np.zeros(2 * len(rows) * _MEMO_LINES + LARGEST, dtype=LINE)


def _rows(kernel: "KernelTrace | KernelStream") -> NDArray[Any]:
    """What the compiled code needs to know of each static row."""
    rows = np.zeros(max(1, len(kernel.static)), dtype=_ROW)
    for i, static in enumerate(kernel.static):
        instruction = static.instruction
        rows[i]["space"] = memory_space(instruction)
        rows[i]["references"] = kernel.row_references[i]
        rows[i]["bytes"] = min(access_bytes(instruction), _MOST_BYTES)
        rows[i]["lanes"] = (1 << address_lanes(instruction)) - 1
        if is_atomic(instruction):
            rows[i]["effect"] = _OPERATES
        elif is_store(instruction):
            rows[i]["effect"] = _STORES
    return rows
