"""Front end: fetch, instruction buffers, L0 instruction caches with a stream-buffer prefetcher, the shared L1 (§3).

One instruction is fetched per sub-core and cycle: from the warp that issued last while its buffer has room, else from
the youngest warp with a free entry. A warp whose line is missing waits for it; the others go on. Behind a taken branch
the wrong path is fetched until the branch issues, as there is no branch prediction. A request to the L1 is scheduled in
closed form when it is made: an L0 miss knows at once when its line arrives, unless the L1 itself has to ask L2. Then
the arrival is NEVER plus the cycle of the lookup, until `line_arrived` sets it.
"""

from sim.gpu.border import send
from sim.gpu.counters import (
    FETCHES,
    L0I_MISSES,
    L0I_PREFETCHES,
    L0I_STREAM_HITS,
    L1I_ACCESSES,
    L1I_MISSES,
    WRONG_PATH,
)
from sim.gpu.lines import find_line
from sim.gpu.log import note
from sim.gpu.lower import GREEDY_YOUNGEST, OLDEST, ROUND_ROBIN
from sim.gpu.state import EV_FETCH, EV_FETCH_MISS, K_FETCH, MAX_BUFFER, MAX_STREAM, NEVER, RUNNING
from sim.jit import njit, stage

#: Constant banks live beside the code in the L1's address space, far above any program counter.
CONSTANT_SPACE = 1 << 40


@njit
def l1_ready(cfg, sm, s, l1i, base, line, cycle, now, outbox, events):  # type: ignore[no-untyped-def]
    """First cycle >= `cycle` in which the SM's L1 instruction/constant cache has `line` (lookup in `cycle`).

    NEVER + `cycle` if the line has to come from L2, or is already on its way from there. `now` is the present cycle.
    """
    sets = int(cfg["l1i_sets"])
    ways = int(cfg["l1i_ways"])
    events[L1I_ACCESSES] += 1
    first = base + line % sets * ways
    victim = first
    for i in range(first, first + ways):
        if int(l1i[i]["tag"]) == line + 1:
            l1i[i]["used"] = cycle
            if int(l1i[i]["fill"]) >= NEVER:
                return NEVER + cycle
            return max(cycle, int(l1i[i]["fill"]))
        if int(l1i[i]["used"]) < int(l1i[victim]["used"]):
            victim = i
    events[L1I_MISSES] += 1
    entry = l1i[victim]
    entry["tag"] = line + 1
    entry["used"] = cycle
    entry["fill"] = NEVER + cycle
    size = int(cfg["l0_line"])
    lines = max(1, size // int(cfg["line_bytes"]))
    place = int(cfg["code_base"]) + line * size // int(cfg["line_bytes"])
    sectors = (1 << min(size, int(cfg["line_bytes"])) // int(cfg["sector_bytes"])) - 1
    for k in range(lines):
        send(cfg, sm, s, outbox, K_FETCH, place + k, sectors, line, now, cycle - now, cycle, events)
    return NEVER + cycle


@njit
def _from_l1(cfg, sm, found):  # type: ignore[no-untyped-def]
    """When a line that the L1 has in cycle `found` reaches its L0: one reply per cycle leaves the L1 (§3)."""
    width = int(cfg["l0_l1_requests"])
    turn = max((found + int(cfg["l1i_lookup"])) * width, int(sm["reply_free"]))
    sm["reply_free"] = turn + 1
    return turn // width + int(cfg["l0_l1_latency"])


@njit
def _request(cfg, sm, s, l1i, base, line, cycle, outbox, events):  # type: ignore[no-untyped-def]
    """When a line asked for by an L0 in `cycle` arrives: one request and one reply per cycle cross to the L1 (§3)."""
    width = int(cfg["l0_l1_requests"])
    turn = max(cycle * width, int(sm["request_free"]))
    sm["request_free"] = turn + 1
    there = turn // width + int(cfg["l0_l1_latency"])
    found = l1_ready(cfg, sm, s, l1i, base, line, there, cycle, outbox, events)
    return found if found >= NEVER else _from_l1(cfg, sm, found)


@njit
def line_arrived(cfg, sm, subs, g0, l1i, base, line, cycle):  # type: ignore[no-untyped-def]
    """A line of the L1 has come from L2: every L0 that waits for it gets it, in the order of the sub-cores."""
    sets = int(cfg["l1i_sets"])
    ways = int(cfg["l1i_ways"])
    found = find_line(l1i, base, sets, ways, line)
    if found >= 0 and int(l1i[found]["fill"]) >= NEVER:
        l1i[found]["fill"] = cycle
    for g in range(g0, g0 + int(cfg["sub_cores"])):
        sub = subs[g]
        for i in range(int(sub["miss_count"])):
            if int(sub["miss_line"][i]) == line and int(sub["miss_ready"][i]) >= NEVER:
                ready = _from_l1(cfg, sm, max(cycle, int(sub["miss_ready"][i]) - NEVER))
                sub["miss_ready"][i] = ready
                sub["next_fill"] = min(int(sub["next_fill"]), ready)
        for k in range(int(sub["stream_count"])):
            i = (int(sub["stream_head"]) + k) % MAX_STREAM
            if int(sub["stream_line"][i]) == line and int(sub["stream_ready"][i]) >= NEVER:
                ready = _from_l1(cfg, sm, max(cycle, int(sub["stream_ready"][i]) - NEVER))
                sub["stream_ready"][i] = ready
                if k == 0 and int(sub["stream_wanted"]) != 0:
                    sub["next_fill"] = min(int(sub["next_fill"]), ready)


@njit
def _install(sub, l0i, base, sets, ways, line, cycle):  # type: ignore[no-untyped-def]
    first = base + line % sets * ways
    victim = first
    for i in range(first, first + ways):
        if int(l0i[i]["used"]) < int(l0i[victim]["used"]):
            victim = i
    entry = l0i[victim]
    if int(entry["tag"]) == int(sub["last_line"]) + 1:
        sub["last_line"] = -1
    entry["tag"] = line + 1
    entry["used"] = cycle


@njit
def fill(cfg, sub, warps, l0i, base, cycle):  # type: ignore[no-untyped-def]
    """Put lines that have arrived, and that somebody waits for, into the L0; their warps fetch again."""
    sets = int(cfg["l0_sets"])
    ways = int(cfg["l0_ways"])
    i = 0
    while i < int(sub["miss_count"]):
        if int(sub["miss_ready"][i]) <= cycle:
            _install(sub, l0i, base, sets, ways, int(sub["miss_line"][i]), cycle)
            _wake(sub, warps, int(sub["miss_line"][i]))
            last = int(sub["miss_count"]) - 1
            sub["miss_line"][i] = int(sub["miss_line"][last])
            sub["miss_ready"][i] = int(sub["miss_ready"][last])
            sub["miss_count"] = last
        else:
            i += 1
    if int(sub["stream_wanted"]) != 0 and int(sub["stream_ready"][int(sub["stream_head"])]) <= cycle:
        line = int(sub["stream_line"][int(sub["stream_head"])])
        _pop_stream(sub)
        _install(sub, l0i, base, sets, ways, line, cycle)
        _wake(sub, warps, line)
    soonest = NEVER
    for i in range(int(sub["miss_count"])):
        soonest = min(soonest, int(sub["miss_ready"][i]))
    if int(sub["stream_wanted"]) != 0:
        soonest = min(soonest, int(sub["stream_ready"][int(sub["stream_head"])]))
    sub["next_fill"] = soonest
    sub["moved"] = 1


@njit
def _wake(sub, warps, line):  # type: ignore[no-untyped-def]
    sub["fetch_idle"] = 0
    for k in range(int(sub["warps"])):
        warp = warps[int(sub["order"][k])]
        if int(warp["fetch_line"]) == line:
            warp["fetch_line"] = -1


@njit
def _pop_stream(sub):  # type: ignore[no-untyped-def]
    sub["stream_head"] = (int(sub["stream_head"]) + 1) % MAX_STREAM
    sub["stream_count"] = int(sub["stream_count"]) - 1
    sub["stream_wanted"] = 0


@njit
def _miss(cfg, sm, s, sub, warp, l1i, l1i_base, line, cycle, outbox, events):  # type: ignore[no-untyped-def]
    """A demand miss in L0: the head of the stream buffer, a pending miss, or a new request and a new stream (§3).

    True if the line is at hand and fetch can go on in this cycle, False if the warp has to wait.
    """
    head = int(sub["stream_head"])
    streaming = int(sub["stream_count"]) > 0
    if streaming and int(sub["stream_line"][head]) == line:
        events[L0I_STREAM_HITS] += 1
        if int(sub["stream_ready"][head]) <= cycle:
            _pop_stream(sub)
            return True
        sub["stream_wanted"] = 1
        warp["fetch_line"] = line
        sub["next_fill"] = min(int(sub["next_fill"]), int(sub["stream_ready"][head]))
        return False
    warp["fetch_line"] = line
    for i in range(int(sub["miss_count"])):
        if int(sub["miss_line"][i]) == line:
            return False
    if int(sub["miss_count"]) >= int(cfg["l0_misses"]):
        warp["fetch_line"] = -1  # no miss register: try again when one is free
        return False
    events[L0I_MISSES] += 1
    arrival = _request(cfg, sm, s, l1i, l1i_base, line, cycle, outbox, events)
    count = int(sub["miss_count"])
    sub["miss_line"][count] = line
    sub["miss_ready"][count] = arrival
    sub["miss_count"] = count + 1
    sub["next_fill"] = min(int(sub["next_fill"]), arrival)
    next_at_head = streaming and int(sub["stream_line"][head]) == line + 1
    if int(cfg["prefetch_lines"]) > 0 and not next_at_head and int(sub["stream_wanted"]) == 0:
        sub["stream_count"] = 0
        sub["stream_head"] = 0
        sub["stream_next"] = line + 1
    return False


@stage
def prefetch(cfg, sm, s, sub, l0i, base, l1i, l1i_base, cycle, outbox, events):  # type: ignore[no-untyped-def]
    """At most one line of the stream per cycle, while the buffer has room and the port to L1 is free (§3)."""
    line = int(sub["stream_next"])
    if line < 0 or int(sub["stream_count"]) >= int(cfg["prefetch_lines"]):
        return
    sub["moved"] = 1
    if int(sm["request_free"]) >= (cycle + 1) * int(cfg["l0_l1_requests"]):
        return
    pending = line >= int(cfg["code_lines"])
    for i in range(int(sub["miss_count"])):
        pending = pending or int(sub["miss_line"][i]) == line
    if pending or find_line(l0i, base, int(cfg["l0_sets"]), int(cfg["l0_ways"]), line) >= 0:
        sub["stream_next"] = -1
        return
    tail = (int(sub["stream_head"]) + int(sub["stream_count"])) % MAX_STREAM
    sub["stream_line"][tail] = line
    sub["stream_ready"][tail] = _request(cfg, sm, s, l1i, l1i_base, line, cycle, outbox, events)
    sub["stream_count"] = int(sub["stream_count"]) + 1
    sub["stream_next"] = line + 1
    events[L0I_PREFETCHES] += 1


@njit
def _can_fetch(cfg, warp):  # type: ignore[no-untyped-def]
    if int(warp["life"]) != RUNNING or int(warp["fetch_line"]) >= 0:
        return False
    if int(warp["buffer_count"]) + int(warp["wrong_count"]) >= int(cfg["buffer_entries"]):
        return False
    return int(warp["wrong_pc"]) >= 0 or int(warp["fetched"]) < int(warp["end"])


@njit
def _choose(cfg, sub, warps):  # type: ignore[no-untyped-def]
    """The warp that fetches in this cycle, -1 = none can."""
    policy = int(cfg["fetch_policy"])
    greedy = int(sub["fetch_greedy"])
    if policy == GREEDY_YOUNGEST and greedy >= 0 and _can_fetch(cfg, warps[greedy]):
        return greedy
    count = int(sub["warps"])
    start = 0
    if policy == ROUND_ROBIN:
        for k in range(count):
            if int(sub["order"][k]) == greedy:
                start = k + 1
    for k in range(count):
        i = count - 1 - k if policy == OLDEST else (start + k) % count
        w = int(sub["order"][i])
        if _can_fetch(cfg, warps[w]):
            return w
    return -1


@stage
def fetch(  # type: ignore[no-untyped-def]
    cfg, rows, path_row, sm, s, sub, warps, l0i, base, l1i, l1i_base, cycle, outbox, events, log, logged
):
    """Fetch one instruction of one warp; it may issue `decode_latency` cycles later."""
    w = _choose(cfg, sub, warps)
    if w < 0:
        sub["fetch_idle"] = 1
        return
    sub["moved"] = 1
    warp = warps[w]
    wrong = int(warp["wrong_pc"]) >= 0
    row = -1 if wrong else int(path_row[int(warp["fetched"])])
    pc = int(warp["wrong_pc"]) if wrong else int(rows[row]["pc"])
    if int(cfg["perfect_fetch"]) == 0:
        line = pc // int(cfg["l0_line"])
        if wrong and line >= int(cfg["code_lines"]):
            warp["fetch_line"] = NEVER  # the wrong path ran off the code; the branch will redirect it
            return
        if line != int(sub["last_line"]):
            sets = int(cfg["l0_sets"])
            ways = int(cfg["l0_ways"])
            found = find_line(l0i, base, sets, ways, line)
            if found >= 0:
                l0i[found]["used"] = cycle
            elif _miss(cfg, sm, s, sub, warp, l1i, l1i_base, line, cycle, outbox, events):
                _install(sub, l0i, base, sets, ways, line, cycle)
            else:
                if int(warp["followed"]) != 0:
                    note(log, logged, cycle, w, row, EV_FETCH_MISS, line)
                return
            sub["last_line"] = line
    events[FETCHES] += 1
    if int(cfg["fetch_policy"]) == ROUND_ROBIN:
        sub["fetch_greedy"] = w
    if wrong:
        events[WRONG_PATH] += 1
        warp["wrong_pc"] = pc + 16
        warp["wrong_count"] = int(warp["wrong_count"]) + 1
        return
    ready = cycle + int(cfg["decode_latency"])
    tail = (int(warp["buffer_head"]) + int(warp["buffer_count"])) % MAX_BUFFER
    warp["buffer"][tail] = ready
    warp["buffer_count"] = int(warp["buffer_count"]) + 1
    warp["fetched"] = int(warp["fetched"]) + 1
    if int(warp["buffer_count"]) == 1:
        warp["wake"] = min(int(warp["wake"]), ready)
    if int(warp["followed"]) != 0:
        note(log, logged, cycle, w, row, EV_FETCH, pc)
    following = int(warp["fetched"])
    if following < int(warp["end"]) and int(rows[int(path_row[following])]["pc"]) != pc + 16:
        warp["wrong_pc"] = pc + 16


@njit
def redirect(warp, sub, position):  # type: ignore[no-untyped-def]
    """A taken branch issued: drop what was fetched behind it and fetch from its target (§3)."""
    warp["wrong_pc"] = -1
    warp["wrong_count"] = 0
    warp["fetch_line"] = -1
    warp["fetched"] = position
    warp["buffer_count"] = 0
    warp["redirected"] = 1
    sub["fetch_idle"] = 0
