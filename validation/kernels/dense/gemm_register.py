"""gemm_register: C = A B, 4x4 elements a thread."""

import numpy as np

from validation.kernels.dense.product import factors, one_block_a_tile, product
from validation.kernels.model import Buffers, Case, Launch

TILE, BLOCK = 64, 256


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Two matrices and one to write."""
    return factors(case, np.float32, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One block a tile of C."""
    return one_block_a_tile("gemm_register", case, TILE, BLOCK)


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The product in float64."""
    return product(buffers)
