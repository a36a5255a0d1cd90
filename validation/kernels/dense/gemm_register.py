"""gemm_register: C = A B, 4x4 elements a thread."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

TILE, BLOCK = 64, 256


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Two matrices in [-0.5, 0.5), so that sums stay small beside one wrong product, and one to write."""
    m, n, k = case["m"], case["n"], case["k"]
    return {
        "a": rng.random((m, k), np.float32) - np.float32(0.5),
        "b": rng.random((k, n), np.float32) - np.float32(0.5),
        "c": poison((m, n), np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One block a tile of C."""
    m, n, k = case["m"], case["n"], case["k"]
    grid = (ceil_div(n, TILE), ceil_div(m, TILE))
    return [launch("gemm_register", grid, BLOCK, "a", "b", "c", np.int32(m), np.int32(n), np.int32(k))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The product in float64."""
    product = buffers["a"].astype(np.float64) @ buffers["b"].astype(np.float64)
    return {"c": product.astype(np.float32)}
