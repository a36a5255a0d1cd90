"""The chip's CTA dispatcher and the compiled entry point of the clocked core.

SMs share nothing yet but the queue of CTAs, so each runs alone until one of its CTAs ends; then the SM that is furthest
behind goes on. A freed place is filled in the order of the cycles in which places became free (ties: lower SM first),
`cta_latency` cycles later. The result does not depend on the order in which SMs are simulated.
"""

from typing import Any

import numpy as np
from numba import boolean, from_dtype, int8, int16, int32, int64

from sim.gpu.decode import ROW
from sim.gpu.lower import CONFIG
from sim.gpu.sm import run_sm
from sim.gpu.state import CTA, LINE, LOG, PLAIN_LINE, REQUEST, SM, SUBCORE, WARP
from sim.jit import njit
from sim.trace.expand import LINE as TRACE_LINE
from sim.trace.expand import MEMOP

#: Outcomes of `run_chip`.
DONE, STOPPED, DEADLOCKED = range(3)
#: Answers of `furthest_behind` that are no SM.
IDLE, WAITING = -1, -2


def _table(dtype: np.dtype[np.void]) -> Any:
    return from_dtype(dtype)[::1]


_INTS = int64[::1]


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


@njit
def furthest_behind(sms, clock, owed, stop):  # type: ignore[no-untyped-def]
    """The busy SM with the earliest clock before `stop` (ties: the lowest), IDLE if none is busy, WAITING at `stop`."""
    found = IDLE
    for s in range(sms.shape[0]):
        if int(sms[s]["ctas"]) == 0 and int(owed[s]) == 0:
            continue
        if int(clock[s]) >= stop:
            found = WAITING if found < 0 else found
        elif found < 0 or int(clock[s]) < int(clock[found]):
            found = s
    return found


@njit(
    int64(
        _table(CONFIG), _table(ROW), int32[::1], int64[::1], int8[::1], int8[::1], int32[::1], int64[::1],
        _table(MEMOP), _table(TRACE_LINE), _table(SM), _table(SUBCORE), _table(WARP), _table(CTA), _table(REQUEST),
        _table(PLAIN_LINE), _table(PLAIN_LINE), _table(PLAIN_LINE), _table(PLAIN_LINE), _table(LINE), _INTS,
        int64[:, ::1], int16[:, ::1], int64[:, ::1], int64[:, ::1], int64[:, ::1], _INTS, _table(LOG), _INTS, _INTS,
        _INTS, _INTS, _INTS, int64, boolean,
    )
)  # fmt: skip
def run_chip(  # type: ignore[no-untyped-def]
    cfgs, rows, path_row, path_offset, path_lanes, path_memop, warp_path, warp_memop, memops, lines, sms, subs, warps,
    ctas, requests, l0i, l1i, l0c, l1c, l1d, fills, available, readers, pc_states, pc_slots, pc_issued, events, log,
    logged, follow, clock, owed, dispatch, stop, first,
):  # fmt: skip
    """Run the kernel until it is DONE, until every SM has reached cycle `stop`, or until it is DEADLOCKED.

    `clock` [SMs] is each SM's next cycle, `owed` [SMs] the places it has freed and not yet had filled, `dispatch` =
    (next CTA, CTAs of the launch, CTAs per SM, cycle after the last CTA ended, SM of a deadlock). `first` = this is
    the first call: fill the SMs.
    """
    cfg = cfgs[0]
    count = sms.shape[0]
    if first:
        for wave in range(int(dispatch[2])):
            for s in range(count):
                if int(dispatch[0]) < int(dispatch[1]):
                    assign(cfg, sms[s], s, ctas, int(dispatch[0]), wave)
                    dispatch[0] += 1
    while True:
        s = furthest_behind(sms, clock, owed, stop)
        if s < 0:
            return DONE if s == IDLE else STOPPED
        if int(owed[s]) > 0:
            if int(dispatch[0]) < int(dispatch[1]):
                assign(cfg, sms[s], s, ctas, int(dispatch[0]), int(clock[s]) - 1 + int(cfg["cta_latency"]))
                dispatch[0] += 1
                owed[s] -= 1
            else:
                owed[s] = 0
            continue
        end = run_sm(
            cfgs, rows, path_row, path_offset, path_lanes, path_memop, warp_path, warp_memop, memops, lines, sms, s,
            subs, warps, ctas, requests, l0i, l1i, l0c, l1c, l1d, fills, available, readers, pc_states, pc_slots,
            pc_issued, events, log, logged, follow, int(clock[s]), stop, int(dispatch[0]) < int(dispatch[1]),
        )  # fmt: skip
        if end < 0:
            clock[s] = -end
            dispatch[4] = s
            return DEADLOCKED
        clock[s] = end
        if int(sms[s]["completed"]) > 0:
            if int(dispatch[0]) < int(dispatch[1]):  # else nobody is owed anything, and the SM may rest
                owed[s] += int(sms[s]["completed"])
            sms[s]["completed"] = 0
        if int(sms[s]["ctas"]) == 0:
            dispatch[3] = max(int(dispatch[3]), end)
