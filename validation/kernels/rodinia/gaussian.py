"""gaussian: elimination of the unknowns of a system of equations, without pivoting."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch
from validation.kernels.rodinia.system import without_pivoting

TILE = 4


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A system that needs no pivoting, and multipliers of zero."""
    n: int = case["n"]
    return {
        "a": without_pivoting(n, rng),
        "b": rng.random(n, np.float32),
        "multiplier": np.zeros((n, n), np.float32),
    }


def _steps(case: Case) -> int:
    return int(case.get("steps", case["n"] - 1))


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Two launches a column."""
    n, block = case["n"], case["block"]
    tiles = ceil_div(n, TILE)
    made = []
    for column in range(_steps(case)):
        sizes = np.int32(n), np.int32(column)
        made.append(launch("gaussian_multipliers", ceil_div(n, block), block, "multiplier", "a", *sizes))
        made.append(launch("gaussian_subtract", (tiles, tiles), (TILE, TILE), "multiplier", "a", "b", *sizes))
    return made


def reference(case: Case, buffers: Buffers) -> Buffers:
    """One column after the other, in float64."""
    a, b, multiplier = (buffers[name].astype(np.float64) for name in ("a", "b", "multiplier"))
    for k in range(_steps(case)):
        multiplier[k + 1 :, k] = a[k + 1 :, k] / a[k, k]
        a[k + 1 :, k:] -= np.outer(multiplier[k + 1 :, k], a[k, k:])
        b[k + 1 :] -= multiplier[k + 1 :, k] * b[k]
    result = {"a": a, "b": b, "multiplier": multiplier}
    return {name: array.astype(np.float32) for name, array in result.items()}
