"""The crossbar between SMs and L2 slices: what is exchanged at the border of a quantum (§8; architecture, rule 6).

A request arrives at its slice `noc.request_latency` plus hop(SM, slice) after its last byte has left the SM. Requests
that arrive at one slice in one cycle are taken in the order of (SM + cycle) mod SMs, so that no SM starves. A reply
crosses `noc.reply_latency` after its slice's port has sent it, and passes the SM's own port, whose width all slices
share; replies that left in one cycle take turns in the order of (partition - cycle) mod partitions.
"""

from sim.gpu.counters import STAGE_REPLY
from sim.gpu.state import E_ARRIVES, K_FETCH, NEVER
from sim.jit import stage
from sim.memory.cache import popcount
from sim.memory.heap import push
from sim.memory.mapping import place_of


@stage
def collect(cfg, sms, outbox, pool, free, parts, heap, hops):  # type: ignore[no-untyped-def]
    """Bring every message that the SMs have sent to the partition of its slice; False if there are too many."""
    count = sms.shape[0]
    room = outbox.shape[0] // count
    per_channel = int(cfg["slices"]) // int(cfg["channels"])
    for s in range(count):
        if int(sms[s]["sent"]) > room:
            return False
        for k in range(int(sms[s]["sent"])):
            m = int(free[0])
            if m >= pool.shape[0]:
                return False
            free[0] = int(pool[m]["next"])
            pool[m] = outbox[s * room + k]
            message = pool[m]
            size = int(cfg["line_bytes"])
            address = int(message["line"]) * size
            place = place_of(address, int(cfg["interleave"]), int(cfg["slices"]), int(cfg["hashed"]))
            slice = place[0]
            message["slice"] = slice
            message["local"] = place[1] // size
            entered = int(message["time"]) + int(message["translated"])
            arrived = entered + int(cfg["request_latency"]) + int(hops[s, slice])
            message["arrived"] = arrived
            message["missing"] = 0
            p = slice // per_channel
            rank = E_ARRIVES << 52 | (s + arrived) % count << 40 | int(message["sequence"]) & (1 << 40) - 1
            part = parts[p]
            push(heap, p * int(cfg["partition_events"]), int(part["events"]), arrived, rank, E_ARRIVES, m, 0)
            part["events"] = int(part["events"]) + 1
            part["next"] = min(int(part["next"]), arrived)
        sms[s]["sent"] = 0
    return True


@stage
def release(cfg, sms, parts, emitted, inbox, events):  # type: ignore[no-untyped-def]
    """Bring the replies that have left their slices to the inboxes of the SMs; returns False if one overflows."""
    partitions = parts.shape[0]
    room = emitted.shape[0] // partitions
    while True:
        time = NEVER
        for p in range(partitions):
            if int(parts[p]["taken"]) < int(parts[p]["emitted"]):
                time = min(time, int(emitted[p * room + int(parts[p]["taken"])]["time"]))
        if time == NEVER:
            break
        for k in range(partitions):
            p = (k + time) % partitions
            part = parts[p]
            while int(part["taken"]) < int(part["emitted"]):
                reply = emitted[p * room + int(part["taken"])]
                if int(reply["time"]) > time:
                    break
                part["taken"] = int(part["taken"]) + 1
                if not _arrive(cfg, sms, reply, inbox, events):
                    return False
    for p in range(partitions):
        parts[p]["taken"] = 0
        parts[p]["emitted"] = 0
    return True


@stage
def _arrive(cfg, sms, reply, inbox, events):  # type: ignore[no-untyped-def]
    """A reply passes the port of its SM into the inbox."""
    s = int(reply["sm"])
    sm = sms[s]
    room = inbox.shape[0] // sms.shape[0]
    if int(sm["inbox_count"]) >= room:
        return False
    size = int(cfg["header_bytes"]) + popcount(int(reply["sectors"])) * int(cfg["sector_bytes"])
    width = int(cfg["reply_bytes"])
    left = int(reply["time"])
    start = max(left + int(cfg["reply_latency"]), int(sm["in_free"]))
    end = start + (size + width - 1) // width
    sm["in_free"] = end
    entry = inbox[s * room + (int(sm["inbox_head"]) + int(sm["inbox_count"])) % room]
    entry["time"] = end - 1
    entry["owner"] = int(reply["owner"])
    entry["born"] = int(reply["born"])
    entry["kind"] = int(reply["kind"])
    entry["sectors"] = int(reply["sectors"])
    sm["inbox_count"] = int(sm["inbox_count"]) + 1
    sm["next_reply"] = min(int(sm["next_reply"]), end - 1)
    sm["idle_until"] = min(int(sm["idle_until"]), end - 1)
    if int(reply["kind"]) < K_FETCH:
        events[STAGE_REPLY] += end - 1 - left
    return True
