"""mm2: c = a b, then e = c d."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.polybench.shape import plane


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Three factors in [0, 1) and two sums that start at zero."""
    n = case["n"]
    return {name: rng.random((n, n), np.float32) for name in "abd"} | {
        name: np.zeros((n, n), np.float32) for name in "ce"
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One product a launch, one thread an element."""
    return [launch("mm2", *plane(case), *names, np.int32(case["n"])) for names in ("abc", "cde")]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision."""
    a, b, d = (buffers[name].astype(np.float64) for name in "abd")
    return {"c": (a @ b).astype(np.float32), "e": (a @ b @ d).astype(np.float32)}
