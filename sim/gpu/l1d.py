"""L1 data cache: sectored, write-through, with miss registers, in front of a fixed latency and bandwidth (§7.3).

An access is worked out in closed form when it starts: a sector that misses knows at once when it arrives, and the
line carries that cycle, so that later accesses to it wait for the same fill. What lies behind L1 is the stand-in
`behind_l1` of the configuration: one latency and one bandwidth per SM where crossbar, L2 and DRAM will be.
"""

from sim.gpu.counters import (
    BEHIND_WRITE,
    L1D_HITS,
    L1D_MISSES,
    L1D_MSHR_STALLS,
    L1D_READS,
    L1D_REQUESTS,
    L1D_TAG_LOOKUPS,
    L1D_WRITES,
)
from sim.gpu.frontend import behind_read
from sim.gpu.state import NEVER
from sim.jit import njit


@njit
def pipeline_cycles(cfg, memop):  # type: ignore[no-untyped-def]
    """Cycles that an instruction occupies L1D: tag lookups or data bandwidth, whichever takes longer."""
    lookups = int(cfg["l1d_lookups"])
    width = int(cfg["l1d_sectors_per_cycle"])
    tags = (int(memop["lines"]) + lookups - 1) // lookups
    data = (int(memop["sectors"]) + width - 1) // width
    return max(1, max(tags, data))


@njit
def find(cfg, l1d, base, line):  # type: ignore[no-untyped-def]
    """Index of the way that holds `line`, or -1 - (index of the least recently used way)."""
    ways = int(cfg["l1d_ways"])
    first = base + line % int(cfg["l1d_sets"]) * ways
    victim = first
    oldest = int(l1d[first]["used"])
    for i in range(first, first + ways):
        if int(l1d[i]["tag"]) == line + 1:
            return i
        if int(l1d[i]["used"]) < oldest:
            oldest = int(l1d[i]["used"])
            victim = i
    return -1 - victim


@njit
def read(cfg, row, sm, l1d, base, fills, fill_base, memop, lines, cycle, events):  # type: ignore[no-untyped-def]
    """Read the sectors of a load that leaves its sub-core in `cycle`.

    Returns the cycle in which all its data is ready for the register link; `sm.l1_free` moves on.
    """
    events[L1D_REQUESTS] += 1
    start = max(cycle, int(sm["l1_free"]))
    occupied = pipeline_cycles(cfg, memop)
    lookups = int(cfg["l1d_lookups"])
    mshrs = int(cfg["l1d_mshrs"])
    after = int(row["after"])
    bypass = int(row["bypass"]) != 0
    worst = start + after
    at = start
    first = int(memop["first"])
    for k in range(int(memop["lines"])):
        if k > 0 and k % lookups == 0:
            at += 1
        events[L1D_TAG_LOOKUPS] += 1
        line = int(lines[first + k]["line"])
        mask = int(lines[first + k]["sectors"])
        way = -1
        if not bypass:
            way = find(cfg, l1d, base, line)
            if way < 0:
                way = -1 - way
                entry = l1d[way]
                entry["tag"] = line + 1
                for s in range(4):
                    entry["fill"][s] = NEVER
            sm["lru"] = int(sm["lru"]) + 1
            l1d[way]["used"] = int(sm["lru"])
        for s in range(int(cfg["l1d_sectors"])):
            if mask >> s & 1 == 0:
                continue
            events[L1D_READS] += 1
            if way >= 0 and int(l1d[way]["fill"][s]) != NEVER:
                events[L1D_HITS] += 1
                worst = max(worst, max(at + after, int(l1d[way]["fill"][s])))
                continue
            events[L1D_MISSES] += 1
            ring = fill_base + int(sm["fill_ring"])
            if int(fills[ring]) > at:  # every miss register is taken: the pipeline waits for the oldest
                events[L1D_MSHR_STALLS] += int(fills[ring]) - at
                at = int(fills[ring])
            arrival = behind_read(cfg, sm, at + after, int(cfg["sector_bytes"]), int(cfg["behind_latency"]), events)
            fills[ring] = arrival
            sm["fill_ring"] = (int(sm["fill_ring"]) + 1) % mshrs
            if way >= 0:
                l1d[way]["fill"][s] = arrival
            worst = max(worst, arrival)
    sm["l1_free"] = max(start + occupied, at + 1)
    return worst


@njit
def write(cfg, sm, l1d, base, memop, lines, cycle, events):  # type: ignore[no-untyped-def]
    """Write the sectors of a store through; lines that L1 does not hold are not fetched (lazy fetch on read).

    Returns the cycle in which the last byte has left for what lies behind L1.
    """
    events[L1D_REQUESTS] += 1
    start = max(cycle, int(sm["l1_free"]))
    sm["l1_free"] = start + pipeline_cycles(cfg, memop)
    first = int(memop["first"])
    for k in range(int(memop["lines"])):
        events[L1D_TAG_LOOKUPS] += 1
        line = int(lines[first + k]["line"])
        mask = int(lines[first + k]["sectors"])
        way = find(cfg, l1d, base, line)
        if way < 0 and int(cfg["write_allocate"]) != 0:
            way = -1 - way
            l1d[way]["tag"] = line + 1
            for s in range(4):
                l1d[way]["fill"][s] = NEVER
        if way >= 0:
            sm["lru"] = int(sm["lru"]) + 1
            l1d[way]["used"] = int(sm["lru"])
        for s in range(int(cfg["l1d_sectors"])):
            if mask >> s & 1 != 0:
                events[L1D_WRITES] += 1
                if way >= 0 and int(cfg["write_allocate"]) != 0:
                    l1d[way]["fill"][s] = min(int(l1d[way]["fill"][s]), start)
    size = int(memop["sectors"]) * int(cfg["sector_bytes"])
    events[BEHIND_WRITE] += size
    width = int(cfg["behind_bytes"])
    end = max(start * width, int(sm["behind_write_free"])) + size
    sm["behind_write_free"] = end
    return (end + width - 1) // width - 1


@njit
def invalidate(cfg, l1d, base):  # type: ignore[no-untyped-def]
    """Forget every line (memory barriers of device or system scope, §6)."""
    for i in range(base, base + int(cfg["l1d_sets"]) * int(cfg["l1d_ways"])):
        l1d[i]["tag"] = 0
        l1d[i]["used"] = 0
