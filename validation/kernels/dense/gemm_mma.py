"""gemm_mma: C = A B on tensor cores, halves in and floats out; n and k are multiples of 8."""

import numpy as np

from validation.kernels.dense.product import factors, one_block_a_tile, product
from validation.kernels.model import Buffers, Case, Launch

TILE, BLOCK = 128, 256


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Two matrices of halves and one of floats to write."""
    return factors(case, np.float16, rng)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Blocks of eight warps, 128x128 of C each."""
    return one_block_a_tile("gemm_mma", case, TILE, BLOCK)


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The product in float64."""
    return product(buffers)
