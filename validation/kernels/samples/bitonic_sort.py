"""bitonic_sort: `size` keys and their values, sorted in arrays of `length`, upwards or `descending`."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

#: Elements that a block of 512 threads sorts in shared memory.
CHUNK = 1024


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Distinct keys from the whole range (the network is not stable), any values, and both to write."""
    size = case["size"]
    return {
        "keys": (rng.permutation(size) * (2**32 // size)).astype(np.uint32),
        "values": rng.integers(0, 2**32, size, np.uint32),
        "sorted_keys": poison(size, np.uint32),
        "sorted_values": poison(size, np.uint32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Chunks first; then runs that double, each with the wide steps one by one and the narrow ones together."""
    size, length = case["size"], np.uint32(case["length"])
    ascending = np.int32(not case.get("descending", False))
    sources, results = ("keys", "values"), ("sorted_keys", "sorted_values")
    chunks = ceil_div(size, CHUNK)
    steps = [launch("bitonic_chunks", chunks, 512, *sources, *results, np.int32(size), length, ascending)]
    run = 2 * CHUNK
    while run <= length:
        distance = run // 2
        while distance >= CHUNK:
            widths = length, np.uint32(run), np.uint32(distance)
            steps.append(launch("bitonic_merge_step", size // 512, 256, *results, *widths, ascending))
            distance //= 2
        steps.append(launch("bitonic_merge_chunks", chunks, 512, *results, length, np.uint32(run), ascending))
        run *= 2
    return steps


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Each array by itself."""
    keys, values = (buffers[name].reshape(-1, case["length"]) for name in ("keys", "values"))
    order = np.argsort(keys, axis=1)
    if case.get("descending", False):
        order = order[:, ::-1]
    return {
        "sorted_keys": np.take_along_axis(keys, order, axis=1).reshape(-1),
        "sorted_values": np.take_along_axis(values, order, axis=1).reshape(-1),
    }
