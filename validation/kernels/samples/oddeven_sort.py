"""oddeven_sort: `size` keys and their values, sorted in arrays of `length`, upwards or `descending`."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.samples.sorting import CHUNK, RESULTS, ascending, in_order, pairs, sort_chunks


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Distinct keys, any values, and both to write."""
    return pairs(case, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Chunks first; then runs that double. A step looks beyond its chunk, so each has a launch of its own."""
    steps = [sort_chunks("oddeven_chunks", case)]
    run = 2 * CHUNK
    while run <= case["length"]:
        distance = run // 2
        while distance:
            widths = np.uint32(run), np.uint32(distance)
            steps.append(launch("oddeven_merge_step", case["size"] // 512, 256, *RESULTS, *widths, ascending(case)))
            distance //= 2
        run *= 2
    return steps


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Each array by itself."""
    return in_order(case, buffers)
