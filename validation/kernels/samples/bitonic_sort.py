"""bitonic_sort: `size` keys and their values, sorted in arrays of `length`, upwards or `descending`."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch
from validation.kernels.samples.sorting import CHUNK, RESULTS, ascending, in_order, pairs, sort_chunks


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Distinct keys, any values, and both to write."""
    return pairs(case, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Chunks first; then runs that double, each with the wide steps one by one and the narrow ones together."""
    size, length, upwards = case["size"], np.uint32(case["length"]), ascending(case)
    steps = [sort_chunks("bitonic_chunks", case)]
    run = 2 * CHUNK
    while run <= length:
        distance = run // 2
        while distance >= CHUNK:
            widths = length, np.uint32(run), np.uint32(distance)
            steps.append(launch("bitonic_merge_step", size // 512, 256, *RESULTS, *widths, upwards))
            distance //= 2
        chunks = ceil_div(size, CHUNK)
        steps.append(launch("bitonic_merge_chunks", chunks, 512, *RESULTS, length, np.uint32(run), upwards))
        run *= 2
    return steps


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Each array by itself."""
    return in_order(case, buffers)
