"""L2 slices: lookups, misses, write-back with byte masks, atomics (§7.3, §8).

A slice takes its requests in order, one lookup per L2 cycle or as long as its data takes. What it has leaves after
`l2.latency`; sectors that it lacks are fetched from its DRAM channel, once, and the rest of the request follows in one
reply, `l2.latency` after all of them are there. Stores take a line without a fetch and keep the mask of the bytes
written; a line that goes writes its dirty sectors back. Atomics and reductions change data here. A request that finds
no miss register, no line that could go, or no room in the channel's queues stops its slice until the channel has moved.
"""

from sim.gpu.counters import (
    L2_ATOMICS,
    L2_READ_HITS,
    L2_READ_MISSES,
    L2_READS,
    L2_STALLS,
    L2_WRITE_BACKS,
    L2_WRITES,
)
from sim.gpu.state import E_READY, E_SERVE, K_ATOMIC, K_FETCH, K_REDUCTION, K_STORE, K_WALK
from sim.jit import njit, stage
from sim.memory.cache import DATA, INSTRUCTIONS, TRANSLATIONS, find, install, popcount, touch, victim, write_sector
from sim.memory.dram import dram_push, dram_room
from sim.memory.heap import push
from sim.memory.mapping import place_of
from sim.memory.misses import drop_miss, find_miss, free_waiter, take_miss, wait_for

#: Tag of a DRAM write, whose end nobody waits for; smaller tags name a miss register and a sector.
WRITE_TAG = 1 << 40


@njit
def to_domain(time, num, den):  # type: ignore[no-untyped-def]
    """First cycle of a clock that runs num/den as fast that does not lie before `time`."""
    return time if num == den else (time * num + den - 1) // den


@njit
def to_l2(cfg, time):  # type: ignore[no-untyped-def]
    """L2 cycle of a core cycle."""
    return to_domain(time, int(cfg["l2_num"]), int(cfg["l2_den"]))


@njit
def from_l2(cfg, time):  # type: ignore[no-untyped-def]
    """Core cycle of an L2 cycle."""
    return to_domain(time, int(cfg["l2_den"]), int(cfg["l2_num"]))


@njit
def to_dram(cfg, time):  # type: ignore[no-untyped-def]
    """DRAM command clock of a core cycle."""
    return to_domain(time, int(cfg["dram_num"]), int(cfg["dram_den"]))


@njit
def from_dram(cfg, time):  # type: ignore[no-untyped-def]
    """Core cycle of a DRAM command clock."""
    return to_domain(time, int(cfg["dram_den"]), int(cfg["dram_num"]))


@njit
def schedule(cfg, part, p, heap, time, kind, item, sectors):  # type: ignore[no-untyped-def]
    """Add an event of the partition's own; those of one time and kind happen in the order in which they were added."""
    rank = kind << 52 | int(part["sequence"])
    part["sequence"] = int(part["sequence"]) + 1
    push(heap, p * int(cfg["partition_events"]), int(part["events"]), time, rank, kind, item, sectors)
    part["events"] = int(part["events"]) + 1


@njit
def channel_address(cfg, slice, local):  # type: ignore[no-untyped-def]
    """Byte address within the DRAM channel of byte `local` of a slice: the channel's slices take turns by blocks."""
    interleave = int(cfg["interleave"])
    slices = int(cfg["slices"]) // int(cfg["channels"])
    return (local // interleave * slices + slice % slices) * interleave + local % interleave


@njit
def queue_request(pool, slice, m):  # type: ignore[no-untyped-def]
    """A request has arrived: it waits behind the others of its slice."""
    pool[m]["next"] = -1
    if int(slice["head"]) < 0:
        slice["head"] = m
    else:
        pool[int(slice["tail"])]["next"] = m
    slice["tail"] = m


@njit
def serve(  # type: ignore[no-untyped-def]
    cfg, dram, part, p, slices, s, pool, heap, lines, written, tables, misses, waiters, buckets, channel, queue, time,
    events,
):  # fmt: skip
    """Look up the oldest request of slice `s`; the next one follows when the slice is free again."""
    slice = slices[s]
    slice["scheduled"] = 0
    m = int(slice["head"])
    cost = _try(
        cfg, dram, part, p, slice, s, pool, m, heap, lines, written, tables[s], misses, waiters, buckets, channel,
        queue, time, events,
    )  # fmt: skip
    if cost == 0:
        slice["blocked"] = 1
        events[L2_STALLS] += 1
        return
    slice["head"] = int(pool[m]["next"])
    # An L2 cycle that begins within a core cycle is seen at that one's end: the slice has begun in its own cycle.
    free = int(slice["free"])
    start = free if time <= from_l2(cfg, free) else to_l2(cfg, time)
    slice["free"] = max(start, to_l2(cfg, int(pool[m]["arrived"]))) + cost
    schedule_lookup(cfg, part, p, slice, s, heap, time)


@njit
def schedule_lookup(cfg, part, p, slice, s, heap, time):  # type: ignore[no-untyped-def]
    """If a request waits and nothing stands against it: its lookup comes when the slice is free."""
    if int(slice["head"]) >= 0 and int(slice["scheduled"]) == 0 and int(slice["blocked"]) == 0:
        slice["scheduled"] = 1
        schedule(cfg, part, p, heap, max(time, from_l2(cfg, int(slice["free"]))), E_SERVE, s, 0)


@stage
def _try(  # type: ignore[no-untyped-def]
    cfg, dram, part, p, slice, s, pool, m, heap, lines, written, table, misses, waiters, buckets, channel, queue, time,
    events,
):  # fmt: skip
    """Serve request `m`; returns the L2 cycles that it keeps the slice busy, 0 if it cannot be served now."""
    message = pool[m]
    kind = int(message["kind"])
    line = int(message["line"])
    wanted = int(message["sectors"])
    ways = int(cfg["l2_ways"])
    policy = int(cfg["l2_replacement"])
    first = (s * int(cfg["l2_sets"]) + int(message["local"]) % int(cfg["l2_sets"])) * ways
    index = find(lines, first, ways, line)
    reads = kind != K_STORE
    missing = 0
    waiting = 0
    fetched = 0
    if index < 0 and reads and dram_room(dram, channel, 0) == 0:
        return 0
    if reads:
        missing = wanted
        if index >= 0:
            missing = wanted & ~int(lines[index]["valid"])
            waiting = int(lines[index]["waiting"])
        fetched = _atoms(cfg, missing & ~waiting)
        if index >= 0:
            fetched &= ~(int(lines[index]["valid"]) | waiting)
    i = -1
    if missing != 0:
        if waiting != 0:  # a line that has a miss register waits for it
            i = find_miss(table, misses, buckets, line)
        if i < 0 and int(table["free"]) < 0:
            return 0
        if (i >= 0 and int(misses[i]["merged"]) >= int(cfg["l2_merges"])) or int(table["free_waiter"]) < 0:
            return 0
        if dram_room(dram, channel, 0) < popcount(fetched):
            return 0
    if index < 0:
        index = victim(lines, first, ways, policy)
        if index < 0:
            return 0
        if not _write_back(cfg, dram, lines, index, s, channel, queue, p, time, events):
            return 0
        slice["use"] = int(slice["use"]) + 1
        install(lines, index, line, _content(kind), policy, int(slice["use"]))
    else:
        slice["use"] = int(slice["use"]) + 1
        touch(lines, index, policy, int(slice["use"]))
    message["served"] = time
    message["missing"] = missing
    sectors = popcount(wanted)
    width = int(cfg["l2_bytes"])
    cost = max(1, (sectors * int(cfg["sector_bytes"]) + width - 1) // width)
    if kind == K_STORE:
        events[L2_WRITES] += sectors
        for sector in range(4):
            if wanted >> sector & 1 != 0:
                write_sector(lines, written, index, sector, int(message["bytes"][sector]))
        schedule(cfg, part, p, heap, time + 1, E_READY, m, 0)
        return cost
    events[L2_READS] += sectors
    events[L2_READ_MISSES] += popcount(missing)
    events[L2_READ_HITS] += sectors - popcount(missing)
    if missing != 0:
        if i < 0:
            i = take_miss(table, misses, buckets, line, index)
        wait_for(table, misses, waiters, i, m, missing)
        misses[i]["sectors"] = int(misses[i]["sectors"]) | fetched
        lines[index]["waiting"] = int(lines[index]["waiting"]) | fetched
        _fetch(cfg, dram, channel, queue, s, p, int(message["local"]), fetched, i, time)
    here = wanted & ~missing
    if here != 0:
        cost += answer(cfg, part, p, heap, pool, m, lines, index, here, time + int(cfg["l2_latency"]), events)
    return cost


@njit
def _content(kind):  # type: ignore[no-untyped-def]
    """What a line holds that a request of `kind` brings in."""
    if kind == K_FETCH:
        return INSTRUCTIONS
    return TRANSLATIONS if kind == K_WALK else DATA


@njit
def answer(cfg, part, p, heap, pool, m, lines, index, sectors, ready, events):  # type: ignore[no-untyped-def]
    """Sectors of request `m` are at hand and leave in cycle `ready`; returns the L2 cycles of atomic arithmetic."""
    message = pool[m]
    kind = int(message["kind"])
    if kind != K_ATOMIC and kind != K_REDUCTION:
        schedule(cfg, part, p, heap, ready, E_READY, m, sectors)
        return 0
    lines[index]["dirty"] = int(lines[index]["dirty"]) | sectors
    if sectors & int(message["missing"]) == 0 and int(message["missing"]) != 0:
        return 0  # its arithmetic comes with the part that is missing
    operations = max(1, int(message["operations"]))
    events[L2_ATOMICS] += operations
    cycles = (operations + int(cfg["l2_atomic_rate"]) - 1) // int(cfg["l2_atomic_rate"])
    done = ready + int(cfg["l2_atomic_latency"]) + from_l2(cfg, cycles) - 1
    schedule(cfg, part, p, heap, done, E_READY, m, int(message["sectors"]) if kind == K_ATOMIC else 0)
    return cycles


@njit
def _atoms(cfg, sectors):  # type: ignore[no-untyped-def]
    """The sectors of all DRAM atoms that hold one of `sectors`."""
    per_atom = int(cfg["sectors_per_atom"])
    if per_atom == 1 or sectors == 0:
        return sectors
    atom = (1 << per_atom) - 1
    found = 0
    for first in range(0, int(cfg["sectors_per_line"]), per_atom):
        if sectors & atom << first != 0:
            found |= atom << first
    return found


@njit
def _fetch(cfg, dram, channel, queue, s, p, local, sectors, i, time):  # type: ignore[no-untyped-def]
    """Ask the channel for the atoms that hold `sectors` of a line; the tag tells miss register and first sector."""
    per_atom = int(cfg["sectors_per_atom"])
    atom = (1 << per_atom) - 1
    base = local * int(cfg["line_bytes"])
    clock = to_dram(cfg, time)
    for first in range(0, int(cfg["sectors_per_line"]), per_atom):
        if sectors & atom << first != 0:
            address = channel_address(cfg, s, base + first * int(cfg["sector_bytes"]))
            dram_push(dram, channel, queue, p * int(cfg["dram_slots"]), address, 0, i * 4 + first, clock)


@njit
def _write_back(cfg, dram, lines, index, s, channel, queue, p, time, events):  # type: ignore[no-untyped-def]
    """Send the dirty sectors of a line that goes to the channel; False if it has no room for them."""
    if int(lines[index]["tag"]) == 0 or int(lines[index]["dirty"]) == 0:
        return True
    dirty = _atoms(cfg, int(lines[index]["dirty"]))
    if dram_room(dram, channel, 1) < popcount(dirty):
        return False
    line = int(lines[index]["tag"]) - 1
    size = int(cfg["line_bytes"])
    place = place_of(line * size, int(cfg["interleave"]), int(cfg["slices"]), int(cfg["hashed"]))
    per_atom = int(cfg["sectors_per_atom"])
    atom = (1 << per_atom) - 1
    clock = to_dram(cfg, time)
    events[L2_WRITE_BACKS] += popcount(int(lines[index]["dirty"]))
    for first in range(0, int(cfg["sectors_per_line"]), per_atom):
        if dirty & atom << first != 0:
            address = channel_address(cfg, s, place[1] + first * int(cfg["sector_bytes"]))
            dram_push(dram, channel, queue, p * int(cfg["dram_slots"]), address, 1, WRITE_TAG, clock)
    return True


@stage
def filled(  # type: ignore[no-untyped-def]
    cfg, part, p, slices, s, pool, heap, lines, table, misses, waiters, buckets, i, first, time, events
):
    """An atom has come from the channel: its sectors are valid, and requests that have all they wanted go on."""
    miss = misses[i]
    index = int(miss["index"])
    got = ((1 << int(cfg["sectors_per_atom"])) - 1) << first & int(miss["sectors"])
    entry = lines[index]
    entry["valid"] = int(entry["valid"]) | got
    entry["waiting"] = int(entry["waiting"]) & ~got
    miss["sectors"] = int(miss["sectors"]) & ~got
    before = -1
    k = int(miss["waiters"])
    while k >= 0:
        waiter = waiters[k]
        left = int(waiter["sectors"]) & ~got
        waiter["sectors"] = left
        if left != 0:
            before = k
            k = int(waiter["next"])
            continue
        m = int(waiter["owner"])
        ready = time + int(cfg["l2_latency"])
        cost = answer(cfg, part, p, heap, pool, m, lines, index, int(pool[m]["missing"]), ready, events)
        if cost > 0:
            slices[s]["free"] = max(int(slices[s]["free"]), to_l2(cfg, time)) + cost
        k = free_waiter(table, misses, waiters, i, before, k)
    if int(miss["sectors"]) == 0:
        drop_miss(table, misses, buckets, i)
