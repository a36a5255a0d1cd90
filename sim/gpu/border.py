"""The SM's side of its border to the crossbar: the outbox of requests and the inbox of replies (architecture, rule 6).

Whatever leaves an SM is a message with the cycle in which its last byte has left the SM's request port; whatever comes
in carries the cycle of its arrival, which lies at least a quantum behind the cycle in which it was sent. So an SM can
run alone for a quantum. Loads are bounded by their miss registers, stores and reductions by credits that the L2 slice
gives back when it has taken them.
"""

from sim.gpu.counters import NOC_REQUEST_BYTES, NOC_REQUESTS
from sim.gpu.state import K_ATOMIC, K_STORE, NEVER
from sim.jit import njit
from sim.memory.cache import popcount


@njit
def send(cfg, sm, s, outbox, kind, line, sectors, owner, cycle, delay, born, events):  # type: ignore[no-untyped-def]
    """Give a request to the SM's port, which it leaves `delay` cycles after its turn; returns its index in the outbox.

    Turns are given as they are asked for, in `cycle`, the present one. So the port never waits for a request that is
    still on its way to it while another one could pass.
    """
    size = int(cfg["header_bytes"])
    if kind == K_ATOMIC or kind >= K_STORE:  # they carry data
        size += popcount(sectors) * int(cfg["sector_bytes"])
    width = int(cfg["request_bytes"])
    end = max(cycle, int(sm["out_free"])) + (size + width - 1) // width
    sm["out_free"] = end
    room = outbox.shape[0] // int(cfg["sms"])
    # One too many is told by the count (noc.collect), and falls on the last place.
    i = s * room + min(int(sm["sent"]), room - 1)
    message = outbox[i]
    message["time"] = end - 1 + delay
    message["line"] = line
    message["owner"] = owner
    message["born"] = born
    message["sequence"] = int(sm["messages"])
    message["sm"] = s
    message["left"] = popcount(sectors)
    message["operations"] = 0
    message["kind"] = kind
    message["sectors"] = sectors
    sm["sent"] = int(sm["sent"]) + 1
    sm["messages"] = int(sm["messages"]) + 1
    events[NOC_REQUESTS] += 1
    events[NOC_REQUEST_BYTES] += size
    return i


@njit
def next_reply(cfg, sm, s, inbox):  # type: ignore[no-untyped-def]
    """Take the oldest reply out of the inbox; returns its index."""
    room = inbox.shape[0] // int(cfg["sms"])
    i = s * room + int(sm["inbox_head"])
    sm["inbox_head"] = (int(sm["inbox_head"]) + 1) % room
    sm["inbox_count"] = int(sm["inbox_count"]) - 1
    sm["next_reply"] = NEVER
    if int(sm["inbox_count"]) > 0:
        sm["next_reply"] = int(inbox[s * room + int(sm["inbox_head"])]["time"])
    return i
