"""Matrices A, B and C = A B as the kernels here share them: m x k, k x n and m x n, by rows."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import DTypeLike

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison


def factors(case: Case, dtype: DTypeLike, rng: np.random.Generator) -> Buffers:
    """A and B in [-0.5, 0.5), so that sums stay small beside one wrong product, and a float C to write."""
    m, n, k = case["m"], case["n"], case["k"]
    return {
        "a": (rng.random((m, k), np.float32) - np.float32(0.5)).astype(dtype),
        "b": (rng.random((k, n), np.float32) - np.float32(0.5)).astype(dtype),
        "c": poison((m, n), np.float32),
    }


def one_block_a_tile(function: str, case: Case, tile: int, block: int | Sequence[int]) -> list[Launch]:
    """One launch, whose grid covers C in squares of `tile` elements a side."""
    m, n, k = case["m"], case["n"], case["k"]
    grid = ceil_div(n, tile), ceil_div(m, tile)
    return [launch(function, grid, block, "a", "b", "c", np.int32(m), np.int32(n), np.int32(k))]


def product(buffers: Buffers) -> Buffers:
    """C, summed in float64."""
    c = buffers["a"].astype(np.float64) @ buffers["b"].astype(np.float64)
    return {"c": c.astype(np.float32)}
