"""spmv_scalar: sparse matrix times vector in float64, one thread a row."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch
from validation.kernels.sparse import csr


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A matrix with 0 to 2 * mean elements a row at random columns."""
    return csr.random_system(case["rows"], case["mean"], np.float64, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a row."""
    rows, block = case["rows"], case["block"]
    matrix = "row_start", "column", "value"
    return [launch("spmv_scalar", ceil_div(rows, block), block, *matrix, "x", "y", np.int32(rows))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The sums of the products of each row."""
    return {"y": csr.product(buffers)}
