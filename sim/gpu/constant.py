"""Constant caches: the L0 of fixed-latency operands (per sub-core) and the L1 of LDC (per SM) (§3, §4).

Both are filled from the SM's combined L1 instruction/constant cache; a line that missed carries the cycle in which it
arrives, so a hit is a tag match whose fill lies in the past.
"""

from sim.gpu.counters import L0C_MISSES, L1C_ACCESSES, L1C_MISSES
from sim.gpu.frontend import l1_ready
from sim.gpu.lines import find_line
from sim.jit import njit

#: Constant banks live beside the code in the L1's address space, far above any program counter.
CONSTANT_SPACE = 1 << 40


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
def bring_line(cfg, sm, table, base, sets, ways, size, l1i, l1i_base, line, cycle, events):  # type: ignore[no-untyped-def]
    """When a line that missed in `cycle` arrives; if its whole set waits for fills, when it can be tried again."""
    victim = victim_line(table, base, sets, ways, line, cycle)
    if victim < 0:
        first = base + line % sets * ways
        soonest = int(table[first]["fill"])
        for i in range(first, first + ways):
            soonest = min(soonest, int(table[i]["fill"]))
        return soonest
    entry = table[victim]
    entry["tag"] = line + 1
    entry["used"] = cycle
    entry["fill"] = _from_l1(cfg, sm, l1i, l1i_base, line * size, cycle, events)
    return int(entry["fill"])


@njit
def constant_ready(cfg, sm, l0c, l1i, base, l1i_base, address, cycle, events):  # type: ignore[no-untyped-def]
    """First cycle in which the constant at `address` is in the sub-core's L0; `cycle` itself on a hit."""
    line = address // int(cfg["constant_line"])
    found = find_line(l0c, base, int(cfg["l0c_sets"]), int(cfg["l0c_ways"]), line)
    if found >= 0:
        entry = l0c[found]
        entry["used"] = cycle
        return max(cycle, int(entry["fill"]))
    events[L0C_MISSES] += 1
    return bring_line(
        cfg, sm, l0c, base, int(cfg["l0c_sets"]), int(cfg["l0c_ways"]), int(cfg["constant_line"]), l1i, l1i_base, line,
        cycle, events,
    )  # fmt: skip


@njit
def load_constant_ready(cfg, sm, l1c, l1i, base, l1i_base, address, cycle, events):  # type: ignore[no-untyped-def]
    """Cycles that an LDC which looks up in `cycle` waits longer than a hit."""
    line = max(address, 0) // int(cfg["ldc_line"])
    events[L1C_ACCESSES] += 1
    found = find_line(l1c, base, int(cfg["l1c_sets"]), int(cfg["l1c_ways"]), line)
    if found >= 0:
        entry = l1c[found]
        entry["used"] = cycle
        return max(0, int(entry["fill"]) - cycle)
    events[L1C_MISSES] += 1
    full = victim_line(l1c, base, int(cfg["l1c_sets"]), int(cfg["l1c_ways"]), line, cycle) < 0
    arrival = bring_line(
        cfg, sm, l1c, base, int(cfg["l1c_sets"]), int(cfg["l1c_ways"]), int(cfg["ldc_line"]), l1i, l1i_base, line,
        cycle, events,
    )  # fmt: skip
    if full:  # it asks for its line when the set has room again
        arrival = _from_l1(cfg, sm, l1i, l1i_base, line * int(cfg["ldc_line"]), arrival, events)
    return arrival - cycle


@njit
def _from_l1(cfg, sm, l1i, l1i_base, address, cycle, events):  # type: ignore[no-untyped-def]
    """A constant line from the combined L1 takes `constant.miss_latency` in all when the L1 has it (79 in §3)."""
    wide = (CONSTANT_SPACE + address) // int(cfg["l0_line"])
    return int(cfg["constant_miss"]) + l1_ready(cfg, sm, l1i, l1i_base, wide, cycle, events)
