"""Keys and values to sort, array by array, as the two sorting networks share them."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

#: Elements that a block of 512 threads sorts in shared memory.
CHUNK = 1024
RESULTS = ("sorted_keys", "sorted_values")


def pairs(case: Case, rng: np.random.Generator) -> Buffers:
    """Distinct keys from the whole range (the networks are not stable), any values, and both to write."""
    size = case["size"]
    return {
        "keys": (rng.permutation(size) * (2**32 // size)).astype(np.uint32),
        "values": rng.integers(0, 2**32, size, np.uint32),
        "sorted_keys": poison(size, np.uint32),
        "sorted_values": poison(size, np.uint32),
    }


def ascending(case: Case) -> np.int32:
    """The argument of that name: 1 or 0."""
    return np.int32(not case.get("descending", False))


def sort_chunks(function: str, case: Case) -> Launch:
    """The first launch: every chunk by itself, or every array where those are shorter."""
    size, length = np.int32(case["size"]), np.uint32(case["length"])
    chunks = ceil_div(case["size"], CHUNK)
    return launch(function, chunks, 512, "keys", "values", *RESULTS, size, length, ascending(case))


def in_order(case: Case, buffers: Buffers) -> Buffers:
    """Each array sorted by its keys."""
    keys, values = (buffers[name].reshape(-1, case["length"]) for name in ("keys", "values"))
    order = np.argsort(keys, axis=1)
    if case.get("descending", False):
        order = order[:, ::-1]
    return {
        "sorted_keys": np.take_along_axis(keys, order, axis=1).reshape(-1),
        "sorted_values": np.take_along_axis(values, order, axis=1).reshape(-1),
    }
