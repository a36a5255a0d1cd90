"""Address translation between the SMs and the crossbar: TLB levels, and page walks through L2.

L1D is virtually addressed, so what hits it needs no translation, and what has left an SM's port (loads, stores and
atomics alike) is translated once before it enters the crossbar. Code and constants have addresses of their own and pass
untranslated. A page lies at its own address: traces carry virtual addresses only, so L2 is looked up with them, and
only the time and the traffic of translations are modelled.

A request asks its TLBs level after level; each takes its latency and answers at the end of it. The first level is that
of a group of SMs: a request that misses there for a page for which the group has asked already waits for that answer
(hit under miss, as many pages at once as there are requests); requests for other pages pass. So requests of an SM for
one page leave in the order in which they came, which is all the order that L2 could notice. A request that misses
everywhere asks the walkers, or waits for room there, first come, first served; those who wait ask the TLBs again when
their turn comes. What a walk or a lower level brings fills all levels in front of it.

A walk reads page-table entries through L2, one by one. A read is a message like any other: it goes out at the distance
of the SM that asked first, is looked up as a line of translations, and its answer comes back `noc.reply_latency` after
it has left its slice. It takes no SM's port. So neither a read nor its answer crosses the border of a quantum in less
than the quantum, and all that happens here before a border depends on what is known at the border (architecture, rule
6). Things of one cycle happen in a written order: walks by their registers, then lookups, the last level first, by
(SM + cycle) mod SMs and by the order in which the SM sent them.

Left out: ports of TLBs and walkers, page faults, and what the way from SM to TLB and back takes beyond the latencies.
"""

from sim.gpu.counters import (
    NOC_REQUEST_BYTES,
    NOC_REQUESTS,
    TLB0,
    TRANSLATION_CYCLES,
    TRANSLATIONS_DONE,
    TRANSLATIONS_MERGED,
    WALK_CACHED,
    WALK_CYCLES,
    WALK_QUEUED,
    WALK_READS,
    WALKS,
    WALKS_MERGED,
    WALKS_REFUSED,
)
from sim.gpu.state import K_FETCH, K_WALK, NEVER
from sim.gpu.translate_state import TRANSLATE_SIGNATURE
from sim.jit import njit
from sim.memory.heap import pop, push
from sim.memory.misses import drop_miss, find_miss, free_waiter, take_miss, wait_for
from sim.memory.tlb import page_of, tlb_bring, tlb_first, tlb_lookup, tlb_search
from sim.memory.walker import DONE, MERGED, NO_WALK, NOBODY, REFUSED, walk_end, walk_owner, walk_request, walk_step

#: Bits of an event's rank below its kind: 0 = a step of a walk, n = a lookup in the level that stands n - 1 before the
#: walkers (1: the request asks the walkers themselves).
_KIND = 52
#: Messages of walks come behind those of the SM that arrive with them; below are the sequence numbers of SMs.
_BEHIND = 1 << 39


@njit
def schedule(unit, lookups, time, rank, item):  # type: ignore[no-untyped-def]
    """Add an event; its rank holds its kind."""
    push(lookups, 0, int(unit["events"]), time, rank, 0, item, 0)
    unit["events"] = int(unit["events"]) + 1


@njit
def next_level(tlbs, level):  # type: ignore[no-untyped-def]
    """The first level from `level` on that the chip has, or the number of levels."""
    while level < tlbs.shape[0] and int(tlbs[level]["entries"]) == 0:
        level += 1
    return level


@njit
def ask(sms, unit, tlbs, waiting, lookups, m, level, now):  # type: ignore[no-untyped-def]
    """Request `m` asks a TLB, which has answered after its latency, or at once the walkers behind the last level."""
    time = now
    if level < tlbs.shape[0]:
        time += int(tlbs[level]["latency"])
    turn = (int(waiting[m]["sm"]) + time) % sms.shape[0]
    rank = (tlbs.shape[0] + 1 - level) << _KIND | turn << 40 | int(waiting[m]["sequence"]) & (1 << 40) - 1
    schedule(unit, lookups, time, rank, m)


@njit
def take_entries(cfg, parts, emitted, unit, lookups):  # type: ignore[no-untyped-def]
    """Take the answers to walks out of what has left the slices: their steps follow when they have come."""
    room = emitted.shape[0] // parts.shape[0]
    for p in range(parts.shape[0]):
        kept = 0
        for k in range(int(parts[p]["emitted"])):
            reply = emitted[p * room + k]
            if int(reply["kind"]) == K_WALK:
                walk = int(reply["owner"])
                schedule(unit, lookups, int(reply["time"]) + int(cfg["reply_latency"]), walk, walk)
            else:
                emitted[p * room + kept] = reply
                kept += 1
        parts[p]["emitted"] = kept


@njit
def take_requests(sms, outbox, unit, tlbs, waiting, lookups):  # type: ignore[no-untyped-def]
    """Take what the SMs have sent out of their outboxes, but for code and constants; False if there is too much."""
    room = outbox.shape[0] // sms.shape[0]
    for s in range(sms.shape[0]):
        sent = int(sms[s]["sent"])
        if sent > room:
            return False
        kept = 0
        for k in range(sent):
            message = outbox[s * room + k]
            if int(message["kind"]) == K_FETCH:
                message["translated"] = 0
                outbox[s * room + kept] = message
                kept += 1
                continue
            m = int(unit["free"])
            if m < 0:
                return False
            unit["free"] = int(waiting[m]["next"])
            waiting[m] = message
            ask(sms, unit, tlbs, waiting, lookups, m, int(unit["first"]), int(message["time"]))
        sms[s]["sent"] = kept
    return True


@njit
def place_in(sms, outbox, s):  # type: ignore[no-untyped-def]
    """Index in SM `s`'s outbox of one more message for the crossbar."""
    room = outbox.shape[0] // sms.shape[0]
    # One too many is told by the count (noc.collect), and falls on the last place.
    i = s * room + min(int(sms[s]["sent"]), room - 1)
    sms[s]["sent"] = int(sms[s]["sent"]) + 1
    return i


@njit
def leave(sms, outbox, unit, waiting, m, now, events):  # type: ignore[no-untyped-def]
    """Request `m` has its translation and goes on to its slice."""
    message = waiting[m]
    translated = now - int(message["time"])
    message["translated"] = translated
    events[TRANSLATIONS_DONE] += 1
    events[TRANSLATION_CYCLES] += translated
    outbox[place_in(sms, outbox, int(message["sm"]))] = message
    message["next"] = int(unit["free"])
    unit["free"] = m


@njit
def answer(  # type: ignore[no-untyped-def]
    sms, outbox, unit, tlbs, tlb_lines, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, page, client, level, now,
    events,
):  # fmt: skip
    """`level` has given a page to the group of SM `client`: everybody there who waits for it goes on."""
    tlb_bring(tlbs, tlb_lines, client, page, level, now)
    asked = l1_tables[client // int(tlbs[0]["sharers"])]
    i = find_miss(asked, l1_misses, l1_buckets, page)
    k = int(l1_misses[i]["waiters"])
    while k >= 0:
        leave(sms, outbox, unit, waiting, int(l1_waiters[k]["owner"]), now, events)
        k = free_waiter(asked, l1_misses, l1_waiters, i, -1, k)
    drop_miss(asked, l1_misses, l1_buckets, i)


@njit
def is_first(tlbs, l1_tables, l1_misses, l1_waiters, l1_buckets, client, page, m, events):  # type: ignore[no-untyped-def]
    """Whether request `m` is the first of its group that wants a page; either way it waits for it from now on."""
    asked = l1_tables[client // int(tlbs[0]["sharers"])]
    i = find_miss(asked, l1_misses, l1_buckets, page)
    first = i < 0
    if first:
        i = take_miss(asked, l1_misses, l1_buckets, page, -1)
    else:
        events[TRANSLATIONS_MERGED] += 1
    wait_for(asked, l1_misses, l1_waiters, i, m, 1)
    return first


@njit
def look_up(  # type: ignore[no-untyped-def]
    cfg, sms, outbox, unit, tlbs, tlb_lines, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, lookups, m, level,
    now, events,
):  # fmt: skip
    """TLB `level` has an answer for request `m`; whether the request wants a walk now, since no level had its page."""
    client = int(waiting[m]["sm"])
    page = page_of(int(waiting[m]["line"]) * int(cfg["line_bytes"]), int(unit["shift"]))
    first = int(unit["first"])
    if level < tlbs.shape[0]:
        tlb = tlbs[level]
        found = tlb_lookup(tlb, tlb_lines, tlb_first(tlb, client), page, now)
        events[TLB0 + 2 * level + 1 - found] += 1
        if found == 1 and level == first:
            leave(sms, outbox, unit, waiting, m, now, events)
            return False
        if found == 1:
            answer(
                sms, outbox, unit, tlbs, tlb_lines, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, page, client,
                level, now, events,
            )  # fmt: skip
            return False
    if level == first and not is_first(
        tlbs, l1_tables, l1_misses, l1_waiters, l1_buckets, client, page, m, events
    ):  # fmt: skip
        return False
    following = next_level(tlbs, level + 1)
    if following >= tlbs.shape[0]:
        return True
    ask(sms, unit, tlbs, waiting, lookups, m, following, now)
    return False


@njit
def queue(unit, waiting, m):  # type: ignore[no-untyped-def]
    """Request `m` is the last of those that want a walk."""
    waiting[m]["next"] = -1
    if int(unit["head"]) < 0:
        unit["head"] = m
    else:
        waiting[int(unit["tail"])]["next"] = m
    unit["tail"] = m


@njit
def admit(  # type: ignore[no-untyped-def]
    cfg, sms, outbox, unit, tlbs, tlb_lines, page_table, walker, walks, walk_table, walk_misses, walk_waiters,
    walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, lookups, now, events,
):  # fmt: skip
    """The walkers take requests, the oldest first, for as long as there is room; no walk for what the TLBs have."""
    while int(unit["head"]) >= 0:
        m = int(unit["head"])
        client = int(waiting[m]["sm"])
        page = page_of(int(waiting[m]["line"]) * int(cfg["line_bytes"]), int(unit["shift"]))
        level = tlb_search(tlbs, tlb_lines, client, page, now)
        known = level < tlbs.shape[0]
        walk = MERGED
        if not known:
            walk = walk_request(
                walker, walk_table, walks, walk_misses, walk_buckets, walk_waiters, page_table, page, m, now
            )
        if walk == REFUSED:
            break
        unit["head"] = int(waiting[m]["next"])
        if walk == MERGED:
            events[WALKS_MERGED] += 1
        if walk >= 0:
            schedule(unit, lookups, now, walk, walk)
        if known:
            answer(
                sms, outbox, unit, tlbs, tlb_lines, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, page, client,
                level, now, events,
            )  # fmt: skip


@njit
def read_entry(cfg, sms, outbox, unit, walks, walk_misses, walk_waiters, waiting, i, address, events):  # type: ignore[no-untyped-def]
    """Walk `i` asks L2 for the page-table entry at `address`."""
    k = int(walk_misses[i]["waiters"])
    while int(walk_waiters[k]["next"]) >= 0:  # the oldest stands last
        k = int(walk_waiters[k]["next"])
    s = int(waiting[int(walk_waiters[k]["owner"])]["sm"])
    message = outbox[place_in(sms, outbox, s)]
    message["time"] = int(walks[i]["time"])
    message["line"] = address // int(cfg["line_bytes"])
    message["owner"] = i
    message["born"] = int(walks[i]["time"])
    message["sequence"] = _BEHIND + int(unit["reads"])
    message["sm"] = s
    message["left"] = 1
    message["operations"] = 0
    message["kind"] = K_WALK
    message["sectors"] = 1 << address % int(cfg["line_bytes"]) // int(cfg["sector_bytes"])
    message["translated"] = 0
    unit["reads"] = int(unit["reads"]) + 1
    events[NOC_REQUESTS] += 1
    events[NOC_REQUEST_BYTES] += int(cfg["header_bytes"])


@njit
def step(  # type: ignore[no-untyped-def]
    cfg, sms, outbox, unit, tlbs, tlb_lines, page_table, walker, walks, caches, cache_lines, walk_table, walk_misses,
    walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, lookups, i, now, events,
):  # fmt: skip
    """Walk `i` begins, or has its entry: it reads the next one, or gives the page to all groups that wait for it.

    Returns whether it has ended, so that there is room for requests that wait.
    """
    address = walk_step(walker, walks, walk_misses, walk_waiters, page_table, caches, cache_lines, i, now)
    if address != DONE:
        read_entry(cfg, sms, outbox, unit, walks, walk_misses, walk_waiters, waiting, i, address, events)
        return False
    walk = walks[i]
    events[WALKS] += 1
    events[WALK_CYCLES] += now - int(walk["asked"])
    events[WALK_QUEUED] += int(walk["started"]) - int(walk["asked"])
    events[WALK_READS] += int(walk["reads"])
    events[WALK_CACHED] += int(walk["cached"])
    owner = walk_owner(walk_table, walk_misses, walk_waiters, i)
    while owner != NOBODY:
        answer(
            sms, outbox, unit, tlbs, tlb_lines, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting,
            int(walk["page"]), int(waiting[owner]["sm"]), tlbs.shape[0], now, events,
        )  # fmt: skip
        owner = walk_owner(walk_table, walk_misses, walk_waiters, i)
    following = walk_end(walker, walk_table, walks, walk_misses, walk_buckets, i, now)
    if following != NO_WALK:
        schedule(unit, lookups, now, following, following)
    return True


@njit(TRANSLATE_SIGNATURE)
def run_translation(  # type: ignore[no-untyped-def]
    cfgs, sms, outbox, parts, emitted, units, tlbs, tlb_lines, page_tables, walkers, walks, caches, cache_lines,
    walk_tables, walk_misses, walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting,
    lookups, events, stop,
):  # fmt: skip
    """Translate until cycle `stop`: the outboxes then hold what goes on to the slices, and answers to walks are taken.

    Returns the cycle of the next event, NEVER if nothing is on its way, or -1 if an SM has sent too much.
    """
    cfg = cfgs[0]
    unit = units[0]
    take_entries(cfg, parts, emitted, unit, lookups)
    if not take_requests(sms, outbox, unit, tlbs, waiting, lookups):
        return -1
    while int(unit["events"]) > 0 and int(lookups[0]["time"]) < stop:
        now = int(lookups[0]["time"])
        kind = int(lookups[0]["rank"]) >> _KIND
        item = int(lookups[0]["item"])
        pop(lookups, 0, int(unit["events"]))
        unit["events"] = int(unit["events"]) - 1
        if kind == 0:
            more = step(
                cfg, sms, outbox, unit, tlbs, tlb_lines, page_tables[0], walkers[0], walks, caches, cache_lines,
                walk_tables[0], walk_misses, walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets,
                waiting, lookups, item, now, events,
            )  # fmt: skip
        else:
            more = look_up(
                cfg, sms, outbox, unit, tlbs, tlb_lines, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, lookups,
                item, tlbs.shape[0] + 1 - kind, now, events,
            )  # fmt: skip
            if more:
                queue(unit, waiting, item)
        if more:
            admit(
                cfg, sms, outbox, unit, tlbs, tlb_lines, page_tables[0], walkers[0], walks, walk_tables[0], walk_misses,
                walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, lookups, now, events,
            )  # fmt: skip
            if kind > 0 and int(unit["head"]) >= 0:
                events[WALKS_REFUSED] += 1
    return int(lookups[0]["time"]) if int(unit["events"]) > 0 else NEVER
