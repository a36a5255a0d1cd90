"""The compiled entry point of the SM island: a run of SMs through one quantum."""

from numba import int8, int16, int32, int64, types

from sim.gpu.decode import ROW
from sim.gpu.lower import CONFIG
from sim.gpu.sm import run_sm
from sim.gpu.state import CTA, LOG, MESSAGE, PENDING, PLAIN_LINE, REPLY, REQUEST, SM, SUBCORE, WARP
from sim.jit import njit, table
from sim.memory.cache import CACHE_LINE
from sim.memory.misses import MISS, MISSES, WAITER
from sim.trace.live import START
from sim.trace.window import LINE, REFILL_SIGNATURE

_INTS = int64[::1]
#: What an SM and its windows are made of, in the order of `run_sms`' arguments behind the refill function.
SM_ARGUMENTS = (
    table(CONFIG), table(ROW), int32[::1], int8[::1], int8[::1], table(START), _INTS, table(SM), table(SUBCORE),
    table(WARP), table(CTA), table(REQUEST), table(PENDING), int32[::1], table(LINE), table(PLAIN_LINE),
    table(PLAIN_LINE), table(PLAIN_LINE), table(PLAIN_LINE), table(CACHE_LINE), table(MISSES), table(MISS),
    table(WAITER), int32[::1], table(MESSAGE), table(REPLY), int64[:, ::1], int16[:, ::1], int64[:, ::1],
    int64[:, ::1], int64[:, ::1], _INTS, table(LOG), _INTS, _INTS,
)  # fmt: skip
#: What `refill` takes beside the range of warp slots.
REFILL_ARGUMENTS = REFILL_SIGNATURE.args[:10] + REFILL_SIGNATURE.args[12:]
SM_SIGNATURE = int64(types.FunctionType(REFILL_SIGNATURE), *SM_ARGUMENTS, *REFILL_ARGUMENTS, int64, int64, int64)


@njit(SM_SIGNATURE)
def run_sms(  # type: ignore[no-untyped-def]
    refill, cfgs, rows, path_row, path_lanes, path_memop, launches, window, sms, subs, warps, ctas, requests, pendings,
    accesses, held, l0i, l1i, l0c, l1c, l1d, tables, misses, waiters, buckets, outbox, inbox, available, readers,
    pc_states, pc_slots, pc_issued, events, log, logged, follow, a_rows, a_entries, a_path_row, a_path_mask, kinds,
    bases, strides, extras, deltas, streams, memops, lines, memos, memo_lines, scratch, windows, shifts, first, last,
    stop,
):  # fmt: skip
    """Run SMs `first` to `last` - 1 until cycle `stop`; `refill` makes addresses ready where a warp runs out of them.

    Returns how many warp instructions they issued.
    """
    cfg = cfgs[0]
    slots = int(cfg["warps_per_sm"])
    issued = 0
    for s in range(first, last):
        sm = sms[s]
        if max(int(sm["clock"]), int(sm["idle_until"])) >= stop:
            continue
        issued -= int(sm["issued"])
        while True:
            if int(sm["hungry"]) != 0:
                refill(
                    a_rows, a_entries, a_path_row, a_path_mask, kinds, bases, strides, extras, deltas, streams,
                    s * slots, (s + 1) * slots, memops, lines, memos, memo_lines, scratch, windows, shifts,
                )  # fmt: skip
                sm["hungry"] = 0
            run_sm(
                cfg, rows, path_row, path_lanes, path_memop, launches, window, sm, s, subs, warps, streams, memops,
                lines, ctas, requests, pendings, accesses, held, l0i, l1i, l0c, l1c, l1d, tables, misses, waiters,
                buckets, outbox, inbox, available, readers, pc_states, pc_slots, pc_issued, events, log, logged,
                follow, stop,
            )  # fmt: skip
            if int(sm["hungry"]) == 0:
                break
        issued += int(sm["issued"])
    return issued
