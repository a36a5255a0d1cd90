"""Random sparse matrices in compressed rows, and their product with a vector."""

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from validation.kernels.model import Buffers, poison


def random_system(rows: int, mean: int, dtype: DTypeLike, rng: np.random.Generator) -> Buffers:
    """A square matrix with 0 to 2 * mean elements a row, columns ascending, a vector `x`, and `y` to write."""
    lengths = rng.integers(0, 2 * mean + 1, rows)
    row_start = np.concatenate(([0], np.cumsum(lengths)))
    row = np.repeat(np.arange(rows), lengths)
    column = np.sort(row * rows + rng.integers(0, rows, len(row))) % rows
    return {
        "row_start": row_start.astype(np.int32),
        "column": column.astype(np.int32),
        "value": rng.random(len(row)).astype(dtype),
        "x": rng.random(rows).astype(dtype),
        "y": poison(rows, dtype),
    }


def product(buffers: Buffers) -> NDArray[Any]:
    """The matrix times `x`, summed in float64."""
    lengths = np.diff(buffers["row_start"])
    rows = len(lengths)
    products = buffers["value"].astype(np.float64) * buffers["x"][buffers["column"]]
    sums = np.bincount(np.repeat(np.arange(rows), lengths), products, rows)
    return sums.astype(buffers["y"].dtype)
