"""layernorm_half2: layernorm in halves; columns are even."""

import numpy as np

from validation.kernels.learning.normalisation import EPSILON, normalised, rows_to_normalise
from validation.kernels.model import Buffers, Case, Launch, launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Rows, gamma and beta, and rows to write."""
    return rows_to_normalise(case, np.float16, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One block a row."""
    arguments = "x", "gamma", "beta", "y", np.int32(case["columns"]), EPSILON
    return [launch("layernorm_half2", case["rows"], case["block"], *arguments)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In float64, from and to halves."""
    return normalised(buffers)
