"""One SM, cycle by cycle: its stages in hardware order, CTA launch and reclaim, and exact skipping of idle time (§2).

Within a cycle: what comes back from memory, then the SM's memory port, then each sub-core from the end of its pipeline
to its start (queued units, address reads, Allocate, Control, Issue, fetch, prefetch), so that a latch freed in a cycle
is usable in it by the stage before. A counter that an instruction raises in Control is seen by Issue a cycle later.

A sub-core whose cycle changed nothing sleeps until its next known time, or until something that happens to it from
outside sets `sleep_until` to 0; its cycles are booked when it wakes. When nothing moved at all, the SM idles likewise.
"""

from sim.gpu.arrivals import deliver
from sim.gpu.counters import DRAIN, NO_INSTRUCTION
from sim.gpu.decode import FIRST_QUEUED, U_TEXTURE
from sim.gpu.frontend import fetch, fill, prefetch
from sim.gpu.issue import issue, raise_counters, set_state
from sim.gpu.l1d import look_up
from sim.gpu.lsu import head_ready, leave, next_sub, read_addresses
from sim.gpu.state import COUNTERS_PER_WARP, CTA_BARRIERS, FREE, NEVER, RUNNING, SCOREBOARD_ENTRIES
from sim.gpu.units import allocate, control, queued_start, start_queued
from sim.gpu.write_back import write_back
from sim.jit import njit, stage
from sim.trace.window import needs_refill, start_stream


@njit
def launch_ctas(  # type: ignore[no-untyped-def]
    cfg, path_row, path_lanes, launches, window, sm, s, subs, warps, streams, ctas, available, readers, follow, cycle
):
    """Give warp slots to the CTAs of SM `s` whose launch has arrived, in launch order.

    `launches` [warps] tells where the path and the addresses of each warp from CTA `window[0]` on begin.
    """
    slots = int(cfg["warps_per_sm"])
    per_cta = int(cfg["warps_per_cta"])
    sub_cores = int(cfg["sub_cores"])
    soonest = NEVER
    sm["moved"] = 1
    was_active = int(sm["live_ctas"]) > 0
    while True:
        c = -1
        for i in range(s * slots, (s + 1) * slots):
            cta = ctas[i]
            if int(cta["live"]) != 0 and int(cta["launched"]) == 0 and int(cta["start"]) <= cycle:
                if c < 0 or int(cta["number"]) < int(ctas[c]["number"]):
                    c = i
        if c < 0:
            break
        cta = ctas[c]
        cta["launched"] = 1
        sm["live_ctas"] = int(sm["live_ctas"]) + 1
        for barrier in range(CTA_BARRIERS):
            cta["arrived"][barrier] = 0
            cta["expected"][barrier] = 0
        alive = 0
        slot = 0
        for i in range(per_cta):
            launch = launches[(int(cta["number"]) - int(window[0])) * per_cta + i]
            begin = int(launch["path"])
            while int(warps[s * slots + slot]["life"]) != FREE:
                slot += 1
            w = s * slots + slot
            slot += 1
            if begin == int(launch["path_end"]):
                continue
            warp = warps[w]
            warp["life"] = RUNNING
            warp["sm"] = s
            warp["sub"] = s * sub_cores + (w - s * slots) % sub_cores
            warp["cta"] = c
            warp["number"] = int(cta["number"]) * per_cta + i
            warp["position"] = begin
            warp["end"] = int(launch["path_end"])
            warp["memop"] = 0
            warp["fetched"] = begin
            warp["buffer_head"] = 0
            warp["buffer_count"] = 0
            warp["wrong_count"] = 0
            warp["wrong_pc"] = -1
            warp["fetch_line"] = -1
            warp["redirected"] = 0
            warp["stall_until"] = 0
            warp["raised"] = 0
            warp["rising"] = 0
            warp["passed"] = 0
            warp["next_row"] = int(path_row[begin])
            warp["next_lanes"] = int(path_lanes[begin])
            for counter in range(COUNTERS_PER_WARP):
                warp["pending"][counter] = 0
            warp["blocked_until"] = 0
            warp["barrier"] = -1
            warp["in_flight"] = 0
            warp["copies"] = 0
            warp["fences"] = 0
            warp["state"] = NO_INSTRUCTION
            warp["state_since"] = cycle
            warp["state_row"] = int(path_row[begin])
            warp["wake"] = 0
            warp["born"] = cycle
            warp["active"] = 0
            warp["followed"] = 0
            if int(follow[0]) == s and (int(follow[1]) < 0 or int(follow[1]) == w - s * slots):
                warp["followed"] = 1
            start_stream(streams[w], launch, int(warp["number"]))
            sm["hungry"] = int(sm["hungry"]) | needs_refill(streams[w], 0)
            if int(cfg["scoreboard"]) != 0:
                for entry in range(SCOREBOARD_ENTRIES):
                    available[w, entry] = 0
                    readers[w, entry] = 0
            sub = subs[int(warp["sub"])]
            _empty_cache(cfg, sub, w)
            for k in range(int(sub["warps"]), 0, -1):
                sub["order"][k] = int(sub["order"][k - 1])
            sub["order"][0] = w
            sub["warps"] = int(sub["warps"]) + 1
            sub["fetch_idle"] = 0
            sub["sleep_until"] = 0
            alive += 1
        cta["warps_left"] = alive
        cta["unfinished"] = alive
        if alive == 0:
            _end_cta(sm, cta, cycle + 1)
    for i in range(s * slots, (s + 1) * slots):
        if int(ctas[i]["live"]) != 0 and int(ctas[i]["launched"]) == 0:
            soonest = min(soonest, int(ctas[i]["start"]))
    sm["next_launch"] = soonest
    if not was_active:
        sm["active_since"] = cycle
        for g in range(s * sub_cores, (s + 1) * sub_cores):
            subs[g]["booked"] = cycle
            subs[g]["sleep_until"] = 0


@njit
def _empty_cache(cfg, sub, w):  # type: ignore[no-untyped-def]
    """A new warp finds none of the registers that the last one in its slot has left in the register-file cache."""
    for slot in range(int(cfg["rf_slots"])):
        for bank in range(int(cfg["banks"])):
            if int(sub["cached"][slot][bank]) - 1 >> 8 == w:
                sub["cached"][slot][bank] = 0


@njit
def _end_cta(sm, cta, free):  # type: ignore[no-untyped-def]
    """The CTA's place is free from cycle `free` on; the dispatcher hears of it at the end of the quantum."""
    cta["live"] = 0
    sm["ctas"] = int(sm["ctas"]) - 1
    sm["live_ctas"] = int(sm["live_ctas"]) - 1
    sm["completed_at"][int(sm["completed"])] = free
    sm["completed"] = int(sm["completed"]) + 1


@njit
def reclaim(sm, sub, warps, ctas, cycle, pc_states):  # type: ignore[no-untyped-def]
    """Free the slots of warps that have ended and whose outstanding work is done; end their CTA with the last one."""
    kept = 0
    for k in range(int(sub["warps"])):
        w = int(sub["order"][k])
        warp = warps[w]
        if int(warp["state"]) == DRAIN and int(warp["in_flight"]) == 0:
            set_state(warp, int(warp["state"]), int(warp["state_row"]), cycle + 1, pc_states)
            sm["warp_cycles"] = int(sm["warp_cycles"]) + cycle + 1 - int(warp["born"])
            warp["life"] = FREE
            if int(sub["greedy"]) == w:
                sub["greedy"] = -1
            if int(sub["fetch_greedy"]) == w:
                sub["fetch_greedy"] = -1
            cta = ctas[int(warp["cta"])]
            cta["warps_left"] = int(cta["warps_left"]) - 1
            if int(cta["warps_left"]) == 0:
                _end_cta(sm, cta, cycle + 1)
        else:
            sub["order"][kept] = w
            kept += 1
    sub["warps"] = kept
    sub["moved"] = 1


@njit
def sub_next_time(cfg, sm, sub, warps, cycle):  # type: ignore[no-untyped-def]
    """First cycle after `cycle` in which a sub-core can change by itself, given that it did not in `cycle`."""
    soonest = int(sub["next_fill"])
    if int(sub["port_busy"]) > cycle:
        soonest = min(soonest, int(sub["port_busy"]))
    if int(sub["queued"]) > 0:
        for unit in range(FIRST_QUEUED, U_TEXTURE + 1):
            if int(sub["unit_count"][unit]) > 0:
                soonest = min(soonest, queued_start(sm, sub, unit))
    for k in range(int(sub["warps"])):
        soonest = min(soonest, int(warps[int(sub["order"][k])]["wake"]))
    return max(soonest, cycle + 1)


@njit
def next_time(cfg, rows, sm, subs, g0, cycle):  # type: ignore[no-untyped-def]
    """First cycle after `cycle` in which anything of the SM can change: its shared structures, or a sub-core."""
    soonest = min(int(sm["next_request"]), min(int(sm["next_launch"]), int(sm["next_reply"])))
    if int(sm["access_count"]) > 0:
        soonest = min(soonest, int(sm["next_access"]))
    room = int(sm["memory_requests"]) < int(cfg["pending_requests"])  # else one has to end before the next may leave
    for g in range(g0, g0 + int(cfg["sub_cores"])):
        sub = subs[g]
        soonest = min(soonest, int(sub["sleep_until"]))
        if room and int(sub["queue_read"]) > 0:
            soonest = min(soonest, max(head_ready(rows, sub), int(sm["port_free"])))
    return max(soonest, cycle + 1)


@njit
def book(sub, pc_slots, cycle):  # type: ignore[no-untyped-def]
    """Give the cycles before `cycle` that a sub-core has slept through the reason that it fell asleep with."""
    slept = cycle - int(sub["booked"])
    if slept > 0:
        pc_slots[int(sub["slot_row"]), int(sub["slot_reason"])] += slept
        sub["booked"] = cycle


@stage
def run_sm(  # type: ignore[no-untyped-def]
    cfg, rows, path_row, path_lanes, path_memop, launches, window, sm, s, subs, warps, streams, memops, lines, ctas,
    requests, pendings, accesses, held, l0i, l1i, l0c, l1c, l1d, tables, misses, waiters, buckets, outbox, inbox,
    available, readers, pc_states, pc_slots, pc_issued, events, log, logged, follow, stop,
):  # fmt: skip
    """Run SM `s` until cycle `stop`, or until a warp needs more of its addresses (`hungry`)."""
    sub_cores = int(cfg["sub_cores"])
    g0 = s * sub_cores
    first_warp = s * int(cfg["warps_per_sm"])
    request_base = s * (requests.shape[0] // int(cfg["sms"]))
    l1i_base = s * int(cfg["l1i_sets"]) * int(cfg["l1i_ways"])
    l1c_base = s * int(cfg["l1c_sets"]) * int(cfg["l1c_ways"])
    l0i_size = int(cfg["l0_sets"]) * int(cfg["l0_ways"])
    l0c_size = int(cfg["l0c_sets"]) * int(cfg["l0c_ways"])
    while True:
        cycle = max(int(sm["clock"]), int(sm["idle_until"]))
        if cycle >= stop:
            return
        sm["clock"] = cycle
        if int(sm["hungry"]) != 0:
            return
        sm["moved"] = 0
        if int(sm["next_launch"]) <= cycle:
            launch_ctas(
                cfg, path_row, path_lanes, launches, window, sm, s, subs, warps, streams, ctas, available, readers,
                follow, cycle,
            )  # fmt: skip
            if int(sm["hungry"]) != 0:
                return
        if int(sm["next_reply"]) <= cycle:
            deliver(
                cfg, rows, sm, s, subs, g0, warps, pendings, requests, request_base, l1d, tables, misses, waiters,
                buckets, l0c, l1c, l1c_base, l1i, l1i_base, inbox, cycle, events, log, logged,
            )  # fmt: skip
        if int(sm["live_ctas"]) == 0:
            sm["idle_until"] = max(cycle + 1, min(int(sm["next_launch"]), int(sm["next_reply"])))
            continue
        if int(sm["next_request"]) <= cycle:
            write_back(
                cfg, rows, sm, subs, warps, requests, request_base, available, readers, cycle, events, log, logged
            )
        g = next_sub(cfg, rows, sm, subs, g0, cycle)
        if g >= 0:
            leave(
                cfg, rows, sm, s, subs[g], g, warps, requests, request_base, pendings, accesses, held, l1c, l1c_base,
                l1i, l1i_base, streams, memops, lines, readers, outbox, cycle, events, log, logged,
            )  # fmt: skip
        if int(sm["access_count"]) > 0 and int(sm["next_access"]) <= cycle:
            look_up(
                cfg, rows, sm, s, warps, pendings, accesses, held, requests, request_base, l1d, tables, misses,
                waiters, buckets, outbox, cycle, events, log, logged,
            )  # fmt: skip
        moved = int(sm["moved"])
        skip = int(cfg["skip_idle"]) != 0
        for g in range(g0, g0 + sub_cores):
            sub = subs[g]
            if int(sub["sleep_until"]) > cycle:
                continue
            book(sub, pc_slots, cycle)
            sub["booked"] = cycle + 1
            sub["moved"] = 0
            l0i_base = g * l0i_size
            l0c_base = g * l0c_size
            if int(sub["next_fill"]) <= cycle:
                fill(cfg, sub, warps, l0i, l0i_base, cycle)
            if int(sub["queued"]) > 0:
                start_queued(cfg, rows, sm, subs, g, warps, requests, request_base, cycle, events, log, logged)
            read_addresses(cfg, rows, sub, warps, cycle, events, log, logged)
            allocate(cfg, rows, sm, sub, g, warps, requests, request_base, cycle, events, log, logged)
            control(cfg, rows, sub, warps, cycle, log, logged)
            if int(cfg["visible"]) == 0:
                raise_counters(sub, warps, cycle, log, logged)
            ended = issue(
                cfg, rows, path_row, path_lanes, path_memop, sm, s, sub, subs, warps, streams, ctas, first_warp, l1d,
                l0c, l0c_base, l1i, l1i_base, available, readers, outbox, cycle, events, pc_states, pc_slots, pc_issued,
                log, logged,
            )  # fmt: skip
            raise_counters(sub, warps, cycle, log, logged)
            if ended:
                reclaim(sm, sub, warps, ctas, cycle, pc_states)
            if int(sub["fetch_idle"]) == 0:
                fetch(
                    cfg, rows, path_row, sm, s, sub, warps, l0i, l0i_base, l1i, l1i_base, cycle, outbox, events, log,
                    logged,
                )  # fmt: skip
            prefetch(cfg, sm, s, sub, l0i, l0i_base, l1i, l1i_base, cycle, outbox, events)
            sub["sleep_until"] = 0
            if int(sub["moved"]) == 0 and skip:
                sub["sleep_until"] = sub_next_time(cfg, sm, sub, warps, cycle)
            moved += int(sub["moved"])
        sm["clock"] = cycle + 1
        if int(sm["live_ctas"]) == 0:
            sm["active_cycles"] = int(sm["active_cycles"]) + cycle + 1 - int(sm["active_since"])
            for g in range(g0, g0 + sub_cores):
                book(subs[g], pc_slots, cycle + 1)
        elif moved == 0 and skip:
            sm["idle_until"] = next_time(cfg, rows, sm, subs, g0, cycle)
