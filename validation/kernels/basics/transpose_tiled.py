"""transpose_tiled: the transpose of a matrix of rows x columns."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A matrix in [0, 1) and one to write."""
    rows, columns = case["rows"], case["columns"]
    return {"in": rng.random((rows, columns), np.float32), "out": poison((columns, rows), np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """A block of 32 x 8 threads for a tile of 32 x 32."""
    rows, columns = case["rows"], case["columns"]
    grid = ceil_div(columns, 32), ceil_div(rows, 32)
    return [launch("transpose_tiled", grid, (32, 8), "in", "out", np.int32(rows), np.int32(columns))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The same numbers, so the result is exact."""
    return {"out": np.ascontiguousarray(buffers["in"].T)}
