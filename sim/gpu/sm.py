"""One SM, cycle by cycle: its stages in hardware order, CTA launch and reclaim, and exact skipping of idle time (§2).

Within a cycle: what comes back from memory, then the SM's memory port, then each sub-core from the end of its pipeline
to its start (queued units, address reads, Allocate, Control, Issue, fetch, prefetch), so that a latch freed in a cycle
is usable in it by the stage before. A counter that an instruction raises in Control is seen by Issue a cycle later.

When a cycle changed nothing, nothing can change before the next known time: the cycles up to it are booked at once.
"""

from sim.gpu.counters import DRAIN, NO_INSTRUCTION
from sim.gpu.decode import FIRST_QUEUED, U_TEXTURE
from sim.gpu.frontend import fetch, fill, prefetch
from sim.gpu.issue import issue, raise_counters, set_state
from sim.gpu.lsu import head_ready, leave, next_sub, read_addresses, write_back
from sim.gpu.state import COUNTERS_PER_WARP, CTA_BARRIERS, FREE, NEVER, RUNNING, SCOREBOARD_ENTRIES
from sim.gpu.units import allocate, control, queued_start, start_queued
from sim.jit import njit


@njit
def launch_ctas(  # type: ignore[no-untyped-def]
    cfg,
    path_row,
    path_offset,
    path_lanes,
    warp_path,
    warp_memop,
    sm,
    s,
    subs,
    warps,
    ctas,
    available,
    readers,
    follow,
    cycle,
):
    """Give warp slots to the CTAs of SM `s` whose launch has arrived, in launch order."""
    slots = int(cfg["warps_per_sm"])
    per_cta = int(cfg["warps_per_cta"])
    sub_cores = int(cfg["sub_cores"])
    soonest = NEVER
    sm["moved"] = 1
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
            number = int(cta["number"]) * per_cta + i
            path = int(warp_path[number])
            while int(warps[s * slots + slot]["life"]) != FREE:
                slot += 1
            w = s * slots + slot
            slot += 1
            if path < 0 or int(path_offset[path]) == int(path_offset[path + 1]):
                continue
            warp = warps[w]
            warp["life"] = RUNNING
            warp["sm"] = s
            warp["sub"] = s * sub_cores + (w - s * slots) % sub_cores
            warp["cta"] = c
            warp["number"] = number
            warp["position"] = int(path_offset[path])
            warp["end"] = int(path_offset[path + 1])
            warp["memop"] = int(warp_memop[number])
            warp["fetched"] = int(path_offset[path])
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
            warp["next_row"] = int(path_row[int(path_offset[path])])
            warp["next_lanes"] = int(path_lanes[int(path_offset[path])])
            for counter in range(COUNTERS_PER_WARP):
                warp["pending"][counter] = 0
            warp["blocked_until"] = 0
            warp["barrier"] = -1
            warp["in_flight"] = 0
            warp["copies_done"] = 0
            warp["state"] = NO_INSTRUCTION
            warp["state_since"] = cycle
            warp["state_row"] = int(path_row[int(path_offset[path])])
            warp["wake"] = 0
            warp["born"] = cycle
            warp["active"] = 0
            warp["followed"] = 0
            if int(follow[0]) == s and (int(follow[1]) < 0 or int(follow[1]) == w - s * slots):
                warp["followed"] = 1
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
            alive += 1
        cta["warps_left"] = alive
        cta["unfinished"] = alive
        if alive == 0:
            _end_cta(sm, cta)
    for i in range(s * slots, (s + 1) * slots):
        if int(ctas[i]["live"]) != 0 and int(ctas[i]["launched"]) == 0:
            soonest = min(soonest, int(ctas[i]["start"]))
    sm["next_launch"] = soonest


@njit
def _empty_cache(cfg, sub, w):  # type: ignore[no-untyped-def]
    """A new warp finds none of the registers that the last one in its slot has left in the register-file cache."""
    for slot in range(int(cfg["rf_slots"])):
        for bank in range(int(cfg["banks"])):
            if int(sub["cached"][slot][bank]) - 1 >> 8 == w:
                sub["cached"][slot][bank] = 0


@njit
def _end_cta(sm, cta):  # type: ignore[no-untyped-def]
    cta["live"] = 0
    sm["ctas"] = int(sm["ctas"]) - 1
    sm["live_ctas"] = int(sm["live_ctas"]) - 1
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
                _end_cta(sm, cta)
        else:
            sub["order"][kept] = w
            kept += 1
    sub["warps"] = kept
    sub["moved"] = 1


@njit
def next_time(cfg, rows, sm, subs, g0, warps, cycle):  # type: ignore[no-untyped-def]
    """First cycle after `cycle` in which something of the SM can change, given that nothing changed in `cycle`."""
    soonest = min(int(sm["next_request"]), int(sm["next_launch"]))
    for g in range(g0, g0 + int(cfg["sub_cores"])):
        sub = subs[g]
        soonest = min(soonest, int(sub["next_fill"]))
        if int(sub["port_busy"]) > cycle:
            soonest = min(soonest, int(sub["port_busy"]))
        leaving = head_ready(rows, sub)
        if leaving < NEVER:
            soonest = min(soonest, max(leaving, int(sm["port_free"])))
        for unit in range(FIRST_QUEUED, U_TEXTURE + 1):
            if int(sub["queued"]) > 0 and int(sub["unit_count"][unit]) > 0:
                soonest = min(soonest, queued_start(sm, sub, unit))
        for k in range(int(sub["warps"])):
            soonest = min(soonest, int(warps[int(sub["order"][k])]["wake"]))
    return max(soonest, cycle + 1)


@njit
def run_sm(  # type: ignore[no-untyped-def]
    cfgs, rows, path_row, path_offset, path_lanes, path_memop, warp_path, warp_memop, memops, lines, sms, s, subs,
    warps, ctas, requests, l0i, l1i, l0c, l1c, l1d, fills, available, readers, pc_states, pc_slots, pc_issued, events,
    log, logged, follow, start, stop, pause,
):  # fmt: skip
    """Run SM `s` from cycle `start` to `stop`, or to the end of a CTA if `pause`; returns the next cycle to run.

    Returns -cycle if nothing can move any more although warps live (deadlock).
    """
    cfg = cfgs[0]
    sm = sms[s]
    sub_cores = int(cfg["sub_cores"])
    g0 = s * sub_cores
    first_warp = s * int(cfg["warps_per_sm"])
    request_base = s * (requests.shape[0] // int(cfg["sms"]))
    l1i_base = s * int(cfg["l1i_sets"]) * int(cfg["l1i_ways"])
    l1c_base = s * int(cfg["l1c_sets"]) * int(cfg["l1c_ways"])
    l1d_base = s * int(cfg["l1d_sets"]) * int(cfg["l1d_ways"])
    fill_base = s * int(cfg["l1d_mshrs"])
    l0i_size = int(cfg["l0_sets"]) * int(cfg["l0_ways"])
    l0c_size = int(cfg["l0c_sets"]) * int(cfg["l0c_ways"])
    cycle = start
    while cycle < stop and int(sm["ctas"]) > 0:
        sm["moved"] = 0
        sm["completed"] = 0
        if int(sm["next_launch"]) <= cycle:
            launch_ctas(
                cfg, path_row, path_offset, path_lanes, warp_path, warp_memop, sm, s, subs, warps, ctas, available,
                readers, follow, cycle,
            )  # fmt: skip
        if int(sm["live_ctas"]) == 0:
            cycle = cycle + 1 if int(sm["ctas"]) == 0 else max(cycle + 1, min(stop, int(sm["next_launch"])))
            if int(sm["completed"]) > 0 and pause:
                return cycle
            continue
        if int(sm["next_request"]) <= cycle:
            write_back(
                cfg, rows, sm, subs, warps, requests, request_base, available, readers, cycle, events, log, logged
            )
        g = next_sub(cfg, rows, sm, subs, g0, cycle)
        if g >= 0:
            leave(
                cfg, rows, sm, subs[g], g, warps, requests, request_base, l1d, l1d_base, fills, fill_base, l1c,
                l1c_base, l1i, l1i_base, memops, lines, readers, cycle, events, log, logged,
            )  # fmt: skip
        moved = int(sm["moved"])
        for g in range(g0, g0 + sub_cores):
            sub = subs[g]
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
                cfg, rows, path_row, path_lanes, path_memop, sm, sub, warps, ctas, first_warp, l1d, l1d_base, l0c,
                l0c_base, l1i, l1i_base, available, readers, cycle, events, pc_states, pc_slots, pc_issued, log, logged,
            )  # fmt: skip
            raise_counters(sub, warps, cycle, log, logged)
            if ended:
                reclaim(sm, sub, warps, ctas, cycle, pc_states)
            if int(sub["fetch_idle"]) == 0:
                fetch(cfg, rows, path_row, sm, sub, warps, l0i, l0i_base, l1i, l1i_base, cycle, events, log, logged)
            prefetch(cfg, sm, sub, l0i, l0i_base, l1i, l1i_base, cycle, events)
            moved += int(sub["moved"])
        sm["active_cycles"] = int(sm["active_cycles"]) + 1
        cycle += 1
        if pause and int(sm["completed"]) > 0:
            return cycle
        if moved == 0:
            wake = next_time(cfg, rows, sm, subs, g0, warps, cycle - 1)
            if wake >= NEVER:
                return -cycle
            until = min(wake, stop) if int(cfg["skip_idle"]) != 0 else cycle
            if until > cycle:
                for g in range(g0, g0 + sub_cores):
                    pc_slots[int(subs[g]["slot_row"]), int(subs[g]["slot_reason"])] += until - cycle
                sm["active_cycles"] = int(sm["active_cycles"]) + until - cycle
                cycle = until
    return cycle
