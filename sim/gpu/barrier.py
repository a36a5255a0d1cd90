"""CTA barriers: arrival, release when all have come, and warps that end early (BAR.SYNC, BAR.ARV)."""

from sim.gpu.counters import BARRIER, BARRIERS
from sim.gpu.decode import R_BARRIER
from sim.gpu.log import note
from sim.gpu.state import EV_ARRIVE, EV_RELEASE, NEVER
from sim.jit import njit


@njit
def arrive(cfg, row, subs, warps, ctas, w, r, first_warp, cycle, events, log, logged):  # type: ignore[no-untyped-def]
    """A warp issued BAR: count it in, block it unless it only arrives, and release everybody if it was the last."""
    warp = warps[w]
    cta = ctas[int(warp["cta"])]
    barrier = int(row["barrier"])
    events[BARRIERS] += 1
    cta["arrived"][barrier] = int(cta["arrived"][barrier]) + 1
    cta["expected"][barrier] = int(row["fixed_delay"])
    if int(warp["followed"]) != 0:
        note(log, logged, cycle, w, r, EV_ARRIVE, barrier)
    if int(row["role"]) == R_BARRIER:
        warp["blocked_until"] = NEVER
        warp["blocked_reason"] = BARRIER
        warp["barrier"] = barrier
    release_if_complete(cfg, subs, warps, ctas, int(warp["cta"]), barrier, first_warp, cycle, log, logged)


@njit
def release_if_complete(cfg, subs, warps, ctas, c, barrier, first_warp, cycle, log, logged):  # type: ignore[no-untyped-def]
    """Let the warps of CTA slot `c` go on when every warp that a barrier waits for has arrived or ended."""
    cta = ctas[c]
    arrived = int(cta["arrived"][barrier])
    expected = int(cta["expected"][barrier])
    if expected == 0:
        expected = int(cta["unfinished"])
    if arrived == 0 or arrived < expected:
        return
    cta["arrived"][barrier] = 0
    free = cycle + int(cfg["barrier_latency"])
    for w in range(first_warp, first_warp + int(cfg["warps_per_sm"])):
        warp = warps[w]
        if int(warp["life"]) == 0 or int(warp["cta"]) != c:
            continue
        if int(warp["blocked_until"]) == NEVER and int(warp["barrier"]) == barrier:
            warp["blocked_until"] = free
            warp["barrier"] = -1
            warp["wake"] = 0
            subs[int(warp["sub"])]["sleep_until"] = 0
            if int(warp["followed"]) != 0:
                note(log, logged, free, w, int(warp["state_row"]), EV_RELEASE, barrier)
