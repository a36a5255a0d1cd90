"""Front end: fetch, instruction buffers, L0 instruction caches with a stream-buffer prefetcher, the shared L1 (§3).

One instruction is fetched per sub-core and cycle: from the warp that issued last while its buffer has room, else from
the youngest warp with a free entry. A warp whose line is missing waits for it; the others go on. Behind a taken branch
the wrong path is fetched until the branch issues, as there is no branch prediction. Requests are scheduled in closed
form when they are made: an L0 miss knows at once when its line arrives.
"""

from sim.gpu.counters import (
    BEHIND_READ,
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
from sim.gpu.state import EV_FETCH, EV_FETCH_MISS, MAX_BUFFER, MAX_STREAM, NEVER, RUNNING
from sim.jit import njit


@njit
def behind_read(cfg, sm, request, size, latency, events):  # type: ignore[no-untyped-def]
    """When `size` bytes asked for in cycle `request` come back from the stand-in behind L1 (latency and bandwidth)."""
    width = int(cfg["behind_bytes"])
    end = max(request * width, int(sm["behind_free"])) + size
    sm["behind_free"] = end
    events[BEHIND_READ] += size
    return (end + width - 1) // width - 1 + latency


@njit
def l1_ready(cfg, sm, l1i, base, line, cycle, events):  # type: ignore[no-untyped-def]
    """First cycle >= `cycle` in which the SM's L1 instruction/constant cache has `line` (lookup in `cycle`)."""
    sets = int(cfg["l1i_sets"])
    ways = int(cfg["l1i_ways"])
    events[L1I_ACCESSES] += 1
    first = base + line % sets * ways
    victim = first
    for i in range(first, first + ways):
        if int(l1i[i]["tag"]) == line + 1:
            l1i[i]["used"] = cycle
            return max(cycle, int(l1i[i]["fill"]))
        if int(l1i[i]["used"]) < int(l1i[victim]["used"]):
            victim = i
    events[L1I_MISSES] += 1
    entry = l1i[victim]
    entry["tag"] = line + 1
    entry["used"] = cycle
    entry["fill"] = behind_read(cfg, sm, cycle, int(cfg["l0_line"]), int(cfg["instruction_behind"]), events)
    return int(entry["fill"])


@njit
def _request(cfg, sm, l1i, base, line, cycle, events):  # type: ignore[no-untyped-def]
    """When a line asked for by an L0 in `cycle` arrives: one request and one reply per cycle cross to the L1 (§3)."""
    width = int(cfg["l0_l1_requests"])
    turn = max(cycle * width, int(sm["request_free"]))
    sm["request_free"] = turn + 1
    sent = turn // width
    way = int(cfg["l0_l1_latency"])
    found = l1_ready(cfg, sm, l1i, base, line, sent + way, events) + int(cfg["l1i_lookup"])
    turn = max(found * width, int(sm["reply_free"]))
    sm["reply_free"] = turn + 1
    return turn // width + way


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
def _miss(cfg, sm, sub, warp, l1i, l1i_base, line, cycle, events):  # type: ignore[no-untyped-def]
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
    arrival = _request(cfg, sm, l1i, l1i_base, line, cycle, events)
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


@njit
def prefetch(cfg, sm, sub, l0i, base, l1i, l1i_base, cycle, events):  # type: ignore[no-untyped-def]
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
    sub["stream_ready"][tail] = _request(cfg, sm, l1i, l1i_base, line, cycle, events)
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


@njit
def fetch(cfg, rows, path_row, sm, sub, warps, l0i, base, l1i, l1i_base, cycle, events, log, logged):  # type: ignore[no-untyped-def]
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
            elif _miss(cfg, sm, sub, warp, l1i, l1i_base, line, cycle, events):
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
