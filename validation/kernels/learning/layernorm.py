"""layernorm: each row normalised to mean 0 and variance 1, then scaled and shifted by column."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

EPSILON = np.float32(1e-5)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Rows in [-1.5, 2.5), so that no mean is 0; gamma in [0.5, 1.5) and beta in [0, 1)."""
    rows, columns = case["rows"], case["columns"]
    return {
        "x": np.float32(4) * rng.random((rows, columns), np.float32) - np.float32(1.5),
        "gamma": rng.random((columns,), np.float32) + np.float32(0.5),
        "beta": rng.random((columns,), np.float32),
        "y": poison((rows, columns), np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp a row."""
    rows, columns, block = case["rows"], case["columns"], case["block"]
    arguments = "x", "gamma", "beta", "y", np.int32(rows), np.int32(columns), EPSILON
    return [launch("layernorm", ceil_div(rows * 32, block), block, *arguments)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In float64."""
    x, gamma, beta = (buffers[name].astype(np.float64) for name in ("x", "gamma", "beta"))
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1, keepdims=True)
    return {"y": (gamma * centred / np.sqrt(variance + np.float64(EPSILON)) + beta).astype(np.float32)}
