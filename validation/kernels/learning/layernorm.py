"""layernorm: each row normalised to mean 0 and variance 1, then scaled and shifted by column."""

import numpy as np

from validation.kernels.learning.normalisation import EPSILON, normalised, rows_to_normalise
from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Rows, gamma and beta, and rows to write."""
    return rows_to_normalise(case, np.float32, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp a row."""
    rows, columns, block = case["rows"], case["columns"], case["block"]
    arguments = "x", "gamma", "beta", "y", np.int32(rows), np.int32(columns), EPSILON
    return [launch("layernorm", ceil_div(rows * 32, block), block, *arguments)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In float64."""
    return normalised(buffers)
