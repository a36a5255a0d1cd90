"""One access: from lane addresses to cache lines, sectors and bank cycles (core reference §7.3).

It lists the distinct lines in the order in which the lanes first touch them, with a mask of touched sectors, and counts
the cycles that shared memory needs: the largest number of distinct words in one bank, for 64-bit accesses summed over
two groups of 16 lanes, for 128-bit accesses over four groups of 8; atomics on the same word take turns. For stores it
tells which bytes they write, for atomics how many lanes operate on each line.

Generic addresses are resolved by the windows of the header (§11.1), an access by its first active lane. Local memory is
interleaved by words over the threads of the kernel, so that a warp that touches one offset touches 128 adjacent bytes;
each warp of the launch has its own area.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.isa.memory import MemorySpace
from sim.jit import njit
from sim.trace.addresses import EXPLICIT, TWO_SEGMENT, UNIFORM, UNKNOWN
from sim.trace.window import LARGEST, LINE

#: What a static row does to memory.
READS, STORES, OPERATES = range(3)
_GLOBAL, _SHARED, _LOCAL = int(MemorySpace.GLOBAL), int(MemorySpace.SHARED), int(MemorySpace.LOCAL)
_GENERIC = int(MemorySpace.GENERIC)
_UNIFORM, _TWO_SEGMENT, _EXPLICIT, _UNKNOWN = UNIFORM, TWO_SEGMENT, EXPLICIT, UNKNOWN
_WARP = 32
_LOCAL_SHIFT = 2  # local memory is interleaved by 4-byte words
_WORDS = 128  # words that one group of lanes can touch at most
_MEMO_LINES = 32  # longer patterns are not kept

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
    if effect == OPERATES:
        touched["operations"] = int(touched["operations"]) + lanes
    elif effect == STORES:
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
                if effect == STORES:
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
def expand_access(  # type: ignore[no-untyped-def]
    rows, row, active, reference, delta, pattern, warp, kinds, bases, strides, extras, deltas, memos, lines, scratch,
    windows, shifts,
):  # fmt: skip
    """Expand one access of static row `row` by the lanes `active`, whose first reference is `reference`.

    `delta` and `pattern` are those of its STREAM; `lines` is the pool that `new_pool` makes.

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
            cycles = _bank_cycles(counted, size, effect == OPERATES, shifts, scratch)
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


def new_scratch(banks: int) -> NDArray[np.int64]:
    """What `expand_access` needs to work, for one thread."""
    return np.zeros(_BANK_AT + banks * (1 + _WORDS), dtype=np.int64)


def new_pool(rows: NDArray[Any]) -> NDArray[Any]:
    """Lines of the last access of each static row and side, and of one access that is not kept."""
    return np.zeros(2 * len(rows) * _MEMO_LINES + LARGEST, dtype=LINE)
