"""A matrix and its transpose as the three kernels share them."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison


def matrix(case: Case, rng: np.random.Generator) -> Buffers:
    """`in` of rows x columns in [0, 1) and `out` to write."""
    rows, columns = case["rows"], case["columns"]
    return {"in": rng.random((rows, columns), np.float32), "out": poison((columns, rows), np.float32)}


def blocks(function: str, case: Case, rows_a_block: int) -> list[Launch]:
    """One launch of blocks of 32 x 8 threads, each for 32 columns and so many rows of `in`."""
    rows, columns = case["rows"], case["columns"]
    grid = ceil_div(columns, 32), ceil_div(rows, rows_a_block)
    return [launch(function, grid, (32, 8), "in", "out", np.int32(rows), np.int32(columns))]


def transposed(buffers: Buffers) -> Buffers:
    """What `out` must hold."""
    return {"out": np.ascontiguousarray(buffers["in"].T)}
