"""Issue: which warp of a sub-core issues in a cycle, and why the others do not (§1.3-1.5, §4).

Every warp is judged on the state at the start of the stage; the policy then takes one of the eligible. A verdict is
kept until it can change: a warp that waits for a time carries that cycle in `wake`, one that waits for an event is
woken by it. Each cycle of a warp's life is booked on one state and on its next instruction, and each cycle of the
sub-core on one reason: the lowest index among its warps' states (`counters.REASONS`).
"""

from sim.gpu.barrier import arrive, release_if_complete
from sim.gpu.constant import constant_ready
from sim.gpu.counters import (
    BRANCH_RESOLVING,
    DISPATCH_STALL,
    DRAIN,
    IMC_MISS,
    INST0,
    L0C_HITS,
    LANES0,
    LG_THROTTLE,
    MATH_PIPE_THROTTLE,
    MEMBAR,
    MIO_THROTTLE,
    NO_INSTRUCTION,
    NO_WARP,
    NOT_SELECTED,
    SELECTED,
    SHORT_SCOREBOARD,
    TEX_THROTTLE,
)
from sim.gpu.decode import (
    FIRST_QUEUED,
    R_BARRIER,
    R_BARRIER_ARRIVE,
    R_DEPBAR,
    R_MEMBAR,
    U_INT,
    U_MEMORY,
    U_TEXTURE,
)
from sim.gpu.frontend import redirect
from sim.gpu.l1d import invalidate
from sim.gpu.log import note
from sim.gpu.lower import GREEDY_YOUNGEST
from sim.gpu.policies import choose, hold_for_constant
from sim.gpu.regfile import result_queue_full
from sim.gpu.scoreboard import book, scoreboard_block
from sim.gpu.state import (
    COUNTERS_PER_WARP,
    CTA_BARRIERS,
    DRAINING,
    EV_CONSTANT_MISS,
    EV_FINISH,
    EV_ISSUE,
    EV_STATE,
    EV_UP,
    MAX_BUFFER,
    NEVER,
)
from sim.jit import njit, stage
from sim.trace.window import WINDOW_ACCESSES, needs_refill


@njit
def set_state(warp, state, row, cycle, pc_states):  # type: ignore[no-untyped-def]
    """Book the cycles since the last change on the old state; from `cycle` on the warp is in `state` at `row`."""
    since = int(warp["state_since"])
    if cycle > since:
        pc_states[int(warp["state_row"]), int(warp["state"])] += cycle - since
        warp["state_since"] = cycle
    warp["state"] = state
    warp["state_row"] = row


@njit
def change_state(warp, w, verdict, at, cycle, pc_states, log, logged):  # type: ignore[no-untyped-def]
    """Book a warp's verdict of this cycle if it is another than the last one's."""
    if verdict != int(warp["state"]) or at != int(warp["state_row"]):
        set_state(warp, verdict, at, cycle, pc_states)
        if int(warp["followed"]) != 0:
            note(log, logged, cycle, w, at, EV_STATE, verdict)


@njit
def counters_block(row, warp):  # type: ignore[no-untyped-def]
    """State of a warp whose next instruction waits for dependence counters, SELECTED (0) if none holds it (§1.5)."""
    mask = (int(row["wait_mask"]) | int(row["depbar_mask"])) & int(warp["raised"])
    role = int(row["role"])
    verdict = SELECTED
    if mask == 0 and role != R_DEPBAR and role != R_MEMBAR:
        return verdict
    for counter in range(COUNTERS_PER_WARP):
        if mask >> counter & 1 != 0:
            verdict = max(verdict, int(warp["producer"][counter]))
    if role == R_DEPBAR and int(row["depbar"]) >= 0:
        counter = int(row["depbar"])
        if int(warp["pending"][counter]) > int(row["depbar_limit"]):
            verdict = max(verdict, int(warp["producer"][counter]))
    if role == R_MEMBAR and int(warp["raised"]) != 0:
        verdict = MEMBAR
    return verdict


@njit
def free_unit(row, sub, cycle):  # type: ignore[no-untyped-def]
    """Unit whose input latch takes the instruction in `cycle`, or -1; FP32 tries the INT pipe first (§6)."""
    if int(row["on_int"]) != 0 and int(sub["unit_free"][U_INT]) <= cycle:
        return U_INT
    unit = int(row["unit"])
    if int(sub["unit_free"][unit]) <= cycle:
        return unit
    return -1


@stage
def own_block(cfg, row, warp, w, available, readers, cycle):  # type: ignore[no-untyped-def]
    """What of its own holds a warp's next instruction in this cycle; SELECTED = nothing, and nothing will."""
    if int(warp["life"]) == DRAINING:
        warp["wake"] = cycle + 1 if int(warp["in_flight"]) == 0 else NEVER
        return DRAIN
    if int(warp["stall_until"]) > cycle:
        warp["wake"] = int(warp["stall_until"])
        return int(warp["stall_reason"])
    if int(warp["blocked_until"]) > cycle:
        warp["wake"] = int(warp["blocked_until"])
        return int(warp["blocked_reason"])
    if int(warp["buffer_count"]) == 0 or int(warp["buffer"][int(warp["buffer_head"])]) > cycle:
        warp["wake"] = NEVER if int(warp["buffer_count"]) == 0 else int(warp["buffer"][int(warp["buffer_head"])])
        return BRANCH_RESOLVING if int(warp["redirected"]) != 0 else NO_INSTRUCTION
    if int(cfg["scoreboard"]) != 0:
        verdict, until = scoreboard_block(cfg, row, w, int(warp["in_flight"]), available, readers, cycle)
        warp["wake"] = until
        return verdict
    verdict = counters_block(row, warp)
    if verdict != SELECTED:
        warp["wake"] = NEVER
        return verdict
    full = int(cfg["counter_maximum"]) - int(warp["rising"])
    for counter in (int(row["raise_write"]), int(row["raise_read"])):
        if counter >= 0 and int(warp["pending"][counter]) >= full:
            warp["wake"] = NEVER if int(warp["rising"]) == 0 else cycle + 1
            return max(SHORT_SCOREBOARD, int(warp["producer"][counter]))
    return SELECTED


@stage
def unit_block(  # type: ignore[no-untyped-def]
    cfg, row, path_memop, sm, s, sub, warp, streams, w, l0c, l0c_base, l1i, l1i_base, outbox, cycle, events, log, logged
):
    """What the units hold against an instruction that nothing else holds; SELECTED = eligible. Sets `wake`."""
    unit = int(row["unit"])
    warp["wake"] = cycle + 1
    if unit == U_MEMORY:
        if int(warp["next_lanes"]) > 0 and int(sub["queue_credit"]) >= int(cfg["memory_queue"]):
            warp["wake"] = NEVER
            return LG_THROTTLE if int(row["throttle_lg"]) != 0 else MIO_THROTTLE
        if int(path_memop[int(warp["position"])]) != 0 and needs_refill(streams[w], int(warp["memop"])) != 0:
            sm["hungry"] = 1  # its window is full of accesses that are still queued: only with long queues
            return LG_THROTTLE
        return SELECTED
    if unit >= FIRST_QUEUED:
        if unit == U_TEXTURE and int(sub["unit_count"][unit]) >= int(cfg["queue_entries"][unit]):
            return TEX_THROTTLE
        return SELECTED
    free = int(sub["unit_free"][unit])
    if int(row["on_int"]) != 0:
        free = min(free, int(sub["unit_free"][U_INT]))
    if free > cycle:
        warp["wake"] = free
        return MATH_PIPE_THROTTLE
    if result_queue_full(cfg, row, sub, cycle + int(row["window"]) + int(row["latency"]) + 3):
        return MATH_PIPE_THROTTLE
    if int(row["constant"]) >= 0 and int(warp["next_lanes"]) > 0:
        address = int(row["constant"])
        ready = constant_ready(cfg, sm, s, l0c, l1i, l0c_base, l1i_base, address, cycle, outbox, events)
        if ready > cycle:
            warp["wake"] = ready
            if int(warp["followed"]) != 0:
                note(log, logged, cycle, w, int(warp["next_row"]), EV_CONSTANT_MISS, ready)
            return IMC_MISS
    return SELECTED


@njit
def send(  # type: ignore[no-untyped-def]
    cfg, rows, path_row, path_lanes, path_memop, sm, s, sub, subs, warps, streams, ctas, w, first_warp, l1d, available,
    readers, cycle, events, pc_issued, log, logged,
):  # fmt: skip
    """Issue the next instruction of warp `w`: into the latch behind Issue, and all that it does to its warp at once."""
    warp = warps[w]
    position = int(warp["position"])
    r = int(warp["next_row"])
    row = rows[r]
    lanes = int(warp["next_lanes"])
    unit = int(row["unit"])
    queued = unit >= FIRST_QUEUED
    if not queued:
        unit = free_unit(row, sub, cycle)
        sub["unit_free"][unit] = cycle + int(row["initiation"])
        if int(row["constant"]) >= 0 and lanes > 0:
            events[L0C_HITS] += 1
    # An instruction of variable latency whose guard is false in every lane goes nowhere: it takes its issue slot.
    if not queued or lanes > 0:
        latch = sub["issue_latch"]
        latch["full"] = 1
        latch["warp"] = w
        latch["row"] = r
        latch["raised"] = 0
        warp["rising"] = 1 if int(row["raise_write"]) >= 0 or int(row["raise_read"]) >= 0 else 0
        latch["unit"] = unit
        latch["memop"] = -1
        if int(path_memop[position]) != 0:
            latch["memop"] = w * WINDOW_ACCESSES + int(warp["memop"]) % WINDOW_ACCESSES
        if int(row["tracked"]) != 0:
            warp["in_flight"] = int(warp["in_flight"]) + 1
            if unit == U_MEMORY:
                sub["queue_credit"] = int(sub["queue_credit"]) + 1
        if int(cfg["scoreboard"]) != 0:
            # A result of unknown time is booked as NEVER plus the reason of those who will wait for it.
            book(row, w, available, readers, NEVER + int(row["producer"]) if queued else cycle + int(row["latency"]))
    if int(path_memop[position]) != 0:
        warp["memop"] = int(warp["memop"]) + 1
        sm["hungry"] = int(sm["hungry"]) | needs_refill(streams[w], int(warp["memop"]))
    sub["greedy"] = w
    if int(cfg["fetch_policy"]) == GREEDY_YOUNGEST:
        sub["fetch_greedy"] = w
    sub["fetch_idle"] = 0
    sub["hold"] = int(cfg["constant_hold"])
    sub["port_busy"] = cycle + int(row["port_cycles"])
    sub["moved"] = 1

    warp["stall_until"] = cycle + int(row["stall"])
    warp["stall_reason"] = int(row["stall_reason"])
    warp["buffer_head"] = (int(warp["buffer_head"]) + 1) % MAX_BUFFER
    warp["buffer_count"] = int(warp["buffer_count"]) - 1
    warp["redirected"] = 0
    warp["position"] = position + 1
    warp["passed"] = 0
    warp["wake"] = 0
    sm["issued"] = int(sm["issued"]) + 1
    sm["lanes"] = int(sm["lanes"]) + lanes
    category = int(row["category"])
    events[INST0 + category] += 1
    events[LANES0 + category] += lanes
    pc_issued[r, 0] += 1
    pc_issued[r, 1] += lanes
    if int(warp["followed"]) != 0:
        note(log, logged, cycle, w, r, EV_ISSUE, lanes)

    role = int(row["role"])
    if role == R_BARRIER or role == R_BARRIER_ARRIVE:
        arrive(cfg, row, subs, warps, ctas, w, r, first_warp, cycle, events, log, logged)
    elif role == R_MEMBAR:
        warp["blocked_until"] = cycle + int(row["fixed_delay"])
        warp["blocked_reason"] = MEMBAR
        if int(row["invalidates"]) != 0:
            invalidate(cfg, s, l1d)
    if position + 1 == int(warp["end"]):
        warp["life"] = DRAINING
        cta = ctas[int(warp["cta"])]
        cta["unfinished"] = int(cta["unfinished"]) - 1
        for barrier in range(CTA_BARRIERS):
            if int(cta["arrived"][barrier]) > 0:
                release_if_complete(cfg, subs, warps, ctas, int(warp["cta"]), barrier, first_warp, cycle, log, logged)
        if int(warp["followed"]) != 0:
            note(log, logged, cycle, w, r, EV_FINISH, 0)
        return
    following = int(path_row[position + 1])
    warp["next_row"] = following
    warp["next_lanes"] = int(path_lanes[position + 1])
    if int(rows[following]["pc"]) != int(row["pc"]) + 16:
        redirect(warp, sub, position + 1)


@njit
def raise_counters(sub, warps, cycle, log, logged):  # type: ignore[no-untyped-def]
    """End of the cycle in which an instruction was in Control: its counters are up for the next issue (§1.5)."""
    w = int(sub["raise_warp"])
    if w < 0:
        return
    warp = warps[w]
    warp["rising"] = 0
    for read in range(2):
        counter = int(sub["raise_read"]) if read == 1 else int(sub["raise_write"])
        if counter >= 0:
            warp["pending"][counter] = int(warp["pending"][counter]) + 1
            warp["raised"] = int(warp["raised"]) | 1 << counter
            warp["passed"] = 0  # it may wait for this counter itself
            if read == 0 or int(warp["pending"][counter]) == 1:
                warp["producer"][counter] = int(sub["raise_kind"])
            if int(warp["followed"]) != 0:
                note(log, logged, cycle, w, int(sub["raise_row"]), EV_UP, counter)
    sub["raise_warp"] = -1


@stage
def issue(  # type: ignore[no-untyped-def]
    cfg, rows, path_row, path_lanes, path_memop, sm, s, sub, subs, warps, streams, ctas, first_warp, l1d, l0c, l0c_base,
    l1i, l1i_base, available, readers, outbox, cycle, events, pc_states, pc_slots, pc_issued, log, logged,
):  # fmt: skip
    """One cycle of a sub-core's scheduler; returns True if a warp has ended and may be reclaimed."""
    count = int(sub["warps"])
    if count == 0:
        sub["slot_reason"] = NO_WARP
        sub["slot_row"] = rows.shape[0]
        pc_slots[rows.shape[0], NO_WARP] += 1
        return False
    greedy = int(sub["greedy"])
    greedy_at = -1
    youngest = -1
    oldest = -1
    ended = False
    reason = NOT_SELECTED
    slot_row = rows.shape[0]
    for k in range(count):
        w = int(sub["order"][k])
        if w == greedy:
            greedy_at = k
        warp = warps[w]
        if int(warp["wake"]) > cycle:
            verdict = int(warp["state"])
            sub["verdict"][k] = verdict
            if verdict < reason:
                reason = verdict
                slot_row = int(warp["state_row"])
            continue
        at = int(warp["next_row"])
        row = rows[at]
        verdict = SELECTED
        if int(warp["passed"]) == 0:
            verdict = own_block(cfg, row, warp, w, available, readers, cycle)
        if verdict == SELECTED:
            warp["passed"] = 1
            verdict = unit_block(
                cfg, row, path_memop, sm, s, sub, warp, streams, w, l0c, l0c_base, l1i, l1i_base, outbox, cycle, events,
                log, logged,
            )  # fmt: skip
        sub["verdict"][k] = verdict
        if verdict == SELECTED:
            if youngest < 0:
                youngest = k
            oldest = k
            continue
        if verdict == DRAIN and int(warp["in_flight"]) == 0:
            ended = True
        if verdict < reason:
            reason = verdict
            slot_row = at
        change_state(warp, w, verdict, at, cycle, pc_states, log, logged)
    chosen = -1
    passed_over = NOT_SELECTED
    greedy_misses = greedy_at >= 0 and int(sub["verdict"][greedy_at]) == IMC_MISS
    if int(sub["issue_latch"]["full"]) != 0 or int(sub["port_busy"]) > cycle:
        passed_over = DISPATCH_STALL
    elif not hold_for_constant(cfg, sub, greedy_misses, events) and youngest >= 0:
        chosen = choose(cfg, sub, warps, greedy_at, youngest, oldest)
    if youngest >= 0:
        for k in range(youngest, oldest + 1):
            if int(sub["verdict"][k]) != SELECTED:
                continue
            w = int(sub["order"][k])
            warp = warps[w]
            at = int(warp["next_row"])
            verdict = SELECTED if k == chosen else passed_over
            if verdict < reason:
                reason = verdict
                slot_row = at
            change_state(warp, w, verdict, at, cycle, pc_states, log, logged)
    if chosen >= 0:
        send(
            cfg, rows, path_row, path_lanes, path_memop, sm, s, sub, subs, warps, streams, ctas,
            int(sub["order"][chosen]), first_warp, l1d, available, readers, cycle, events, pc_issued, log, logged,
        )  # fmt: skip
    sub["slot_reason"] = reason
    sub["slot_row"] = slot_row
    pc_slots[slot_row, reason] += 1
    return ended
