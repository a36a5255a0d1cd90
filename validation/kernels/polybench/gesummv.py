"""gesummv: y = alpha a x + beta b x."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.polybench.shape import line

ALPHA, BETA = np.float32(1.5), np.float32(0.75)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Two square matrices and a vector in [0, 1), and two sums that start at zero."""
    n: int = case["n"]
    return {
        "a": rng.random((n, n), np.float32),
        "b": rng.random((n, n), np.float32),
        "x": rng.random(n, np.float32),
        "tmp": np.zeros(n, np.float32),
        "y": np.zeros(n, np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a row."""
    arguments = "a", "b", "x", "tmp", "y", ALPHA, BETA, np.int32(case["n"])
    return [launch("gesummv", *line(case), *arguments)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision; tmp keeps a x."""
    a, b, x = (buffers[name].astype(np.float64) for name in "abx")
    return {"tmp": (a @ x).astype(np.float32), "y": (ALPHA * (a @ x) + BETA * (b @ x)).astype(np.float32)}
