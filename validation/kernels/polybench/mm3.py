"""mm3: e = a b, f = c d, g = e f."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.polybench.shape import plane


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Four factors in [0, 1) and three sums that start at zero."""
    n = case["n"]
    return {name: rng.random((n, n), np.float32) for name in "abcd"} | {
        name: np.zeros((n, n), np.float32) for name in "efg"
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One product a launch, one thread an element."""
    return [launch("mm3", *plane(case), *names, np.int32(case["n"])) for names in ("abe", "cdf", "efg")]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision."""
    a, b, c, d = (buffers[name].astype(np.float64) for name in "abcd")
    e, f = a @ b, c @ d
    return {name: product.astype(np.float32) for name, product in (("e", e), ("f", f), ("g", e @ f))}
