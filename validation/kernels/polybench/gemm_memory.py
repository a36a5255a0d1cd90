"""gemm_memory: c = alpha a b + beta c, summed in memory."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.polybench.shape import plane

ALPHA, BETA = np.float32(1.5), np.float32(0.75)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Three square matrices in [0, 1)."""
    n = case["n"]
    return {name: rng.random((n, n), np.float32) for name in "abc"}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread an element of c."""
    return [launch("gemm_memory", *plane(case), "a", "b", "c", ALPHA, BETA, np.int32(case["n"]))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision."""
    a, b, c = (buffers[name].astype(np.float64) for name in "abc")
    return {"c": (ALPHA * (a @ b) + BETA * c).astype(np.float32)}
