"""vectoradd: c = a + b."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Two vectors in [0, 1) and one to write."""
    n = int(case["n"])
    return {
        "a": rng.random(n, np.float32),
        "b": rng.random(n, np.float32),
        "c": poison(n, np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread an element."""
    n, block = case["n"], case["block"]
    return [launch("vectoradd", ceil_div(n, block), block, "a", "b", "c", np.int32(n))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """One rounding, so the result is exact."""
    return {"c": buffers["a"] + buffers["b"]}
