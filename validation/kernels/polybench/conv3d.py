"""conv3d: a 3 x 3 x 3 weighted sum over the interior of a cube."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.polybench.shape import plane

#: By plane, row and column of the window; products of three factors, multiplied in float as in the source.
WEIGHTS = np.einsum(
    "p,r,c->prc",
    np.array([0.6, -0.7, 0.8], np.float32),
    np.array([-0.2, 0.5, 0.75], np.float32),
    np.array([0.25, 0.9, -0.4], np.float32),
)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A cube in [0, 1) and one of zeros, whose faces stay; the slowest dimension is the plane."""
    n = case["n"]
    return {"in": rng.random((n, n, n), np.float32), "out": np.zeros((n, n, n), np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a row and column, for all planes; those on the border idle."""
    return [launch("conv3d", *plane(case), "in", "out", np.int32(case["n"]))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """27 shifted cubes, weighted."""
    n, cube, out = case["n"], buffers["in"].astype(np.float64), buffers["out"].copy()
    if n > 2:
        out[1:-1, 1:-1, 1:-1] = sum(
            WEIGHTS[p, r, c] * cube[p : n - 2 + p, r : n - 2 + r, c : n - 2 + c] for p, r, c in np.ndindex(3, 3, 3)
        )
    return {"out": out}
