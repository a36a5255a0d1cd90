"""Random streams of lookups and fills at TLBs, through compiled code."""

import numpy as np
from numba import int64

from sim.jit import njit
from sim.memory.cache import CACHE_LINE
from sim.memory.tlb import TLB, page_of, tlb_fill, tlb_first, tlb_lookup
from tests.memory.engines import Array, table_of

LOOKUP, FILL = range(2)
_ROWS = int64[:, ::1]


@njit(int64(_ROWS, _ROWS, table_of(TLB), table_of(CACHE_LINE)))
def run_tlb(operations, results, tlbs, lines):  # type: ignore[no-untyped-def]
    """(fill?, level, client, address, shift) -> hit of a lookup, or the page that a fill drove out."""
    for n in range(operations.shape[0]):
        tlb = tlbs[operations[n, 1]]
        first = tlb_first(tlb, operations[n, 2])
        page = page_of(operations[n, 3], operations[n, 4])
        if operations[n, 0] == LOOKUP:
            results[n, 0] = tlb_lookup(tlb, lines, first, page, n + 1)
        else:
            results[n, 0] = tlb_fill(tlb, lines, first, page, n + 1)
    return operations.shape[0]


def tlb_stream(seed: int, size: int, levels: int, clients: int, shifts: list[int], pages: int) -> Array:
    """Random operations for `run_tlb`."""
    rng = np.random.default_rng(seed)
    operations = np.zeros((size, 5), np.int64)
    operations[:, 0] = rng.integers(0, 2, size)
    operations[:, 1] = rng.integers(0, levels, size)
    operations[:, 2] = rng.integers(0, clients, size)
    operations[:, 4] = rng.choice(shifts, size)
    operations[:, 3] = (rng.integers(0, pages, size) << operations[:, 4]) + rng.integers(0, 1 << 12, size)
    return operations


def tlb_run(operations: Array, tlbs: Array, lines: Array) -> Array:
    """Results of `run_tlb`."""
    results = np.zeros((len(operations), 1), np.int64)
    run_tlb(operations, results, tlbs, lines)
    return results[:, 0]
