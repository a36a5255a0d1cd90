"""transpose_naive: the transpose of a matrix of rows x columns."""

import numpy as np

from validation.kernels.basics.transposition import blocks, matrix, transposed
from validation.kernels.model import Buffers, Case, Launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A matrix in [0, 1) and one to write."""
    return matrix(case, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """A block of 32 x 8 threads, one an element."""
    return blocks("transpose_naive", case, 8)


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The same numbers, so the result is exact."""
    return transposed(buffers)
