"""copy: a vector to another place; the time gives a bandwidth."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, ceil_div, launch, poison


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A vector in [0, 1) and one to write."""
    n = int(case["n"])
    return {"from": rng.random(n, np.float32), "to": poison(n, np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread for four elements."""
    n, block = case["n"], case["block"]
    return [launch("copy", ceil_div(n, 4 * block), block, "from", "to", np.int32(n))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The same bits."""
    return {"to": buffers["from"].copy()}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Each byte is read once and written once; of sizes that fit into a cache it is that cache's bandwidth."""
    return {"bandwidth": Reading(2 * 4 * case["n"] / seconds / 1e9, "GB/s")}
