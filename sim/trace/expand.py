"""From compact addresses to what the memory pipeline sees: cache lines, sectors, bank cycles (core reference §7.3).

The compiled island "trace preparation". For each executed access, in each warp's order, it lists the distinct lines in
the order in which the lanes first touch them, with a mask of touched sectors, and counts the cycles that shared memory
needs: the largest number of distinct words in one bank, for 64-bit accesses summed over two groups of 16 lanes, for
128-bit accesses over four groups of 8; atomics on the same word take turns.

Generic addresses are resolved by the windows of the header (§11.1), an access by its first active lane. Local memory is
interleaved by words over the threads of the kernel, so that a warp that touches one offset touches 128 adjacent bytes;
each warp of the launch has its own area.
"""

from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from sim.isa.memory import MemorySpace, access_bytes, address_lanes, is_atomic, memory_space
from sim.jit import njit
from sim.trace.addresses import EXPLICIT, TWO_SEGMENT, UNIFORM, UNKNOWN
from sim.trace.model import KernelTrace, generic_windows

#: One executed access: its rows of LINE, sectors over all of them, cycles of shared memory, `MemorySpace`.
MEMOP = np.dtype(
    [
        ("first", np.int64),
        ("lines", np.int16),
        ("sectors", np.int16),
        ("bank_cycles", np.int16),
        ("space", np.int8),
    ]
)
#: One touched line: address // line_bytes, and a bit per touched sector.
LINE = np.dtype([("line", np.int64), ("sectors", np.int8)])

#: What the compiled code knows of a static row.
_ROW = np.dtype(
    [
        ("space", np.int8),
        ("references", np.int8),
        ("bytes", np.int16),  # bytes behind one address
        ("lanes", np.int64),  # mask of the lanes whose addresses count
        ("atomic", np.int8),
    ]
)

_GLOBAL, _SHARED, _LOCAL = int(MemorySpace.GLOBAL), int(MemorySpace.SHARED), int(MemorySpace.LOCAL)
_GENERIC = int(MemorySpace.GENERIC)
_UNIFORM, _TWO_SEGMENT, _EXPLICIT, _UNKNOWN = UNIFORM, TWO_SEGMENT, EXPLICIT, UNKNOWN
_WARP = 32
_LOCAL_SHIFT = 2  # local memory is interleaved by 4-byte words
_LARGEST = 128  # lines that one access can touch at most: 32 lanes, each 16 bytes over 4 words of local memory
_TABLE = 256  # places of the hash table of touched lines, a power of two above _LARGEST
_WORDS = 128  # words that one group of lanes can touch at most
#: Rows of LINE that are made ready per access at first; the table grows where that is not enough.
_LINES_PER_ACCESS = 4

#: Places of `shifts`: base-2 logarithms of the line, the sector, a bank's word (in bytes) and of the number of banks.
_LINE, _SECTOR, _BANK_BYTES, _BANKS = range(4)

#: The last access of each static row (two sides), to repeat its result.
_MEMO = np.dtype(
    [
        ("memop", np.int64),  # -1 = none yet
        ("base", np.int64),
        ("stride", np.int64),
        ("extra", np.int64),
        ("mask", np.int64),
        ("phase", np.int64),  # base within a line, or within a bank's word
        ("kind", np.int8),
        ("space", np.int8),
    ]
)

_memop = numba.from_dtype(MEMOP)
_line = numba.from_dtype(LINE)
_row = numba.from_dtype(_ROW)
_memo = numba.from_dtype(_MEMO)


@dataclass(frozen=True, eq=False)
class Expanded:
    """A kernel as the core replays it; see `model.KernelTrace` for the path tables.

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
def _lane_addresses(kind, base, stride, extra, deltas, mask, addresses):  # type: ignore[no-untyped-def]
    """Write the address of each active lane to `addresses`."""
    first = -1
    rank = 0
    for lane in range(_WARP):
        if (mask >> lane) & 1:
            if first < 0:
                first = lane
            if kind == _EXPLICIT:
                addresses[lane] = base + int(deltas[extra + rank])
            elif kind == _TWO_SEGMENT and lane >= int(deltas[extra]):
                addresses[lane] = base + int(deltas[extra + 1]) + stride * (lane - int(deltas[extra]))
            else:
                addresses[lane] = base + stride * (lane - first)  # a uniform address has stride 0
            rank += 1


@njit
def _touch(lines, used, count, address, size, shifts, table, stamps, stamp):  # type: ignore[no-untyped-def]
    """Mark the sectors of `size` bytes at `address`; returns how many distinct lines the access has now.

    A small open-addressed table finds the lines of this access; its places are valid where they carry its stamp.
    """
    line_shift, sector_shift = int(shifts[_LINE]), int(shifts[_SECTOR])
    sectors_shift = line_shift - sector_shift
    sector = address >> sector_shift
    last = (address + size - 1) >> sector_shift
    while sector <= last:
        line = sector >> sectors_shift
        bit = 1 << (sector - (line << sectors_shift))
        sector += 1
        if count > 0 and int(lines[used + count - 1]["line"]) == line:  # neighbours in lane order mostly share a line
            lines[used + count - 1]["sectors"] = int(lines[used + count - 1]["sectors"]) | bit
            continue
        place = (line ^ (line >> 8)) & (_TABLE - 1)
        while int(stamps[place]) == stamp and int(lines[used + int(table[place])]["line"]) != line:
            place = (place + 1) & (_TABLE - 1)
        if int(stamps[place]) == stamp:
            at = used + int(table[place])
            lines[at]["sectors"] = int(lines[at]["sectors"]) | bit
        else:
            stamps[place] = stamp
            table[place] = count
            lines[used + count]["line"] = line
            lines[used + count]["sectors"] = bit
            count += 1
    return count


@njit
def _bank_cycles(addresses, mask, size, atomic, shifts, words, counts):  # type: ignore[no-untyped-def]
    """Cycles that shared memory needs; `words` [banks, .] and `counts` [banks] are scratch."""
    bank_shift, banks = int(shifts[_BANK_BYTES]), 1 << int(shifts[_BANKS])
    group = _WARP
    if size > 1 << bank_shift:
        group = max(1, (_WARP << bank_shift) // size)
    cycles = 0
    for start in range(0, _WARP, group):
        worst = 0
        for bank in range(banks):
            counts[bank] = 0
        for lane in range(start, min(_WARP, start + group)):
            if (mask >> lane) & 1:
                word = int(addresses[lane]) >> bank_shift
                last = (int(addresses[lane]) + size - 1) >> bank_shift
                while word <= last:
                    bank = word & (banks - 1)
                    held = int(counts[bank])
                    known = False
                    if atomic == 0:  # the same word is broadcast; atomics on it take turns
                        for i in range(held):
                            if int(words[bank, i]) == word:
                                known = True
                    if not known:
                        words[bank, held] = word
                        counts[bank] = held + 1
                        worst = max(worst, held + 1)
                    word += 1
        cycles += worst
    return cycles


@njit(
    (
        _row[::1],
        numba.int64[::1],  # path_access: first entry of `entries` for each path, [P+1]
        numba.int64[::1],  # entries: place in the path tables of each access
        numba.int32[::1],  # path_row
        numba.int64[::1],  # path_mask
        numba.int32[::1],  # warp_path
        numba.int64[::1],  # warp_memop, written
        numba.int8[::1],  # kind
        numba.int64[::1],  # base
        numba.int64[::1],  # stride
        numba.int64[::1],  # extra
        numba.int64[::1],  # deltas
        _memop[::1],  # written
        _line[::1],  # written
        _memo[::1],  # read and written
        numba.int64[::1],  # state: warp, access of its path, references, memops and lines so far; read and written
        numba.int64[::1],  # shared window (start, end), local window
        numba.int64[::1],  # shifts
    ),
    allocates=True,
)
def _expand(  # type: ignore[no-untyped-def]
    rows,
    path_access,
    entries,
    path_row,
    path_mask,
    warp_path,
    warp_memop,
    kinds,
    bases,
    strides,
    extras,
    deltas,
    memops,
    lines,
    memos,
    state,
    windows,
    shifts,
):
    """Expand accesses from `state` on; stops where `lines` may be too short for one more, to be called again.

    An access whose pattern equals that of the last one of its static row, up to a shift of whole lines (or of whole
    bank words), repeats that result.
    """
    warp, place = int(state[0]), int(state[1])
    reference, memop, used = int(state[2]), int(state[3]), int(state[4])
    shared_start, shared_end = int(windows[0]), int(windows[1])
    local_start, local_end = int(windows[2]), int(windows[3])
    line_shift = int(shifts[_LINE])
    line_phase = (1 << line_shift) - 1
    bank_phase = (1 << int(shifts[_BANK_BYTES])) - 1
    banks = 1 << int(shifts[_BANKS])
    warps = len(warp_path)
    room = len(lines) - _LARGEST
    addresses = np.zeros(_WARP, dtype=np.int64)
    words = np.zeros((banks, _WORDS), dtype=np.int64)
    counts = np.zeros(banks, dtype=np.int64)
    table = np.zeros(_TABLE, dtype=np.int64)
    stamps = np.full(_TABLE, -1, dtype=np.int64)
    while warp < warps and used <= room:
        path = int(warp_path[warp])
        begin, end = 0, 0
        if path >= 0:
            begin, end = int(path_access[path]), int(path_access[path + 1])
        if place == 0:
            warp_memop[warp] = memop
        while begin + place < end and used <= room:
            entry = int(entries[begin + place])
            place += 1
            row = int(path_row[entry])
            active = int(path_mask[entry])
            size = int(rows[row]["bytes"])
            space = int(rows[row]["space"])
            atomic = int(rows[row]["atomic"])
            counted = active & int(rows[row]["lanes"])
            count, cycles, sectors = 0, 0, 0
            for side in range(int(rows[row]["references"])):
                kind, base, stride = int(kinds[reference]), int(bases[reference]), int(strides[reference])
                extra = int(extras[reference])
                reference += 1
                if space == _GENERIC:
                    space = _GLOBAL
                    if shared_start <= base < shared_end:
                        space = _SHARED
                    elif local_start <= base < local_end:
                        space = _LOCAL
                here = space
                if side == 1:
                    here = _SHARED
                if kind == _UNKNOWN:
                    if here == _SHARED:
                        cycles = 1
                    continue
                phase = base & line_phase
                if here == _SHARED:
                    phase = base & bank_phase
                memo = 2 * row + side
                old = int(memos[memo]["memop"])
                same = (
                    old >= 0
                    and int(memos[memo]["kind"]) == kind
                    and int(memos[memo]["stride"]) == stride
                    and int(memos[memo]["extra"]) == extra
                    and int(memos[memo]["mask"]) == active
                    and int(memos[memo]["phase"]) == phase
                    and int(memos[memo]["space"]) == here
                    and here != _LOCAL  # where it lies depends on the warp
                )
                if same and here == _SHARED:
                    cycles = int(memops[old]["bank_cycles"])
                    continue
                if same:
                    source = int(memops[old]["first"])
                    count = int(memops[old]["lines"])
                    sectors = int(memops[old]["sectors"])
                    shift = (base >> line_shift) - (int(memos[memo]["base"]) >> line_shift)
                    for i in range(count):
                        lines[used + i]["line"] = int(lines[source + i]["line"]) + shift
                        lines[used + i]["sectors"] = int(lines[source + i]["sectors"])
                    continue
                memos[memo]["memop"] = memop
                memos[memo]["kind"] = kind
                memos[memo]["stride"] = stride
                memos[memo]["extra"] = extra
                memos[memo]["mask"] = active
                memos[memo]["phase"] = phase
                memos[memo]["space"] = here
                memos[memo]["base"] = base
                if here == _GLOBAL and kind == _UNIFORM:
                    count = _touch(lines, used, count, base, size, shifts, table, stamps, memop)
                else:
                    _lane_addresses(kind, base, stride, extra, deltas, active, addresses)
                    if here == _SHARED:
                        cycles = _bank_cycles(addresses, counted, size, atomic, shifts, words, counts)
                    elif here == _GLOBAL:
                        for lane in range(_WARP):
                            if (counted >> lane) & 1:
                                address = int(addresses[lane])
                                count = _touch(lines, used, count, address, size, shifts, table, stamps, memop)
                    else:
                        for lane in range(_WARP):
                            if (counted >> lane) & 1:
                                offset = int(addresses[lane])
                                if local_start <= offset < local_end:
                                    offset -= local_start
                                last = (offset + size - 1) >> _LOCAL_SHIFT
                                for word in range(offset >> _LOCAL_SHIFT, last + 1):
                                    address = local_start + (((word * warps + warp) * _WARP + lane) << _LOCAL_SHIFT)
                                    count = _touch(lines, used, count, address, 1, shifts, table, stamps, memop)
                if here != _SHARED:
                    for i in range(used, used + count):
                        bits = int(lines[i]["sectors"])
                        while bits:
                            sectors += bits & 1
                            bits >>= 1
            memops[memop]["first"] = used
            memops[memop]["lines"] = count
            memops[memop]["sectors"] = sectors
            memops[memop]["bank_cycles"] = cycles
            memops[memop]["space"] = space
            memop += 1
            used += count
        if begin + place < end:
            break
        warp += 1
        place = 0
    if warp == warps:
        warp_memop[warp] = memop
    state[0] = warp
    state[1] = place
    state[2] = reference
    state[3] = memop
    state[4] = used


def expand(
    kernel: KernelTrace, line_bytes: int = 128, sector_bytes: int = 32, banks: int = 32, bank_bytes: int = 4
) -> Expanded:
    """The kernel's accesses as lines, sectors and bank cycles; sizes in bytes, all powers of two.

    A line may have at most four sectors (their mask is a signed byte). Raises `ValueError` for other sizes.
    """
    for name, value in (("line", line_bytes), ("sector", sector_bytes), ("banks", banks), ("bank width", bank_bytes)):
        if value < 1 or value & (value - 1):
            raise ValueError(f"{name} = {value}: give a power of two")
    if not 1 <= line_bytes // sector_bytes <= 4:
        raise ValueError(f"{line_bytes}-byte lines of {sector_bytes}-byte sectors: a line must hold 1, 2 or 4 sectors")
    path_memop = (kernel.path_references > 0).astype(np.int8)
    path_access = np.concatenate([[0], np.cumsum(path_memop, dtype=np.int64)])[kernel.path_offset]
    warps = kernel.warp_path
    accesses = int(np.diff(path_access)[warps[warps >= 0]].sum())
    memops = np.zeros(accesses, dtype=MEMOP)
    lines = np.empty(accesses * _LINES_PER_ACCESS + _LARGEST, dtype=LINE)
    warp_memop = np.zeros(len(warps) + 1, dtype=np.int64)
    rows = _rows(kernel)
    memos = np.zeros(2 * len(rows), dtype=_MEMO)
    memos["memop"] = -1
    state = np.zeros(5, dtype=np.int64)
    windows = np.array(generic_windows(kernel.header), dtype=np.int64).ravel()
    shifts = np.array([v.bit_length() - 1 for v in (line_bytes, sector_bytes, bank_bytes, banks)], dtype=np.int64)
    entries = np.nonzero(path_memop)[0].astype(np.int64)
    path_mask = kernel.path_mask.astype(np.int64)
    refs = kernel.references
    while True:
        _expand(
            rows,
            path_access,
            entries,
            kernel.path_row,
            path_mask,
            warps,
            warp_memop,
            refs.kind,
            refs.base,
            refs.stride,
            refs.extra,
            refs.deltas,
            memops,
            lines,
            memos,
            state,
            windows,
            shifts,
        )
        if state[0] == len(warps):
            break
        longer = np.empty(2 * len(lines), dtype=LINE)
        longer[: int(state[4])] = lines[: int(state[4])]
        lines = longer
    return Expanded(
        path_offset=kernel.path_offset,
        path_row=kernel.path_row,
        path_lanes=kernel.path_lanes,
        path_memop=path_memop,
        warp_path=warps,
        warp_memop=warp_memop,
        memops=memops,
        lines=lines[: int(state[4])],
    )


def _rows(kernel: KernelTrace) -> NDArray[Any]:
    """What the compiled code needs to know of each static row."""
    rows = np.zeros(max(1, len(kernel.static)), dtype=_ROW)
    for i, static in enumerate(kernel.static):
        instruction = static.instruction
        rows[i]["space"] = memory_space(instruction)
        rows[i]["references"] = kernel.row_references[i]
        rows[i]["bytes"] = access_bytes(instruction)
        rows[i]["lanes"] = (1 << address_lanes(instruction)) - 1
        rows[i]["atomic"] = is_atomic(instruction)
    return rows
