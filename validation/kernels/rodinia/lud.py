"""lud: LU factors of a matrix in place, without pivoting."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.rodinia.system import without_pivoting

TILE = 16


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A matrix that needs no pivoting."""
    return {"a": without_pivoting(case["n"], rng)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Three launches a tile of the diagonal, one for the last."""
    n = case["n"]
    made = []
    for start in range(0, n, TILE):
        arguments = "a", np.int32(n), np.int32(start)
        rest = (n - start) // TILE - 1
        made.append(launch("lud_diagonal", 1, TILE, *arguments))
        if rest:
            made.append(launch("lud_perimeter", rest, 2 * TILE, *arguments))
            made.append(launch("lud_internal", (rest, rest), (TILE, TILE), *arguments))
    return made


def reference(case: Case, buffers: Buffers) -> Buffers:
    """One column after the other, in float64."""
    a = buffers["a"].astype(np.float64)
    for k in range(case["n"] - 1):
        a[k + 1 :, k] /= a[k, k]
        a[k + 1 :, k + 1 :] -= np.outer(a[k + 1 :, k], a[k, k + 1 :])
    return {"a": a.astype(np.float32)}
