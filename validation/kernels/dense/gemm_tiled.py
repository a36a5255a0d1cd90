"""gemm_tiled: C = A B through 16x16 tiles in shared memory."""

import numpy as np

from validation.kernels.dense.product import factors, one_block_a_tile, product
from validation.kernels.model import Buffers, Case, Launch

TILE = 16


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Two matrices and one to write."""
    return factors(case, np.float32, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One block a tile of C, one thread an element."""
    return one_block_a_tile("gemm_tiled", case, TILE, (TILE, TILE))


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The product in float64."""
    return product(buffers)
