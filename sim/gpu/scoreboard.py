"""Dependence by scoreboard, the alternative to control bits, and the rule for traces without them (§9.4).

One entry per register, uniform register and predicate of a warp: from which cycle its value is available, and how many
issued instructions have still to read it. An instruction waits for its sources (RAW), for its destinations (WAW) and
for the readers of its destinations (WAR); at most `consumers` readers of an entry can be counted.
"""

from sim.gpu.counters import SELECTED, WAIT
from sim.gpu.decode import R_DEPBAR, R_MEMBAR
from sim.gpu.state import NEVER
from sim.jit import njit


@njit
def scoreboard_block(cfg, row, w, in_flight, available, readers, cycle):  # type: ignore[no-untyped-def]
    """(state, first cycle in which it may change) of a warp under the scoreboard: RAW, WAW, WAR (§9.4)."""
    until = 0
    limit = int(cfg["consumers"])
    blocked = False
    for i in range(int(row["reads"])):
        first = int(row["read_first"][i])
        for entry in range(first, first + int(row["read_count"][i])):
            until = max(until, int(available[w, entry]))
            blocked = blocked or int(readers[w, entry]) >= limit
    for i in range(int(row["writes"])):
        first = int(row["write_first"][i])
        for entry in range(first, first + int(row["write_count"][i])):
            until = max(until, int(available[w, entry]))
            blocked = blocked or int(readers[w, entry]) > 0
    if int(row["role"]) == R_DEPBAR or int(row["role"]) == R_MEMBAR:
        # Without counters a fence waits for all that the warp has under way.
        blocked = blocked or int(in_flight) > 0
    if until >= NEVER:
        return until - NEVER, NEVER  # the reason is kept in the time (`book`)
    if until > cycle:
        return WAIT, until
    if blocked:
        return WAIT, cycle + 1
    return SELECTED, cycle


@njit
def book(row, w, available, readers, ready):  # type: ignore[no-untyped-def]
    """Scoreboard: count the reads, mark the destinations as written in cycle `ready` (§9.4)."""
    for i in range(int(row["reads"])):
        first = int(row["read_first"][i])
        for entry in range(first, first + int(row["read_count"][i])):
            readers[w, entry] = int(readers[w, entry]) + 1
    for i in range(int(row["writes"])):
        first = int(row["write_first"][i])
        for entry in range(first, first + int(row["write_count"][i])):
            available[w, entry] = ready


@njit
def release_readers(row, readers, w):  # type: ignore[no-untyped-def]
    """Scoreboard: the sources of an instruction of warp slot `w` are read, writers need not wait for it (§9.4)."""
    for i in range(int(row["reads"])):
        first = int(row["read_first"][i])
        for entry in range(first, first + int(row["read_count"][i])):
            readers[w, entry] = int(readers[w, entry]) - 1


@njit
def clear_writes(row, available, w, visible):  # type: ignore[no-untyped-def]
    """Scoreboard: the destinations are available to instructions that issue from cycle `visible` on."""
    for i in range(int(row["writes"])):
        first = int(row["write_first"][i])
        for entry in range(first, first + int(row["write_count"][i])):
            available[w, entry] = visible
