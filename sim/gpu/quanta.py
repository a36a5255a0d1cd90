"""The one compiled loop that drives SMs and memory side from quantum to quantum, without leaving for idle stretches.

The islands are handed in as functions, so that this loop is compiled without compiling them again.
"""

import warnings

from numba import NumbaExperimentalFeatureWarning, int64, types

from sim.gpu.chip import BORDER, BUSY, MEMORY_NEXT, OVERFLOW, PAUSED, exchange_ctas, next_border
from sim.gpu.island import REFILL_ARGUMENTS, SM_ARGUMENTS, SM_SIGNATURE
from sim.gpu.partition import MEMORY_ARGUMENTS, MEMORY_SIGNATURE
from sim.jit import njit
from sim.trace.window import REFILL_SIGNATURE

# Handing compiled functions to compiled functions is what Numba calls experimental.
warnings.filterwarnings("ignore", category=NumbaExperimentalFeatureWarning, message="First-class function type")


@njit(
    int64(
        types.FunctionType(SM_SIGNATURE), types.FunctionType(MEMORY_SIGNATURE), types.FunctionType(REFILL_SIGNATURE),
        *SM_ARGUMENTS, *REFILL_ARGUMENTS, *MEMORY_ARGUMENTS, int64[::1], int64, int64,
    )
)  # fmt: skip
def run_quanta(  # type: ignore[no-untyped-def]
    run_sms, run_memory, refill,
    cfgs, rows, path_row, path_lanes, path_memop, launches, window, sms, subs, warps, ctas, requests, pendings,
    accesses, held, l0i, l1i, l0c, l1c, l1d, tables, misses, waiters, buckets, outbox, inbox, available, readers,
    pc_states, pc_slots, pc_issued, events, log, logged, follow,
    a_rows, a_entries, a_path_row, a_path_mask, kinds, bases, strides, extras, deltas, streams, memops, lines, memos,
    memo_lines, scratch, windows, shifts,
    drams, parts, slices, pool, free, heap, emitted, l2_lines, written, l2_tables, l2_misses, l2_waiters, l2_buckets,
    channels, banks, queue, hops, memory_events, dram_events,
    translate, units, tlbs, tlb_lines, page_tables, walkers, walks, caches, cache_lines, walk_tables, walk_misses,
    walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, lookups,
    dispatch, limit, many,
):  # fmt: skip
    """Run quanta until cycle `limit`, until the launch is over or stuck, or until it needs data; returns the outcome.

    Stops with BUSY behind a quantum in which `many` warp instructions or more were issued, with PAUSED in the midst of
    the exchange of CTAs: it has to be ended before the next call.
    """
    count = sms.shape[0]
    while True:
        outcome = next_border(cfgs, sms, dispatch, limit)
        if outcome != BUSY:
            return outcome
        stop = int(dispatch[BORDER])
        issued = run_sms(
            refill, cfgs, rows, path_row, path_lanes, path_memop, launches, window, sms, subs, warps, ctas, requests,
            pendings, accesses, held, l0i, l1i, l0c, l1c, l1d, tables, misses, waiters, buckets, outbox, inbox,
            available, readers, pc_states, pc_slots, pc_issued, events, log, logged, follow, a_rows, a_entries,
            a_path_row, a_path_mask, kinds, bases, strides, extras, deltas, streams, memops, lines, memos, memo_lines,
            scratch, windows, shifts, 0, count, stop,
        )  # fmt: skip
        dispatch[MEMORY_NEXT] = run_memory(
            cfgs, sms, outbox, inbox, drams, parts, slices, pool, free, heap, emitted, l2_lines, written, l2_tables,
            l2_misses, l2_waiters, l2_buckets, channels, banks, queue, hops, memory_events, dram_events, translate,
            units, tlbs, tlb_lines, page_tables, walkers, walks, caches, cache_lines, walk_tables, walk_misses,
            walk_waiters, walk_buckets, l1_tables, l1_misses, l1_waiters, l1_buckets, waiting, lookups, stop, 1,
        )  # fmt: skip
        if int(dispatch[MEMORY_NEXT]) < 0:
            return OVERFLOW
        if exchange_ctas(cfgs, sms, ctas, dispatch) == PAUSED:
            return PAUSED
        if issued >= many:
            return BUSY
