"""The way back of results of variable latency: the register link, the write ports, LDGSTS and its fence (§5, §7.3).

What has its data takes its sub-core's register link, oldest first, and writes register by register, where results of
fixed latency go first. Then its counter falls. The data of an LDGSTS goes to shared memory instead.
"""

from sim.gpu.counters import RF_WRITE_DELAYS
from sim.gpu.decode import FIRST_QUEUED, M_COPY, U_MEMORY
from sim.gpu.dependences import finish, sources_read
from sim.gpu.log import note
from sim.gpu.regfile import take_write_port, write_port_free
from sim.gpu.scoreboard import clear_writes
from sim.gpu.shared_memory import shared_access
from sim.gpu.state import COPYING, ENDED, EV_DATA, EV_REGISTER, FENCE, NEVER, READING, WAIT_DATA, WRITING
from sim.jit import njit, stage


@stage
def write_back(cfg, rows, sm, subs, warps, requests, base, available, readers, cycle, events, log, logged):  # type: ignore[no-untyped-def]
    """Move the pending requests that can move in this cycle: take the link, write registers, lower counters.

    Most of them wait for a later cycle. So those that are due are listed first: record k has the index of the k-th one.
    """
    sm["moved"] = 1
    count = 0
    soonest = NEVER
    for i in range(base, base + int(sm["requests"])):
        ready = int(requests[i]["ready"])
        if ready <= cycle:
            requests[base + count]["due"] = i
            count += 1
        elif ready < soonest:
            soonest = ready
    for k in range(base, base + count):
        entry = requests[int(requests[k]["due"])]
        if int(entry["phase"]) == WRITING and int(entry["ready"]) < cycle:
            if _end(cfg, rows, sm, subs, warps, requests, base, entry, available, readers, cycle, log, logged):
                soonest = cycle + 1
        elif int(entry["phase"]) == READING:
            w = int(entry["warp"])
            r = int(entry["row"])
            subs[int(entry["sub"])]["sleep_until"] = 0
            sources_read(cfg, rows[r], warps[w], readers, w, r, cycle, log, logged)
            entry["phase"] = WRITING
            # Issue, Control and the queue took two cycles; a consumer issues the cycle after the write (§6).
            entry["ready"] = max(cycle, int(entry["started"]) + int(rows[r]["latency"]) - 3)
        elif int(entry["phase"]) == COPYING:
            _write_copy(rows[int(entry["row"])], sm, entry, cycle, events)
    _take_links(rows, subs, warps, requests, base, base + count, cycle, log, logged)
    for k in range(base, base + count):
        entry = requests[int(requests[k]["due"])]
        if int(entry["phase"]) == WRITING and int(entry["ready"]) == cycle:
            _write_register(cfg, rows, subs, warps, entry, cycle, events, log, logged)
    for k in range(base + count - 1, base - 1, -1):  # from the end: the last record may take the place of an ended one
        i = int(requests[k]["due"])
        entry = requests[i]
        phase = int(entry["phase"])
        if phase == ENDED:
            last = base + int(sm["requests"]) - 1
            if i != last:
                requests[i] = requests[last]
            sm["requests"] = int(sm["requests"]) - 1
            continue
        ready = int(entry["ready"])
        if phase == WAIT_DATA:
            ready = max(ready, int(subs[int(entry["sub"])]["link_free"]))
        elif phase == WRITING and ready <= cycle:
            ready = cycle + 1
        soonest = min(soonest, ready)
    sm["next_request"] = soonest


@njit
def _end(cfg, rows, sm, subs, warps, requests, base, entry, available, readers, cycle, log, logged):  # type: ignore[no-untyped-def]
    """The last register was written in the cycle before: the counter falls and is seen from now on.

    True if a fence may go on because of it.
    """
    w = int(entry["warp"])
    r = int(entry["row"])
    row = rows[r]
    subs[int(entry["sub"])]["sleep_until"] = 0
    if int(cfg["scoreboard"]) != 0 and int(row["unit"]) >= FIRST_QUEUED:
        clear_writes(row, available, w, cycle)
    if int(row["late_read"]) != 0:
        sources_read(cfg, row, warps[w], readers, w, r, cycle, log, logged)
    finish(row, warps[w], w, r, cycle, log, logged)
    if int(row["unit"]) == U_MEMORY:
        sm["memory_requests"] = int(sm["memory_requests"]) - 1
    entry["phase"] = ENDED
    if int(row["memory"]) == M_COPY:
        return _copy_done(sm, warps[w], w, requests, base, int(entry["sequence"]), cycle)
    return False


@njit
def _write_copy(row, sm, entry, cycle, events):  # type: ignore[no-untyped-def]
    """The data of an LDGSTS is there and goes to shared memory; its counter falls after that (Table 2, LDGSTS)."""
    done = cycle + int(row["release"]) - int(row["after"]) - 1
    written = int(entry["tail"])
    if written > 0:
        start = shared_access(sm, written, cycle, events)
        done += start - cycle + max(0, written - int(row["beats"]))
    entry["ready"] = max(cycle, done)
    entry["phase"] = WRITING


@njit
def _copy_done(sm, warp, w, requests, base, sequence, cycle):  # type: ignore[no-untyped-def]
    """An LDGSTS is done: fences of its warp that came after it wait for one copy less. True if one has none left."""
    warp["copies"] = int(warp["copies"]) - 1
    if int(warp["fences"]) == 0:
        return False
    passed = False
    for i in range(base, base + int(sm["requests"])):
        entry = requests[i]
        if int(entry["phase"]) == FENCE and int(entry["warp"]) == w and int(entry["sequence"]) > sequence:
            entry["left"] = int(entry["left"]) - 1
            if int(entry["left"]) == 0:
                entry["phase"] = WRITING
                entry["ready"] = cycle
                warp["fences"] = int(warp["fences"]) - 1
                passed = True
    return passed


@stage
def _take_links(rows, subs, warps, requests, first, end, cycle, log, logged):  # type: ignore[no-untyped-def]
    """Per sub-core, the request that has waited longest with its data takes the free register link."""
    for k in range(first, end):
        best = int(requests[k]["due"])
        entry = requests[best]
        if int(entry["phase"]) != WAIT_DATA:
            continue
        sub = subs[int(entry["sub"])]
        if int(sub["link_free"]) > cycle:
            continue
        for j in range(k + 1, end):
            other = requests[int(requests[j]["due"])]
            if (
                int(other["phase"]) == WAIT_DATA
                and int(other["sub"]) == int(entry["sub"])
                and int(other["sequence"]) < int(requests[best]["sequence"])
            ):
                best = int(requests[j]["due"])
        chosen = requests[best]
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


@stage
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
