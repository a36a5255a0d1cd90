"""Rows to normalise, with a scale and a shift for each column, as the two layernorms share them."""

import numpy as np
from numpy.typing import DTypeLike

from validation.kernels.model import Buffers, Case, poison

EPSILON = np.float32(1e-5)


def rows_to_normalise(case: Case, dtype: DTypeLike, rng: np.random.Generator) -> Buffers:
    """`x` in [-1.5, 2.5), so that no mean is 0, gamma in [0.5, 1.5), beta in [0, 1), and `y` to write."""
    rows, columns = case["rows"], case["columns"]
    return {
        "x": (4 * rng.random((rows, columns), np.float32) - np.float32(1.5)).astype(dtype),
        "gamma": (rng.random((columns,), np.float32) + np.float32(0.5)).astype(dtype),
        "beta": rng.random((columns,), np.float32).astype(dtype),
        "y": poison((rows, columns), dtype),
    }


def normalised(buffers: Buffers) -> Buffers:
    """`y`, in float64 until the end."""
    x, gamma, beta = (buffers[name].astype(np.float64) for name in ("x", "gamma", "beta"))
    centred = x - x.mean(axis=1, keepdims=True)
    variance = (centred**2).mean(axis=1, keepdims=True)
    y = gamma * centred / np.sqrt(variance + np.float64(EPSILON)) + beta
    return {"y": y.astype(buffers["x"].dtype)}
