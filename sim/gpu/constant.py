"""Constant caches: the L0 of fixed-latency operands (per sub-core) and the L1 of LDC (per SM) (§3, §4).

Both are filled from the SM's combined L1 instruction/constant cache; a line that missed carries the cycle in which it
arrives, so a hit is a tag match whose fill lies in the past. While that cache itself waits for L2, the cycle is NEVER
plus that of the lookup; `constants_arrived` then sets it.
"""

from sim.gpu.counters import IMC_MISS, L0C_MISSES, L1C_ACCESSES, L1C_MISSES
from sim.gpu.frontend import CONSTANT_SPACE, l1_ready
from sim.gpu.lines import find_line
from sim.gpu.state import NEVER
from sim.jit import njit


@njit
def victim_line(table, base, sets, ways, line, cycle):  # type: ignore[no-untyped-def]
    """Index of the least recently used way of the line's set that is not waiting for its fill, or -1."""
    first = base + line % sets * ways
    victim = -1
    for i in range(first, first + ways):
        if int(table[i]["fill"]) <= cycle and (victim < 0 or int(table[i]["used"]) < int(table[victim]["used"])):
            victim = i
    return victim


@njit
def wide_line(cfg, address):  # type: ignore[no-untyped-def]
    """Line of the combined L1 cache that holds a constant address."""
    return (CONSTANT_SPACE + address) // int(cfg["l0_line"])


@njit
def _from_l1(cfg, sm, s, l1i, l1i_base, address, cycle, now, outbox, events):  # type: ignore[no-untyped-def]
    """When a constant line arrives: `constant.miss_latency` in all when the combined L1 has it (79 in §3)."""
    found = l1_ready(cfg, sm, s, l1i, l1i_base, wide_line(cfg, address), cycle, now, outbox, events)
    return found if found >= NEVER else int(cfg["constant_miss"]) + found


@njit
def constant_ready(cfg, sm, s, l0c, l1i, base, l1i_base, address, cycle, outbox, events):  # type: ignore[no-untyped-def]
    """First cycle in which the constant at `address` is in the sub-core's L0; `cycle` itself on a hit."""
    line = address // int(cfg["constant_line"])
    sets = int(cfg["l0c_sets"])
    ways = int(cfg["l0c_ways"])
    found = find_line(l0c, base, sets, ways, line)
    if found >= 0:
        entry = l0c[found]
        entry["used"] = cycle
        return max(cycle, int(entry["fill"]))
    events[L0C_MISSES] += 1
    victim = victim_line(l0c, base, sets, ways, line, cycle)
    if victim < 0:  # the whole set waits for fills: try again when the first of them is there
        first = base + line % sets * ways
        soonest = int(l0c[first]["fill"])
        for i in range(first, first + ways):
            soonest = min(soonest, int(l0c[i]["fill"]))
        return soonest
    entry = l0c[victim]
    entry["tag"] = line + 1
    entry["used"] = cycle
    entry["fill"] = _from_l1(cfg, sm, s, l1i, l1i_base, line * int(cfg["constant_line"]), cycle, cycle, outbox, events)
    return int(entry["fill"])


@njit
def load_constant_ready(cfg, sm, s, l1c, l1i, base, l1i_base, address, cycle, now, outbox, events):  # type: ignore[no-untyped-def]
    """Cycle in which an LDC that looks up in `cycle` has its line; >= NEVER while it is not known."""
    line = address // int(cfg["ldc_line"])
    sets = int(cfg["l1c_sets"])
    ways = int(cfg["l1c_ways"])
    events[L1C_ACCESSES] += 1
    found = find_line(l1c, base, sets, ways, line)
    if found >= 0:
        entry = l1c[found]
        entry["used"] = cycle
        return NEVER + cycle if int(entry["fill"]) >= NEVER else max(cycle, int(entry["fill"]))
    events[L1C_MISSES] += 1
    fill = _from_l1(cfg, sm, s, l1i, l1i_base, line * int(cfg["ldc_line"]), cycle, now, outbox, events)
    victim = victim_line(l1c, base, sets, ways, line, cycle)
    if victim >= 0:  # else its whole set waits for fills: it reads past the cache
        entry = l1c[victim]
        entry["tag"] = line + 1
        entry["used"] = cycle
        entry["fill"] = fill
    return fill


@njit
def constants_arrived(cfg, subs, g0, warps, l0c, l1c, l1c_base, wide, cycle):  # type: ignore[no-untyped-def]
    """Line `wide` of the combined L1 is there: set the fills that wait for it, and let warps that miss look again."""
    size = int(cfg["l0c_sets"]) * int(cfg["l0c_ways"])
    for g in range(g0, g0 + int(cfg["sub_cores"])):
        for i in range(g * size, (g + 1) * size):
            _set_fill(cfg, l0c[i], int(cfg["constant_line"]), wide, cycle)
        sub = subs[g]
        sub["sleep_until"] = 0
        for k in range(int(sub["warps"])):
            warp = warps[int(sub["order"][k])]
            if int(warp["state"]) == IMC_MISS:
                warp["wake"] = 0
    for i in range(l1c_base, l1c_base + int(cfg["l1c_sets"]) * int(cfg["l1c_ways"])):
        _set_fill(cfg, l1c[i], int(cfg["ldc_line"]), wide, cycle)


@njit
def _set_fill(cfg, entry, size, wide, cycle):  # type: ignore[no-untyped-def]
    waits = int(entry["tag"]) > 0 and int(entry["fill"]) >= NEVER
    if waits and wide_line(cfg, (int(entry["tag"]) - 1) * size) == wide:
        entry["fill"] = max(cycle, int(entry["fill"]) - NEVER) + int(cfg["constant_miss"])
