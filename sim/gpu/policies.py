"""Which of the eligible warps issues: CGGTY, GTO, LRR, two-level (§4); one function each, one line in `choose`."""

from sim.gpu.counters import BARRIER, CONSTANT_HOLDS, DRAIN, LONG_SCOREBOARD, MEMBAR, SELECTED
from sim.gpu.lower import GTO, LRR, TWO_LEVEL
from sim.jit import njit, stage


@stage
def choose(cfg, sub, warps, greedy_at, youngest, oldest):  # type: ignore[no-untyped-def]
    """Position in `sub.order` of the warp that issues, -1 = none: CGGTY, GTO, LRR or two-level (§4).

    `greedy_at` is the position of the warp that issued last (-1 = gone), `youngest` and `oldest` are eligible ones.
    """
    policy = int(cfg["issue_policy"])
    if policy == LRR:
        return _loose_round_robin(sub, int(sub["warps"]))
    if policy == TWO_LEVEL:
        return _two_level(cfg, sub, warps, int(sub["warps"]))
    if greedy_at >= 0 and int(sub["verdict"][greedy_at]) == SELECTED:
        return greedy_at
    return oldest if policy == GTO else youngest


@njit
def _loose_round_robin(sub, count):  # type: ignore[no-untyped-def]
    """The eligible warp whose slot follows most closely that of the last one."""
    best = -1
    distance = 1 << 30
    for k in range(count):
        if int(sub["verdict"][k]) != SELECTED:
            continue
        away = (int(sub["order"][k]) - int(sub["greedy"]) - 1) % 4096
        if away < distance:
            distance = away
            best = k
    return best


@njit
def _two_level(cfg, sub, warps, count):  # type: ignore[no-untyped-def]
    """Greedy within an active set; a warp that waits long leaves it, the oldest ready one outside takes its place."""
    active = 0
    for k in range(count):
        warp = warps[int(sub["order"][k])]
        verdict = int(sub["verdict"][k])
        if verdict == LONG_SCOREBOARD or verdict == BARRIER or verdict == MEMBAR or verdict == DRAIN:
            warp["active"] = 0
        active += int(warp["active"])
    for k in range(count - 1, -1, -1):
        warp = warps[int(sub["order"][k])]
        if active < int(cfg["two_level_active"]) and int(warp["active"]) == 0 and int(sub["verdict"][k]) == SELECTED:
            warp["active"] = 1
            active += 1
    best = -1
    for k in range(count - 1, -1, -1):
        w = int(sub["order"][k])
        if int(sub["verdict"][k]) == SELECTED and int(warps[w]["active"]) != 0:
            if w == int(sub["greedy"]):
                return k
            if best < 0:
                best = k
    return best


@njit
def hold_for_constant(cfg, sub, greedy_misses, events):  # type: ignore[no-untyped-def]
    """True if the greedy warp only lacks a constant and the port is kept for it: up to four evaluations (§4.7)."""
    if not greedy_misses:
        sub["hold"] = int(cfg["constant_hold"])
        return False
    left = int(sub["hold"]) - 1
    if left <= 0:
        return False
    sub["hold"] = left
    sub["moved"] = 1
    events[CONSTANT_HOLDS] += 1
    return True
