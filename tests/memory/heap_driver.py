"""Random streams of pushes and pops on heaps of events, through compiled code."""

import numpy as np
from numba import int64

from sim.jit import njit
from sim.memory.heap import EVENT, pop, push
from tests.memory.engines import Array, digest_of, table_of

PUSH, POP = range(2)
_ROWS = int64[:, ::1]


@njit(int64(_ROWS, _ROWS, table_of(EVENT), int64[::1], int64))
def run_heap(operations, log, heap, counts, room):  # type: ignore[no-untyped-def]
    """(operation, heap, time, rank, kind): heaps of `room` events in one array; the log gets what is popped."""
    popped = 0
    for n in range(operations.shape[0]):
        h = operations[n, 1]
        first = h * room
        if operations[n, 0] == PUSH:
            push(heap, first, counts[h], operations[n, 2], operations[n, 3], operations[n, 4], n, n & 15)
            counts[h] += 1
        elif counts[h] > 0:
            event = heap[first]
            log[popped, 0] = h
            log[popped, 1] = int(event["time"])
            log[popped, 2] = int(event["rank"])
            log[popped, 3] = int(event["kind"])
            log[popped, 4] = int(event["item"])
            log[popped, 5] = int(event["sectors"])
            pop(heap, first, counts[h])
            counts[h] -= 1
            popped += 1
    return popped


def heap_stream(seed: int, size: int, heaps: int, times: int, ranks: int) -> Array:
    """Random operations for `run_heap`; few `times` and `ranks` make many ties."""
    rng = np.random.default_rng(seed)
    operations = np.zeros((size, 5), np.int64)
    operations[:, 0] = rng.random(size) < 0.45
    operations[:, 1] = rng.integers(0, heaps, size)
    operations[:, 2] = rng.integers(0, times, size)
    operations[:, 3] = rng.integers(0, ranks, size)
    operations[:, 4] = rng.integers(0, 100, size)
    return operations


def heap_run(operations: Array, heaps: int) -> Array:
    """What `run_heap` pops, in order."""
    log = np.zeros((len(operations), 6), np.int64)
    heap = np.zeros(heaps * len(operations), EVENT)
    return log[: run_heap(operations, log, heap, np.zeros(heaps, np.int64), len(operations))]


def digest() -> str:
    """A digest of a short run."""
    return digest_of(heap_run(heap_stream(3, 400, 2, 9, 3), 2))


if __name__ == "__main__":
    print(digest())
