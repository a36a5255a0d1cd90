"""The chip as a whole: quanta, the CTA dispatcher, and the one compiled loop that drives SMs and memory side.

Whatever crosses an SM's border takes at least a quantum, so within one each SM runs alone, and so does the memory side;
then messages are exchanged (architecture, rule 6). A quantum begins at the next cycle in which anything can happen at
all. A place that a CTA frees is filled `cta_latency` later, in the order of the cycles in which places became free
(ties: (SM + cycle) mod SMs). The result does not depend on the length of the quantum, on the order in which SMs are
simulated, or on the number of threads.
"""

from numba import int64

from sim.gpu.lower import CONFIG
from sim.gpu.state import CTA, NEVER, SM
from sim.jit import njit, table

#: Outcomes of `run_quanta`.
DONE, STOPPED, DEADLOCKED, NEED_DATA, BUSY, OVERFLOW, PAUSED = range(7)

# Places of the dispatcher's array. CTAS = how many to hand out; ENDED = how many have ended; the dispatcher pauses
# behind end number PAUSE_AT, so that whoever watches the launch (sampling) can decide before the next one.
NEXT_CTA, CTAS, CTAS_PER_SM, LOADED, MEMORY_NEXT, LAST_END, BORDER, ENDED, PAUSE_AT = range(9)


@njit
def assign(cfg, sm, s, ctas, number, start):  # type: ignore[no-untyped-def]
    """Send CTA `number` to SM `s`, where it starts in cycle `start`."""
    slots = int(cfg["warps_per_sm"])
    for c in range(s * slots, (s + 1) * slots):
        if int(ctas[c]["live"]) == 0:
            cta = ctas[c]
            cta["live"] = 1
            cta["launched"] = 0
            cta["number"] = number
            cta["start"] = start
            break
    sm["ctas"] = int(sm["ctas"]) + 1
    sm["next_launch"] = min(int(sm["next_launch"]), start)
    sm["idle_until"] = min(int(sm["idle_until"]), start)


@njit
def fill_chip(cfg, sms, ctas, dispatch):  # type: ignore[no-untyped-def]
    """The first CTAs of a launch: one to each SM in turn, a cycle from wave to wave, until all places are taken."""
    for wave in range(int(dispatch[CTAS_PER_SM])):
        for s in range(sms.shape[0]):
            if int(dispatch[NEXT_CTA]) < int(dispatch[CTAS]):
                assign(cfg, sms[s], s, ctas, int(dispatch[NEXT_CTA]), wave)
                dispatch[NEXT_CTA] += 1


@njit
def refill_chip(cfg, sms, ctas, dispatch):  # type: ignore[no-untyped-def]
    """Fill the places that became free in the quantum, in the order of time; PAUSED where some may be left, or BUSY."""
    count = sms.shape[0]
    while True:
        found = -1
        best = NEVER
        rank = 0
        for s in range(count):
            sm = sms[s]
            if int(sm["taken"]) < int(sm["completed"]):
                free = int(sm["completed_at"][int(sm["taken"])])
                if free < best or (free == best and (s + free) % count < rank):
                    found = s
                    best = free
                    rank = (s + free) % count
        if found < 0:
            break
        sms[found]["taken"] = int(sms[found]["taken"]) + 1
        dispatch[LAST_END] = max(int(dispatch[LAST_END]), best)
        if int(dispatch[NEXT_CTA]) < int(dispatch[CTAS]):
            assign(cfg, sms[found], found, ctas, int(dispatch[NEXT_CTA]), best - 1 + int(cfg["cta_latency"]))
            dispatch[NEXT_CTA] += 1
        dispatch[ENDED] += 1
        if int(dispatch[ENDED]) == int(dispatch[PAUSE_AT]):
            return PAUSED
    for s in range(count):
        sms[s]["completed"] = 0
        sms[s]["taken"] = 0
    return BUSY


@njit(int64(table(CONFIG), table(SM), int64[::1], int64))
def next_border(cfgs, sms, dispatch, limit):  # type: ignore[no-untyped-def]
    """Set `dispatch[BORDER]` to the end of the next quantum; returns an outcome, BUSY if there is something to do."""
    soonest = int(dispatch[MEMORY_NEXT])
    resident = 0
    for s in range(sms.shape[0]):
        resident += int(sms[s]["ctas"])
        soonest = min(soonest, max(int(sms[s]["clock"]), int(sms[s]["idle_until"])))
    missing = min(int(dispatch[CTAS]) - int(dispatch[NEXT_CTA]), sms.shape[0] * int(dispatch[CTAS_PER_SM]))
    if int(dispatch[LOADED]) - int(dispatch[NEXT_CTA]) < missing:
        return NEED_DATA
    if resident == 0 and int(dispatch[NEXT_CTA]) >= int(dispatch[CTAS]):
        return DONE
    if soonest >= NEVER:
        return DEADLOCKED
    if soonest >= limit:
        return STOPPED
    dispatch[BORDER] = min(soonest + int(cfgs[0]["quantum"]), limit)
    return BUSY


@njit(int64(table(CONFIG), table(SM), table(CTA), int64[::1]))
def exchange_ctas(cfgs, sms, ctas, dispatch):  # type: ignore[no-untyped-def]
    """The dispatcher's part at the border of a quantum; the first time it fills the chip.

    Returns BUSY, or PAUSED: then it has to be called again before the next quantum.
    """
    if int(dispatch[NEXT_CTA]) == 0:
        fill_chip(cfgs[0], sms, ctas, dispatch)
        return BUSY
    return refill_chip(cfgs[0], sms, ctas, dispatch)
