"""atax: y = a' (a x)."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch
from validation.kernels.polybench.shape import line


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A square matrix and a vector in [0, 1), and two sums that start at zero."""
    n: int = case["n"]
    return {
        "a": rng.random((n, n), np.float32),
        "x": rng.random(n, np.float32),
        "tmp": np.zeros(n, np.float32),
        "y": np.zeros(n, np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """A thread a row, then a thread a column."""
    n = np.int32(case["n"])
    return [
        launch("atax_rows", *line(case), "a", "x", "tmp", n),
        launch("atax_columns", *line(case), "a", "tmp", "y", n),
    ]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision."""
    a = buffers["a"].astype(np.float64)
    tmp = a @ buffers["x"]
    return {"tmp": tmp.astype(np.float32), "y": (a.T @ tmp).astype(np.float32)}
