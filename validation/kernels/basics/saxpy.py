"""saxpy: y = a x + y, in place."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch

#: Has no short binary fraction, so that the product rounds.
A = np.float32(1.7)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Two vectors in [0, 1)."""
    n = int(case["n"])
    return {"x": rng.random(n, np.float32), "y": rng.random(n, np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread an element."""
    n, block = case["n"], case["block"]
    return [launch("saxpy", ceil_div(n, block), block, A, "x", "y", np.int32(n))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision, rounded once."""
    x, y = (buffers[name].astype(np.float64) for name in ("x", "y"))
    return {"y": (float(A) * x + y).astype(np.float32)}
