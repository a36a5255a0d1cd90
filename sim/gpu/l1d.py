"""L1 data cache: sectored, with miss registers; lines take their place when they arrive (§7.3).

An access waits in order for its turn, then looks up `tag_lookups` lines a cycle. Sectors that are not there are asked
for in one message per line, once: later accesses to them wait at the same miss register. An access that finds no free
miss register, or no credit for a store, stops the L1D until something comes back. Stores are written through; whether
they take a line is a policy. Loads that bypass L1D (STRONG.GPU) and atomics go to L2 past the tags.
"""

from sim.gpu.border import send
from sim.gpu.counters import (
    L1D_HITS,
    L1D_MISSES,
    L1D_READS,
    L1D_REQUESTS,
    L1D_STALLS,
    L1D_TAG_LOOKUPS,
    L1D_WRITES,
)
from sim.gpu.decode import M_ATOMIC, M_COPY, M_REDUCTION, M_STORE
from sim.gpu.log import note
from sim.gpu.state import (
    COPYING,
    EV_HIT,
    EV_MISS,
    K_ATOMIC,
    K_BYPASS,
    K_LOAD,
    K_REDUCTION,
    K_STORE,
    NEVER,
    WAIT_DATA,
    WRITING,
)
from sim.jit import njit, stage
from sim.memory.cache import DATA, find, find_or_victim, install, popcount, touch, victim
from sim.memory.misses import drop_miss, find_miss, free_waiter, take_miss, wait_for


@njit
def take_pending(sm, pendings, base):  # type: ignore[no-untyped-def]
    """A free record for a memory instruction, relative to the SM's first; there is one for each place of the PRT."""
    p = int(sm["free_pending"])
    sm["free_pending"] = int(pendings[base + p]["next"])
    return p


@njit
def start_access(cfg, sm, s, pendings, accesses, p, memop, lines, held, cycle):  # type: ignore[no-untyped-def]
    """Let pending record `p` wait for its turn in L1D; its lines are kept until it has looked them up."""
    room = int(cfg["pending_requests"])
    pending = pendings[s * room + p]
    count = int(memop["lines"])
    first = int(memop["first"])
    ring = room * int(cfg["lines_per_access"])
    if int(sm["access_count"]) == 0:
        sm["held"] = 0
    to = int(sm["held"])
    for k in range(count):
        held[s * ring + (to + k) % ring] = lines[first + k]
    sm["held"] = to + count
    pending["held"] = to
    pending["lines"] = count
    pending["sectors"] = int(memop["sectors"])
    tail = (int(sm["access_head"]) + int(sm["access_count"])) % room
    accesses[s * room + tail] = p
    sm["access_count"] = int(sm["access_count"]) + 1
    if int(sm["access_count"]) == 1:
        sm["next_access"] = max(cycle, int(sm["next_access"]))


@njit
def pipeline_cycles(cfg, pending):  # type: ignore[no-untyped-def]
    """Cycles that an access occupies L1D: tag lookups or data bandwidth, whichever takes longer."""
    lookups = int(cfg["l1d_lookups"])
    width = int(cfg["l1d_sectors_per_cycle"])
    tags = (int(pending["lines"]) + lookups - 1) // lookups
    data = (int(pending["sectors"]) + width - 1) // width
    return max(1, max(tags, data))


@stage
def look_up(  # type: ignore[no-untyped-def]
    cfg, rows, sm, s, warps, pendings, accesses, held, requests, request_base, l1d, tables, misses, waiters, buckets,
    outbox, cycle, events, log, logged,
):  # fmt: skip
    """One cycle of the L1D: the next lines of the oldest access."""
    sm["moved"] = 1
    room = int(cfg["pending_requests"])
    p = int(accesses[s * room + int(sm["access_head"])])
    pending = pendings[s * room + p]
    row = rows[int(pending["row"])]
    kind = int(row["memory"])
    if int(sm["access_started"]) < 0:
        sm["access_started"] = cycle
        sm["access_line"] = 0
        pending["ready"] = max(int(pending["ready"]), cycle + int(row["after"]))
        events[L1D_REQUESTS] += 1
    k = int(sm["access_line"])
    stop = min(int(pending["lines"]), k + int(cfg["l1d_lookups"]))
    ring = room * int(cfg["lines_per_access"])
    going = True
    while going and k < stop:
        touched = held[s * ring + (int(pending["held"]) + k) % ring]
        if kind == M_STORE or kind == M_REDUCTION:
            going = _write_line(cfg, row, sm, s, pending, touched, kind, l1d, outbox, cycle, events)
        elif kind == M_ATOMIC or int(row["bypass"]) != 0:
            going = _pass_line(cfg, row, sm, s, pending, p, touched, kind, tables[s], outbox, cycle, events)
        else:
            going = _read_line(
                cfg, row, sm, s, pending, p, touched, l1d, tables[s], misses, waiters, buckets, outbox, cycle,
                events,
            )  # fmt: skip
        if going:
            k += 1
    if int(sm["blocked_since"]) >= 0 and k > int(sm["access_line"]):
        events[L1D_STALLS] += cycle - int(sm["blocked_since"])
        sm["blocked_since"] = -1
    sm["access_line"] = k
    if k < int(pending["lines"]):
        sm["next_access"] = cycle + 1
        if not going:
            sm["next_access"] = NEVER
            if int(sm["blocked_since"]) < 0:
                sm["blocked_since"] = cycle
        return
    pending["looked_up"] = 1
    free = max(int(sm["access_started"]) + pipeline_cycles(cfg, pending), cycle + 1)
    sm["access_started"] = -1
    sm["access_head"] = (int(sm["access_head"]) + 1) % room
    sm["access_count"] = int(sm["access_count"]) - 1
    sm["next_access"] = free
    w = int(pending["warp"])
    if int(warps[w]["followed"]) != 0 and kind != M_STORE and kind != M_REDUCTION:
        note(log, logged, cycle, w, int(pending["row"]), EV_HIT if int(pending["left"]) == 0 else EV_MISS, 0)
    if int(pending["left"]) == 0:
        complete(cfg, rows, sm, s, pendings, p, requests, request_base)


@stage
def _read_line(  # type: ignore[no-untyped-def]
    cfg, row, sm, s, pending, p, touched, l1d, table, misses, waiters, buckets, outbox, cycle, events
):
    """Look up one line of a load; False if it has to wait for a miss register."""
    line = int(touched["line"])
    wanted = int(touched["sectors"])
    sets = int(cfg["l1d_sets"])
    ways = int(cfg["l1d_ways"])
    way = find(l1d, (s * sets + line % sets) * ways, ways, line)
    missing = wanted
    if way >= 0:
        missing = wanted & ~int(l1d[way]["valid"])
    new = missing
    if missing != 0:
        i = find_miss(table, misses, buckets, line)
        if i >= 0:
            new = missing & ~int(misses[i]["sectors"])
            if int(misses[i]["merged"]) >= int(cfg["l1d_merges"]):
                return False
        if int(table["sectors"]) + popcount(new) > int(cfg["l1d_mshrs"]):
            return False
        if i < 0:
            i = take_miss(table, misses, buckets, line, -1)
        wait_for(table, misses, waiters, i, p, missing)  # there is a waiter for each line of each place of the PRT
        pending["left"] = int(pending["left"]) + popcount(missing)
        if new != 0:
            misses[i]["sectors"] = int(misses[i]["sectors"]) | new
            table["sectors"] = int(table["sectors"]) + popcount(new)
            send(cfg, sm, s, outbox, K_LOAD, line, new, i, cycle, int(row["after"]), cycle, events)
    if way >= 0:
        sm["use"] = int(sm["use"]) + 1
        touch(l1d, way, int(cfg["l1d_replacement"]), int(sm["use"]))
    events[L1D_TAG_LOOKUPS] += 1
    events[L1D_READS] += popcount(wanted)
    events[L1D_HITS] += popcount(wanted) - popcount(new)
    events[L1D_MISSES] += popcount(new)
    return True


@stage
def _pass_line(cfg, row, sm, s, pending, p, touched, kind, table, outbox, cycle, events):  # type: ignore[no-untyped-def]
    """Ask L2 for one line of a bypassing load or of an atomic; False if no miss register is free."""
    sectors = int(touched["sectors"])
    count = popcount(sectors)
    if int(table["sectors"]) + count > int(cfg["l1d_mshrs"]):
        return False
    table["sectors"] = int(table["sectors"]) + count
    pending["left"] = int(pending["left"]) + count
    sent = K_ATOMIC if kind == M_ATOMIC else K_BYPASS
    i = send(cfg, sm, s, outbox, sent, int(touched["line"]), sectors, p, cycle, int(row["after"]), cycle, events)
    if kind == M_ATOMIC:
        outbox[i]["operations"] = int(touched["operations"])
    events[L1D_TAG_LOOKUPS] += 1
    events[L1D_READS] += count
    events[L1D_MISSES] += count
    return True


@stage
def _write_line(cfg, row, sm, s, pending, touched, kind, l1d, outbox, cycle, events):  # type: ignore[no-untyped-def]
    """Send one line of a store or reduction on to L2; False if there is no credit left."""
    if int(sm["credits"]) == 0:
        return False
    sm["credits"] = int(sm["credits"]) - 1
    line = int(touched["line"])
    sectors = int(touched["sectors"])
    sent = K_REDUCTION if kind == M_REDUCTION else K_STORE
    i = send(cfg, sm, s, outbox, sent, line, sectors, -1, cycle, 0, cycle, events)
    message = outbox[i]
    if kind == M_REDUCTION:
        message["operations"] = int(touched["operations"])
    else:
        for sector in range(4):
            message["bytes"][sector] = int(touched["bytes"][sector])
        events[L1D_WRITES] += popcount(sectors)
        _write_here(cfg, sm, s, l1d, line, sectors, int(touched["whole"]))
    pending["ready"] = max(int(pending["ready"]), int(message["time"]))
    events[L1D_TAG_LOOKUPS] += 1
    return True


@njit
def _write_here(cfg, sm, s, l1d, line, sectors, whole):  # type: ignore[no-untyped-def]
    """What a store does to the line in L1D itself: valid sectors are updated; with allocation whole ones become so."""
    sets = int(cfg["l1d_sets"])
    ways = int(cfg["l1d_ways"])
    first = (s * sets + line % sets) * ways
    policy = int(cfg["l1d_replacement"])
    way = find(l1d, first, ways, line)
    sm["use"] = int(sm["use"]) + 1
    if way < 0:
        if int(cfg["write_allocate"]) == 0:
            return
        way = victim(l1d, first, ways, policy)
        install(l1d, way, line, DATA, policy, int(sm["use"]))
    else:
        touch(l1d, way, policy, int(sm["use"]))
    if int(cfg["write_allocate"]) != 0:
        l1d[way]["valid"] = int(l1d[way]["valid"]) | whole & sectors


@stage
def fill(cfg, rows, sm, s, pendings, requests, request_base, l1d, table, misses, waiters, buckets, i, sectors, cycle):  # type: ignore[no-untyped-def]
    """Sectors of miss register `i` have arrived: they become valid, and those who wait for them go on."""
    miss = misses[i]
    line = int(miss["line"])
    sets = int(cfg["l1d_sets"])
    ways = int(cfg["l1d_ways"])
    first = (s * sets + line % sets) * ways
    policy = int(cfg["l1d_replacement"])
    way = find_or_victim(l1d, first, ways, line, policy)
    if way < 0:
        way = -2 - way
        sm["use"] = int(sm["use"]) + 1
        install(l1d, way, line, DATA, policy, int(sm["use"]))
    l1d[way]["valid"] = int(l1d[way]["valid"]) | sectors
    miss["sectors"] = int(miss["sectors"]) & ~sectors
    room = int(cfg["pending_requests"])
    before = -1
    k = int(miss["waiters"])
    while k >= 0:
        waiter = waiters[k]
        got = int(waiter["sectors"]) & sectors
        p = int(waiter["owner"])
        if got != 0:
            arrive(cfg, rows, sm, s, pendings, room, p, popcount(got), requests, request_base, cycle)
        left = int(waiter["sectors"]) & ~sectors
        if left == 0:
            k = free_waiter(table, misses, waiters, i, before, k)
        else:
            waiter["sectors"] = left
            before = k
            k = int(waiter["next"])
    if int(miss["sectors"]) == 0:
        drop_miss(table, misses, buckets, i)


@njit
def arrive(cfg, rows, sm, s, pendings, room, p, count, requests, request_base, cycle):  # type: ignore[no-untyped-def]
    """`count` sectors of pending record `p` have arrived."""
    pending = pendings[s * room + p]
    pending["left"] = int(pending["left"]) - count
    pending["ready"] = max(int(pending["ready"]), cycle)
    if int(pending["left"]) == 0 and int(pending["looked_up"]) != 0:
        complete(cfg, rows, sm, s, pendings, p, requests, request_base)


@njit
def unblock(sm, cycle):  # type: ignore[no-untyped-def]
    """Something came back: an access that was stopped tries again."""
    if int(sm["blocked_since"]) >= 0:
        sm["next_access"] = cycle


@njit
def complete(cfg, rows, sm, s, pendings, p, requests, request_base):  # type: ignore[no-untyped-def]
    """All data of a memory instruction is known to be ready: it goes on to the registers, or is done."""
    room = int(cfg["pending_requests"])
    pending = pendings[s * room + p]
    row = rows[int(pending["row"])]
    kind = int(row["memory"])
    entry = requests[request_base + int(sm["requests"])]
    entry["phase"] = WAIT_DATA
    if kind == M_COPY:
        entry["phase"] = COPYING
    elif int(row["target"]) < 0:
        entry["phase"] = WRITING  # brings nothing to the registers: holds its place until it is done
    entry["sub"] = int(pending["sub"])
    entry["warp"] = int(pending["warp"])
    entry["row"] = int(pending["row"])
    entry["ready"] = int(pending["ready"])
    entry["started"] = 0
    entry["tail"] = int(pending["tail"])
    entry["written"] = 0
    entry["left"] = 0
    entry["sequence"] = int(pending["sequence"])
    sm["requests"] = int(sm["requests"]) + 1
    sm["next_request"] = min(int(sm["next_request"]), int(pending["ready"]))
    pending["next"] = int(sm["free_pending"])
    sm["free_pending"] = p


@njit
def invalidate(cfg, s, l1d):  # type: ignore[no-untyped-def]
    """Forget every line (memory barriers of device or system scope, §6)."""
    size = int(cfg["l1d_sets"]) * int(cfg["l1d_ways"])
    for i in range(s * size, (s + 1) * size):
        l1d[i]["tag"] = 0
        l1d[i]["valid"] = 0
