"""What comes back to an SM from the crossbar: sectors for L1D and for who bypasses it, code, constants, credits."""

from sim.gpu.border import next_reply
from sim.gpu.constant import constants_arrived
from sim.gpu.counters import NOC_ANSWERS, NOC_LATENCY
from sim.gpu.frontend import line_arrived
from sim.gpu.l1d import arrive, complete, fill, unblock
from sim.gpu.state import K_ATOMIC, K_BYPASS, K_FETCH, K_LOAD, K_STORE
from sim.jit import njit, stage
from sim.memory.cache import popcount


@stage
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
        if kind < K_STORE:
            events[NOC_LATENCY] += cycle - int(reply["born"])
            events[NOC_ANSWERS] += 1
        unblock(sm, cycle)


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
