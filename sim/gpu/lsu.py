"""Memory pipeline of the SM: from the sub-cores' queues through the shared port to the structure that serves (§7).

Each sub-core buffers five memory instructions (a queue of four and the dispatch latch). An instruction leaves its
sub-core `war` cycles after it issued at the earliest, `address_cycles` after its predecessor, and when the SM's port
takes it: one instruction per `port_interval`, round robin. These three rules give every cell of Table 1 of the MICRO'25
paper. From there it becomes a pending request.
"""

from sim.gpu.constant import load_constant_ready, wide_line
from sim.gpu.counters import LG_THROTTLE, MIO_THROTTLE
from sim.gpu.decode import (
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
)
from sim.gpu.dependences import sources_read
from sim.gpu.l1d import complete, start_access, take_pending
from sim.gpu.log import note
from sim.gpu.regfile import count_reads, reserve_leftover
from sim.gpu.shared_memory import SHARED_SPACE, shared_access
from sim.gpu.state import EV_LEAVE, EV_READ, FENCE, MAX_QUEUE, NEVER, WRITING
from sim.jit import njit, stage
from sim.trace.window import free_access


@stage
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


@stage
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
        sources_read(cfg, row, warp, readers, w, r, cycle, log, logged)
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
            start = shared_access(sm, conflicts, cycle, events)
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
        fill = load_constant_ready(cfg, sm, s, l1c, l1i, l1c_base, l1i_base, address, start, cycle, outbox, events)
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
def _return_credit(sub, warps):  # type: ignore[no-untyped-def]
    """A place in the queue is free: warps that waited for it look again."""
    sub["queue_credit"] = int(sub["queue_credit"]) - 1
    for k in range(int(sub["warps"])):
        warp = warps[int(sub["order"][k])]
        state = int(warp["state"])
        if state == LG_THROTTLE or state == MIO_THROTTLE:
            warp["wake"] = 0
