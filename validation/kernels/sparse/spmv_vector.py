"""spmv_vector: sparse matrix times vector in float32, one warp a row."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch
from validation.kernels.sparse import csr


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A matrix with 0 to 2 * mean elements a row at random columns."""
    return csr.random_system(case["rows"], case["mean"], np.float32, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp a row; blocks are whole warps."""
    rows, block = case["rows"], case["block"]
    matrix = "row_start", "column", "value"
    return [launch("spmv_vector", ceil_div(rows * 32, block), block, *matrix, "x", "y", np.int32(rows))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The sums of the products of each row."""
    return {"y": csr.product(buffers)}
