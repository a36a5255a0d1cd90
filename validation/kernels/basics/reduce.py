"""reduce: the sum of a vector, by way of one sum a block."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A vector in [0, 1), the sums of the blocks and the total to write."""
    return {
        "values": rng.random(int(case["n"]), np.float32),
        "partials": poison(case["blocks"], np.float32),
        "total": poison(1, np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """All blocks over the values, then one block over their sums."""
    n, blocks, block = case["n"], case["blocks"], case["block"]
    return [
        launch("reduce", blocks, block, "values", "partials", np.int32(n)),
        launch("reduce", 1, block, "partials", "total", np.int32(blocks)),
    ]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision; a block's share is its slice of every grid-wide stride."""
    n, blocks, block = case["n"], case["blocks"], case["block"]
    strides = ceil_div(n, blocks * block)
    padded = np.zeros(strides * blocks * block)
    padded[:n] = buffers["values"]
    partials = padded.reshape(strides, blocks, block).sum(axis=(0, 2))
    return {"partials": partials.astype(np.float32), "total": partials.sum(keepdims=True).astype(np.float32)}
