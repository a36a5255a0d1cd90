"""Windows of expanded accesses: the rings that trace preparation fills ahead of the core, and the core empties.

Records only, and the few functions that both sides use, so that the core's island does not contain the other one.
"""

import numba
import numpy as np

from sim.jit import njit, table

#: Accesses that are expanded ahead for each warp slot, a power of two.
WINDOW_ACCESSES = 32
#: Rows of LINE that a warp slot's expanded accesses share, a power of two; one access touches at most `LARGEST`.
WINDOW_LINES = 512
#: Rows of LINE from one slot's ring to the next one's: no power of two, or all rings would meet in a few cache sets.
LINES_PER_SLOT = WINDOW_LINES + 2
#: Lines that one access can touch at most: 32 lanes, each 32 bytes over 9 words of local memory (if not aligned).
LARGEST = 288
MOST_BYTES = 32

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
ROW = np.dtype(
    [
        ("space", np.int8),
        ("references", np.int8),
        ("bytes", np.int16),  # bytes behind one address
        ("lanes", np.int64),  # mask of the lanes whose addresses count
        ("effect", np.int8),  # coalesce.READS, STORES or OPERATES
    ],
    align=True,
)

#: The last access of each static row (two sides), to repeat its result; its lines are kept in `memo_lines`.
MEMO = np.dtype(
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

_INTS = numba.int64[::1]
#: Types of `expand.refill`, for callers that are handed it as a function.
REFILL_SIGNATURE = numba.int64(
    table(ROW), _INTS, numba.int32[::1], _INTS, numba.int8[::1], _INTS, _INTS, _INTS, _INTS, table(STREAM), numba.int64,
    numba.int64, table(MEMOP), table(LINE), table(MEMO), table(LINE), _INTS, _INTS, _INTS,
)  # fmt: skip


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
