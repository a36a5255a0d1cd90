"""Control, Allocate and the execution units of a sub-core (§2, §6).

An instruction that issued in cycle t is in Control in t+1 (where dependence counters rise and CLOCK is read) and, if
its latency is fixed, in Allocate in t+2; its registers are read in the three cycles after it leaves Allocate. Each
latch holds one instruction: what cannot move on holds what comes behind it, and each held cycle keeps the input latch
of its unit taken for one cycle more (§4). Instructions of variable latency leave Control into a queue.
"""

from sim.gpu.counters import RF_CONFLICTS
from sim.gpu.decode import FIRST_QUEUED, R_CLOCK, U_FP64_SHARED, U_MEMORY, U_TEXTURE
from sim.gpu.log import note
from sim.gpu.regfile import count_reads, read_cycles, reserve_leftover, reserve_window, schedule_result, touch_cache
from sim.gpu.state import (
    EV_ALLOCATE,
    EV_CLOCK,
    EV_CONTROL,
    EV_EXECUTE,
    EV_HELD,
    EV_RESULT,
    MAX_QUEUE,
    NEVER,
    READING,
)
from sim.jit import njit, stage


@stage
def allocate(cfg, rows, sm, sub, g, warps, requests, base, cycle, events, log, logged):  # type: ignore[no-untyped-def]
    """Reserve the read ports of the instruction in Allocate, or hold it (§5)."""
    latch = sub["control_latch"]
    if int(latch["full"]) == 0:
        return
    sub["moved"] = 1
    w = int(latch["warp"])
    r = int(latch["row"])
    row = rows[r]
    window = int(row["window"])
    if int(row["slots"]) > 0:
        count_reads(cfg, row, sub, w, True)
        window = read_cycles(cfg, sub, window)
    followed = int(warps[w]["followed"]) != 0
    if int(row["slots"]) > 0:
        if not reserve_window(cfg, sub, cycle, window, events):
            events[RF_CONFLICTS] += 1
            unit = int(latch["unit"])
            sub["unit_free"][unit] = int(sub["unit_free"][unit]) + 1
            if followed:
                note(log, logged, cycle, w, r, EV_HELD, 0)
            return
        touch_cache(cfg, row, sub, w, events)
    done = cycle + window + int(row["latency"]) + 1
    if int(row["target"]) >= 0:
        schedule_result(cfg, row, sub, done, events)
    if int(row["tracked"]) != 0:
        track(sm, requests, base, g, w, r, row, cycle, 1 if int(cfg["scoreboard"]) != 0 else window, True)
    if followed:
        note(log, logged, cycle, w, r, EV_ALLOCATE, 0)
        note(log, logged, cycle + window, w, r, EV_EXECUTE, 0)
        if int(row["target"]) >= 0:
            note(log, logged, done, w, r, EV_RESULT, int(row["target"]))
    latch["full"] = 0


@stage
def control(cfg, rows, sub, warps, cycle, log, logged):  # type: ignore[no-untyped-def]
    """Move the instruction behind Issue on to Allocate or to its unit's queue; its counters rise (§1.5, §2)."""
    latch = sub["issue_latch"]
    if int(latch["full"]) == 0:
        return
    sub["moved"] = 1
    w = int(latch["warp"])
    r = int(latch["row"])
    row = rows[r]
    unit = int(latch["unit"])
    if int(latch["raised"]) == 0:
        latch["raised"] = 1
        sub["raise_write"] = int(row["raise_write"])
        sub["raise_read"] = int(row["raise_read"])
        sub["raise_warp"] = w
        sub["raise_row"] = r
        sub["raise_kind"] = int(row["producer"])
    if unit < FIRST_QUEUED:
        if int(sub["control_latch"]["full"]) != 0:
            sub["unit_free"][unit] = int(sub["unit_free"][unit]) + 1
            return
        onward = sub["control_latch"]
        onward["full"] = 1
        onward["warp"] = w
        onward["row"] = r
        onward["unit"] = unit
        if int(row["role"]) == R_CLOCK and int(warps[w]["followed"]) != 0:
            note(log, logged, cycle, w, r, EV_CLOCK, cycle)
    elif unit == U_MEMORY:
        tail = (int(sub["queue_head"]) + int(sub["queue_count"])) % MAX_QUEUE
        sub["queue_warp"][tail] = w
        sub["queue_row"][tail] = r
        sub["queue_memop"][tail] = int(latch["memop"])
        sub["queue_ready"][tail] = NEVER
        sub["queue_count"] = int(sub["queue_count"]) + 1
    else:
        count = int(sub["unit_count"][unit])
        if count >= int(cfg["queue_entries"][unit]):
            return
        sub["unit_warp"][unit][count] = w
        sub["unit_row"][unit][count] = r
        sub["unit_entered"][unit][count] = cycle
        sub["unit_count"][unit] = count + 1
        sub["queued"] = int(sub["queued"]) + 1
    latch["full"] = 0
    if int(warps[w]["followed"]) != 0:
        note(log, logged, cycle, w, r, EV_CONTROL, 0)


@stage
def start_queued(cfg, rows, sm, subs, g, warps, requests, base, cycle, events, log, logged):  # type: ignore[no-untyped-def]
    """Start the head of each queued unit (SFU, shared FP64, misc, texture) when the unit and the ports are free."""
    sub = subs[g]
    for unit in range(FIRST_QUEUED, U_TEXTURE + 1):
        if int(sub["unit_count"][unit]) == 0:
            continue
        if queued_start(sm, sub, unit) > cycle:
            continue
        if unit == U_FP64_SHARED and shared_turn(cfg, sm, subs, g, cycle) != g:
            continue
        sub["moved"] = 1
        w = int(sub["unit_warp"][unit][0])
        r = int(sub["unit_row"][unit][0])
        row = rows[r]
        count_reads(cfg, row, sub, w, False)
        delay = reserve_leftover(cfg, sub, cycle, events)
        if delay < 0:
            continue
        for i in range(1, int(sub["unit_count"][unit])):
            sub["unit_warp"][unit][i - 1] = int(sub["unit_warp"][unit][i])
            sub["unit_row"][unit][i - 1] = int(sub["unit_row"][unit][i])
            sub["unit_entered"][unit][i - 1] = int(sub["unit_entered"][unit][i])
        sub["unit_count"][unit] = int(sub["unit_count"][unit]) - 1
        sub["queued"] = int(sub["queued"]) - 1
        free = cycle + delay + int(row["initiation"])
        sub["unit_free"][unit] = free
        if unit == U_FP64_SHARED:
            sm["fp64_free"] = free
            sm["fp64_turn"] = (g + 1) % int(cfg["sub_cores"])
        if int(warps[w]["followed"]) != 0:
            note(log, logged, cycle + delay, w, r, EV_EXECUTE, 0)
        track(sm, requests, base, g, w, r, row, cycle + delay, int(row["window"]), False)


@njit
def track(sm, requests, base, g, w, r, row, started, reading, written):  # type: ignore[no-untyped-def]
    """Follow an instruction that started in cycle `started` until its sources are read and its result is there.

    `reading` = cycles until a writer of its sources may issue. Under the scoreboard that is one for a fixed latency:
    its port reads are reserved, nothing that issues later can overtake them.
    `written` = its register writes are booked already (fixed latency; Volta's HMMA carries read counters).
    """
    entry = requests[base + int(sm["requests"])]
    entry["phase"] = READING
    entry["sub"] = g
    entry["warp"] = w
    entry["row"] = r
    entry["ready"] = started + reading
    entry["started"] = started
    entry["sequence"] = int(sm["sequence"])
    entry["tail"] = 0
    entry["written"] = int(row["target_width"]) if written else 0
    sm["sequence"] = int(sm["sequence"]) + 1
    sm["requests"] = int(sm["requests"]) + 1
    sm["next_request"] = min(int(sm["next_request"]), int(entry["ready"]))


@njit
def shared_turn(cfg, sm, subs, g, cycle):  # type: ignore[no-untyped-def]
    """The sub-core of `g`'s SM that the shared FP64 unit serves next: round robin over those that wait for it."""
    count = int(cfg["sub_cores"])
    first = g // count * count
    for k in range(count):
        other = first + (int(sm["fp64_turn"]) + k) % count
        if int(subs[other]["unit_count"][U_FP64_SHARED]) > 0:
            if int(subs[other]["unit_entered"][U_FP64_SHARED][0]) < cycle:
                return other
    return g


@njit
def queued_start(sm, sub, unit):  # type: ignore[no-untyped-def]
    """First cycle in which the head of a unit's queue could start."""
    start = max(int(sub["unit_entered"][unit][0]) + 1, int(sub["unit_free"][unit]))
    if unit == U_FP64_SHARED:
        start = max(start, int(sm["fp64_free"]))
    return start
