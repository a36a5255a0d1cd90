"""Memory pipeline of the SM: the sub-cores' queues, the shared port, shared memory, and the way back (§7).

Each sub-core buffers five memory instructions (a queue of four and the dispatch latch). An instruction leaves its
sub-core `war` cycles after it issued at the earliest, `address_cycles` after its predecessor, and when the SM's port
takes it: one instruction per `port_interval`, round robin. These three rules give every cell of Table 1 of the MICRO'25
paper. From there it becomes a pending request; its data crosses the sub-core's register link, register by register,
where results of fixed latency go first (§5).
"""

from sim.gpu.border import next_reply
from sim.gpu.constant import constants_arrived, load_constant_ready, wide_line
from sim.gpu.counters import (
    LG_THROTTLE,
    MIO_THROTTLE,
    NOC_ANSWERS,
    NOC_LATENCY,
    RF_WRITE_DELAYS,
    SHARED_CYCLES,
    SHARED_REQUESTS,
)
from sim.gpu.decode import (
    FIRST_QUEUED,
    M_ATOMIC,
    M_CONSTANT,
    M_COPY,
    M_COPY_FENCE,
    M_LOAD,
    M_REDUCTION,
    M_SHARED_ATOMIC,
    M_SHARED_LOAD,
    M_SHARED_STORE,
    M_STORE,
    U_MEMORY,
)
from sim.gpu.frontend import line_arrived
from sim.gpu.l1d import arrive, complete, fill, start_access, take_pending, unblock
from sim.gpu.log import note
from sim.gpu.regfile import count_reads, reserve_leftover, take_write_port, write_port_free
from sim.gpu.scoreboard import clear_writes, release_readers
from sim.gpu.state import (
    COPYING,
    EV_DATA,
    EV_DOWN,
    EV_LEAVE,
    EV_READ,
    EV_REGISTER,
    FENCE,
    K_ATOMIC,
    K_BYPASS,
    K_FETCH,
    K_LOAD,
    K_REDUCTION,
    K_STORE,
    MAX_QUEUE,
    NEVER,
    READING,
    WAIT_DATA,
    WRITING,
)
from sim.jit import njit
from sim.memory.cache import popcount
from sim.trace.expand import free_access

#: Memory space of a memory operation that the trace places in shared memory (sim.isa.opcodes.MemorySpace.SHARED).
SHARED_SPACE = 2


@njit
def read_addresses(cfg, rows, sub, warps, cycle, events, log, logged):  # type: ignore[no-untyped-def]
    """The oldest instruction of the unit that has not read its registers reads them when the ports allow."""
    if int(sub["queue_read"]) >= int(sub["queue_count"]):
        return
    sub["moved"] = 1
    slot = (int(sub["queue_head"]) + int(sub["queue_read"])) % MAX_QUEUE
    r = int(sub["queue_row"][slot])
    w = int(sub["queue_warp"][slot])
    delay = 0
    if int(rows[r]["slots"]) > 0:
        count_reads(cfg, rows[r], sub, w, False)
        delay = reserve_leftover(cfg, sub, cycle, events)
        if delay < 0:
            return
    # Issue and Control took two cycles; the stage sums count from issue (§7.3).
    sub["queue_ready"][slot] = cycle + delay + int(rows[r]["war"]) - 2
    sub["queue_read"] = int(sub["queue_read"]) + 1
    if int(warps[w]["followed"]) != 0:
        note(log, logged, cycle + delay + 1, w, r, EV_READ, 0)


@njit
def head_ready(rows, sub):  # type: ignore[no-untyped-def]
    """First cycle in which the head of a sub-core's memory queue may leave, the port aside."""
    if int(sub["queue_read"]) == 0:
        return NEVER
    head = int(sub["queue_head"])
    spacing = int(rows[int(sub["queue_row"][head])]["address_cycles"])
    return max(int(sub["queue_ready"][head]), int(sub["queue_last"]) + spacing)


@njit
def next_sub(cfg, rows, sm, subs, g0, cycle):  # type: ignore[no-untyped-def]
    """The sub-core whose instruction the SM's port takes in `cycle`, round robin; -1 = none."""
    if int(sm["port_free"]) > cycle:
        return -1
    count = int(cfg["sub_cores"])
    for k in range(count):
        g = g0 + (int(sm["port_turn"]) + k) % count
        if head_ready(rows, subs[g]) <= cycle:
            return g
    return -1


@njit
def leave(  # type: ignore[no-untyped-def]
    cfg, rows, sm, s, sub, g, warps, requests, request_base, pendings, accesses, held, l1c, l1c_base, l1i, l1i_base,
    streams, memops, lines, readers, outbox, cycle, events, log, logged,
):  # fmt: skip
    """Take the head of a sub-core's queue into the SM: its sources are free, its access starts."""
    head = int(sub["queue_head"])
    w = int(sub["queue_warp"][head])
    r = int(sub["queue_row"][head])
    m = int(sub["queue_memop"][head])
    row = rows[r]
    warp = warps[w]
    kind = int(row["memory"])
    if int(sm["memory_requests"]) >= int(cfg["pending_requests"]):
        return
    sm["moved"] = 1
    sm["port_free"] = cycle + int(cfg["port_interval"])
    sm["port_turn"] = (g % int(cfg["sub_cores"]) + 1) % int(cfg["sub_cores"])
    sub["queue_head"] = (head + 1) % MAX_QUEUE
    sub["queue_count"] = int(sub["queue_count"]) - 1
    sub["queue_read"] = int(sub["queue_read"]) - 1
    sub["queue_last"] = cycle
    sub["sleep_until"] = 0
    _return_credit(sub, warps)
    if int(warp["followed"]) != 0:
        note(log, logged, cycle, w, r, EV_LEAVE, 0)
    if int(row["late_read"]) == 0:
        _sources_read(cfg, row, warp, readers, w, r, cycle, log, logged)
    room = int(cfg["pending_requests"])
    p = take_pending(sm, pendings, s * room)
    pending = pendings[s * room + p]
    pending["sub"] = g
    pending["warp"] = w
    pending["row"] = r
    pending["ready"] = cycle + int(row["after"])
    pending["tail"] = 0
    pending["left"] = 0
    pending["looked_up"] = 0
    pending["lines"] = 0
    pending["constant_line"] = -1
    pending["sequence"] = int(sm["sequence"])
    sm["sequence"] = int(sm["sequence"]) + 1
    sm["memory_requests"] = int(sm["memory_requests"]) + 1
    if kind == M_COPY:
        warp["copies"] = int(warp["copies"]) + 1
        if m >= 0:
            pending["tail"] = max(1, int(memops[m]["bank_cycles"]))
    if m >= 0:
        shared = kind == M_SHARED_LOAD or kind == M_SHARED_ATOMIC or kind == M_SHARED_STORE
        if shared or int(memops[m]["space"]) == SHARED_SPACE:
            conflicts = int(memops[m]["bank_cycles"])
            start = _shared_access(sm, conflicts, cycle, events)
            if kind == M_SHARED_STORE:
                pending["ready"] = start + conflicts - 1
            elif kind == M_STORE:
                pending["ready"] = start
            else:
                pending["ready"] = int(pending["ready"]) + start - cycle
                pending["tail"] = conflicts - 1
        elif kind == M_LOAD or kind == M_STORE or kind == M_COPY or kind == M_ATOMIC or kind == M_REDUCTION:
            start_access(cfg, sm, s, pendings, accesses, p, memops[m], lines, held, cycle)
            free_access(streams[w], memops[m])
            return
        free_access(streams[w], memops[m])
    elif kind == M_CONSTANT:
        start = max(cycle, int(sm["constant_free"]))
        sm["constant_free"] = start + 1
        address = max(0, int(row["constant"]))
        fill = load_constant_ready(cfg, sm, s, l1c, l1i, l1c_base, l1i_base, address, start, outbox, events)
        pending["ready"] = int(pending["ready"]) + start - cycle
        if fill >= NEVER:
            pending["constant_line"] = wide_line(cfg, address // int(cfg["ldc_line"]) * int(cfg["ldc_line"]))
            pending["started"] = start
            return
        pending["ready"] = int(pending["ready"]) + fill - start
    complete(cfg, rows, sm, s, pendings, p, requests, request_base)
    if kind == M_COPY_FENCE:
        entry = requests[request_base + int(sm["requests"]) - 1]
        entry["ready"] = cycle + 1
        entry["phase"] = WRITING
        if int(warp["copies"]) > 0:
            entry["phase"] = FENCE
            entry["left"] = int(warp["copies"])
            entry["ready"] = NEVER
            warp["fences"] = int(warp["fences"]) + 1
        sm["next_request"] = min(int(sm["next_request"]), cycle + 1)


@njit
def load_constants(cfg, rows, sm, s, pendings, requests, request_base, wide, cycle):  # type: ignore[no-untyped-def]
    """LDC that wait for line `wide` of the L1 instruction/constant cache, which has arrived, go on."""
    room = int(cfg["pending_requests"])
    for p in range(room):
        pending = pendings[s * room + p]
        if int(pending["constant_line"]) == wide:
            fill = max(cycle, int(pending["started"])) + int(cfg["constant_miss"])
            pending["ready"] = int(pending["ready"]) + fill - int(pending["started"])
            pending["constant_line"] = -1
            complete(cfg, rows, sm, s, pendings, p, requests, request_base)


@njit
def deliver(  # type: ignore[no-untyped-def]
    cfg, rows, sm, s, subs, g0, warps, pendings, requests, request_base, l1d, tables, misses, waiters, buckets, l0c,
    l1c, l1c_base, l1i, l1i_base, inbox, cycle, events, log, logged,
):  # fmt: skip
    """Take in what arrives at the SM in this cycle."""
    sm["moved"] = 1
    room = int(cfg["pending_requests"])
    while int(sm["next_reply"]) <= cycle:
        reply = inbox[next_reply(cfg, sm, s, inbox)]
        kind = int(reply["kind"])
        sectors = int(reply["sectors"])
        owner = int(reply["owner"])
        table = tables[s]
        if kind == K_FETCH:
            line_arrived(cfg, sm, subs, g0, l1i, l1i_base, owner, cycle)
            constants_arrived(cfg, subs, g0, warps, l0c, l1c, l1c_base, owner, cycle)
            load_constants(cfg, rows, sm, s, pendings, requests, request_base, owner, cycle)
            continue
        if kind == K_LOAD:
            fill(
                cfg, rows, sm, s, pendings, requests, request_base, l1d, table, misses, waiters, buckets, owner,
                sectors, cycle,
            )  # fmt: skip
            table["sectors"] = int(table["sectors"]) - popcount(sectors)
        elif kind == K_BYPASS or kind == K_ATOMIC:
            arrive(cfg, rows, sm, s, pendings, room, owner, popcount(sectors), requests, request_base, cycle)
            table["sectors"] = int(table["sectors"]) - popcount(sectors)
        else:
            sm["credits"] = int(sm["credits"]) + 1
        if kind != K_STORE and kind != K_REDUCTION:
            events[NOC_LATENCY] += cycle - int(reply["born"])
            events[NOC_ANSWERS] += 1
        unblock(sm, cycle)


@njit
def _return_credit(sub, warps):  # type: ignore[no-untyped-def]
    """A place in the queue is free: warps that waited for it look again."""
    sub["queue_credit"] = int(sub["queue_credit"]) - 1
    for k in range(int(sub["warps"])):
        warp = warps[int(sub["order"][k])]
        state = int(warp["state"])
        if state == LG_THROTTLE or state == MIO_THROTTLE:
            warp["wake"] = 0


@njit
def _sources_read(cfg, row, warp, readers, w, r, cycle, log, logged):  # type: ignore[no-untyped-def]
    """The source registers are read: the WAR counter falls and is seen by issue in this cycle (§1.5)."""
    counter = int(row["raise_read"])
    if counter >= 0:
        lower_counter(warp, w, r, counter, cycle, log, logged)
    if int(cfg["scoreboard"]) != 0:
        release_readers(row, readers, w)
        warp["wake"] = 0


@njit
def lower_counter(warp, w, r, counter, cycle, log, logged):  # type: ignore[no-untyped-def]
    """One dependence counter falls by one; the warp looks again."""
    left = int(warp["pending"][counter]) - 1
    warp["pending"][counter] = left
    if left == 0:
        warp["raised"] = int(warp["raised"]) & ~(1 << counter)
    warp["wake"] = 0
    if int(warp["followed"]) != 0:
        note(log, logged, cycle, w, r, EV_DOWN, counter)


@njit
def finish(row, warp, w, r, cycle, log, logged):  # type: ignore[no-untyped-def]
    """An instruction of variable latency has done everything: its write counter falls."""
    counter = int(row["raise_write"])
    if counter >= 0:
        lower_counter(warp, w, r, counter, cycle, log, logged)
    warp["in_flight"] = int(warp["in_flight"]) - 1
    warp["wake"] = 0


@njit
def _shared_access(sm, cycles, cycle, events):  # type: ignore[no-untyped-def]
    """Start of an access to the shared-memory array, which conflicts keep busy for `cycles` (§7.3)."""
    start = max(cycle, int(sm["shared_free"]))
    sm["shared_free"] = start + max(1, cycles)
    events[SHARED_REQUESTS] += 1
    events[SHARED_CYCLES] += max(1, cycles)
    return start


@njit
def write_back(cfg, rows, sm, subs, warps, requests, base, available, readers, cycle, events, log, logged):  # type: ignore[no-untyped-def]
    """Move the pending requests that can move in this cycle: take the link, write registers, lower counters."""
    sm["moved"] = 1
    i = 0
    while i < int(sm["requests"]):
        entry = requests[base + i]
        if int(entry["phase"]) == WRITING and int(entry["ready"]) < cycle:
            # The last register was written in the cycle before: the counter falls and is seen from now on.
            w = int(entry["warp"])
            r = int(entry["row"])
            subs[int(entry["sub"])]["sleep_until"] = 0
            if int(cfg["scoreboard"]) != 0 and int(rows[r]["unit"]) >= FIRST_QUEUED:
                clear_writes(rows[r], available, w, cycle)
            if int(rows[r]["late_read"]) != 0:
                _sources_read(cfg, rows[r], warps[w], readers, w, r, cycle, log, logged)
            finish(rows[r], warps[w], w, r, cycle, log, logged)
            if int(rows[r]["unit"]) == U_MEMORY:
                sm["memory_requests"] = int(sm["memory_requests"]) - 1
            if int(rows[r]["memory"]) == M_COPY:
                _copy_done(sm, warps[w], w, requests, base, int(entry["sequence"]), cycle)
            last = int(sm["requests"]) - 1
            if i != last:
                requests[base + i] = requests[base + last]
            sm["requests"] = last
        else:
            i += 1
    for i in range(int(sm["requests"])):
        entry = requests[base + i]
        if int(entry["phase"]) == READING and int(entry["ready"]) <= cycle:
            w = int(entry["warp"])
            r = int(entry["row"])
            subs[int(entry["sub"])]["sleep_until"] = 0
            _sources_read(cfg, rows[r], warps[w], readers, w, r, cycle, log, logged)
            entry["phase"] = WRITING
            # Issue, Control and the queue took two cycles; a consumer issues the cycle after the write (§6).
            entry["ready"] = max(cycle, int(entry["started"]) + int(rows[r]["latency"]) - 3)
        elif int(entry["phase"]) == COPYING and int(entry["ready"]) <= cycle:
            _write_copy(rows[int(entry["row"])], sm, entry, cycle, events)
    _take_links(rows, sm, subs, warps, requests, base, cycle, log, logged)
    for i in range(int(sm["requests"])):
        entry = requests[base + i]
        if int(entry["phase"]) == WRITING and int(entry["ready"]) == cycle:
            _write_register(cfg, rows, subs, warps, entry, cycle, events, log, logged)
    soonest = NEVER
    for i in range(int(sm["requests"])):
        entry = requests[base + i]
        ready = int(entry["ready"])
        if int(entry["phase"]) == WAIT_DATA:
            ready = max(ready, int(subs[int(entry["sub"])]["link_free"]))
        elif int(entry["phase"]) == WRITING and ready <= cycle:
            ready = cycle + 1
        soonest = min(soonest, ready)
    sm["next_request"] = soonest


@njit
def _write_copy(row, sm, entry, cycle, events):  # type: ignore[no-untyped-def]
    """The data of an LDGSTS is there and goes to shared memory; its counter falls after that (Table 2, LDGSTS)."""
    done = cycle + int(row["release"]) - int(row["after"]) - 1
    written = int(entry["tail"])
    if written > 0:
        start = _shared_access(sm, written, cycle, events)
        done += start - cycle + max(0, written - int(row["beats"]))
    entry["ready"] = max(cycle, done)
    entry["phase"] = WRITING


@njit
def _copy_done(sm, warp, w, requests, base, sequence, cycle):  # type: ignore[no-untyped-def]
    """An LDGSTS is done: fences of its warp that came after it wait for one copy less."""
    warp["copies"] = int(warp["copies"]) - 1
    if int(warp["fences"]) == 0:
        return
    for i in range(int(sm["requests"])):
        entry = requests[base + i]
        if int(entry["phase"]) == FENCE and int(entry["warp"]) == w and int(entry["sequence"]) > sequence:
            entry["left"] = int(entry["left"]) - 1
            if int(entry["left"]) == 0:
                entry["phase"] = WRITING
                entry["ready"] = cycle
                warp["fences"] = int(warp["fences"]) - 1


@njit
def _take_links(rows, sm, subs, warps, requests, base, cycle, log, logged):  # type: ignore[no-untyped-def]
    """Per sub-core, the request that has waited longest with its data takes the free register link."""
    for i in range(int(sm["requests"])):
        entry = requests[base + i]
        if int(entry["phase"]) != WAIT_DATA or int(entry["ready"]) > cycle:
            continue
        sub = subs[int(entry["sub"])]
        if int(sub["link_free"]) > cycle:
            continue
        best = i
        for j in range(i + 1, int(sm["requests"])):
            other = requests[base + j]
            if (
                int(other["phase"]) == WAIT_DATA
                and int(other["sub"]) == int(entry["sub"])
                and int(other["ready"]) <= cycle
                and int(other["sequence"]) < int(requests[base + best]["sequence"])
            ):
                best = j
        chosen = requests[base + best]
        r = int(chosen["row"])
        link = max(int(rows[r]["link"]), int(chosen["tail"]) + 1)
        sub["link_free"] = cycle + link
        chosen["phase"] = WRITING
        chosen["started"] = cycle
        chosen["tail"] = link
        width = max(1, int(rows[r]["target_width"]))
        chosen["ready"] = cycle + (link + width - 1) // width - 1
        w = int(chosen["warp"])
        if int(warps[w]["followed"]) != 0:
            note(log, logged, cycle, w, r, EV_DATA, 0)


@njit
def _write_register(cfg, rows, subs, warps, entry, cycle, events, log, logged):  # type: ignore[no-untyped-def]
    """Write the next register of a request, a cycle later if a fixed-latency result has the port (§5)."""
    r = int(entry["row"])
    row = rows[r]
    width = int(row["target_width"])
    done = int(entry["written"])
    if int(row["target"]) < 0 or done >= width:
        return
    sub = subs[int(entry["sub"])]
    register = int(row["target"]) + done
    bank = register % int(cfg["banks"])
    queued = int(row["unit"]) != U_MEMORY
    if not write_port_free(cfg, sub, bank, cycle):
        entry["ready"] = cycle + 1
        entry["tail"] = int(entry["tail"]) + 1
        events[RF_WRITE_DELAYS] += 1
        if not queued:
            sub["link_free"] = int(sub["link_free"]) + 1
        return
    take_write_port(sub, bank, cycle, events)
    entry["written"] = done + 1
    w = int(entry["warp"])
    if int(warps[w]["followed"]) != 0:
        note(log, logged, cycle, w, r, EV_REGISTER, register)
    if done + 1 < width:
        # The link brings the registers one after the other, at even distances.
        link = int(entry["tail"])
        here = ((done + 1) * link + width - 1) // width
        following = ((done + 2) * link + width - 1) // width
        entry["ready"] = cycle + max(1, following - here)
