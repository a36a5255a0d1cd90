"""conv2d: a 3 x 3 weighted sum over the interior of a square image."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.polybench.shape import plane

#: By row and column of the window, as in the source.
WEIGHTS = np.array([[0.25, -0.5, 0.75], [-0.3, 0.6, -0.9], [0.4, 0.7, 0.1]], np.float32)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """An image in [0, 1) and one of zeros, whose border stays."""
    n = case["n"]
    return {"in": rng.random((n, n), np.float32), "out": np.zeros((n, n), np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a point, those on the border idle."""
    return [launch("conv2d", *plane(case), "in", "out", np.int32(case["n"]))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Nine shifted images, weighted."""
    n, image, out = case["n"], buffers["in"].astype(np.float64), buffers["out"].copy()
    if n > 2:
        out[1:-1, 1:-1] = sum(WEIGHTS[r, c] * image[r : n - 2 + r, c : n - 2 + c] for r in range(3) for c in range(3))
    return {"out": out}
