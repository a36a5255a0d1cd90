"""A binary heap of events ordered by time and rank: what lets a structure sleep until its next event.

Events of one structure lie in one run of records; the rank makes the order total, so that the order of insertion never
decides anything.
"""

import numpy as np

from sim.jit import njit

EVENT = np.dtype(
    [
        ("time", np.int64),
        ("rank", np.int64),  # order among events of one time
        ("item", np.int64),  # what it is about
        ("kind", np.int8),
        ("sectors", np.int8),
    ],
    align=True,
)


@njit
def push(heap, first, count, time, rank, kind, item, sectors):  # type: ignore[no-untyped-def]
    """Add an event to the `count` events from index `first` on; the caller counts it."""
    i = count
    while i > 0:
        above = (i - 1) >> 1
        parent = heap[first + above]
        if int(parent["time"]) < time or (int(parent["time"]) == time and int(parent["rank"]) < rank):
            break
        heap[first + i] = parent
        i = above
    event = heap[first + i]
    event["time"] = time
    event["rank"] = rank
    event["kind"] = kind
    event["item"] = item
    event["sectors"] = sectors


@njit
def pop(heap, first, count):  # type: ignore[no-untyped-def]
    """Remove the earliest of `count` events, which the caller has read at `heap[first]`; the caller counts it."""
    last = heap[first + count - 1]
    time = int(last["time"])
    rank = int(last["rank"])
    size = count - 1
    i = 0
    while True:
        child = 2 * i + 1
        if child >= size:
            break
        if child + 1 < size:
            left = heap[first + child]
            right = heap[first + child + 1]
            if int(right["time"]) < int(left["time"]) or (
                int(right["time"]) == int(left["time"]) and int(right["rank"]) < int(left["rank"])
            ):
                child += 1
        below = heap[first + child]
        if int(below["time"]) > time or (int(below["time"]) == time and int(below["rank"]) > rank):
            break
        heap[first + i] = below
        i = child
    if size > 0 and i != size:
        heap[first + i] = last
