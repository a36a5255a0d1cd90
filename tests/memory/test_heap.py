"""The heap of events against Python's."""

import heapq

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.memory.engines import Array, interpreted
from tests.memory.heap_driver import POP, PUSH, digest, heap_run, heap_stream

ALWAYS_THE_SAME = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def expected(operations: Array, heaps: int) -> list[list[int]]:
    """What comes out, when each heap is Python's."""
    model: list[list[tuple[int, int, int, int]]] = [[] for _ in range(heaps)]
    popped = []
    for n, (operation, h, time, rank, kind) in enumerate(operations.tolist()):
        if operation == PUSH:
            heapq.heappush(model[h], (time, rank, n, kind))
        elif model[h]:
            time, rank, item, kind = heapq.heappop(model[h])
            popped.append([h, time, rank, kind, item, item & 15])
    return popped


@ALWAYS_THE_SAME
@given(
    seed=st.integers(0, 2**32),
    size=st.integers(1, 800),
    heaps=st.integers(1, 3),
    times=st.sampled_from([1, 5, 10**15]),
)
def test_events_come_out_by_time_and_then_by_rank(seed: int, size: int, heaps: int, times: int) -> None:
    operations = heap_stream(seed, size, heaps, times, 1)
    operations[:, 3] = np.random.default_rng(seed).permutation(size)  # each rank once: the order is total
    assert heap_run(operations, heaps).tolist() == expected(operations, heaps)


@ALWAYS_THE_SAME
@given(seed=st.integers(0, 2**32), size=st.integers(1, 300))
def test_of_equal_events_each_comes_out_once_in_any_order(seed: int, size: int) -> None:
    operations = heap_stream(seed, size, 1, 3, 2)
    empty = np.full((size, 5), 0, np.int64)
    empty[:, 0] = POP
    operations = np.concatenate([operations, empty])
    popped, model = heap_run(operations, 1), expected(operations, 1)
    assert [row[1:3] for row in popped.tolist()] == [row[1:3] for row in model]
    assert sorted(row[4] for row in popped.tolist()) == sorted(row[4] for row in model)
    assert all(operations[item, 4] == kind for _, _, _, kind, item, _ in popped.tolist())


def test_negative_times_and_the_largest_ones_are_in_order_too() -> None:
    times = [2**62, -5, 0, -(2**62), 7]
    operations = [(PUSH, 0, time, n, 0) for n, time in enumerate(times)] + [(POP, 0, 0, 0, 0)] * 6
    assert heap_run(np.array(operations, np.int64), 1)[:, 1].tolist() == sorted(times)


def test_compiled_and_interpreted_code_agree() -> None:
    assert digest() == interpreted("tests.memory.heap_driver")
