"""softmax: exponentials of each row, divided by their sum."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch, poison


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Numbers in [-4, 4)."""
    shape = (case["rows"], case["columns"])
    return {
        "x": np.float32(8) * rng.random(shape, np.float32) - np.float32(4),
        "y": poison(shape, np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One block a row."""
    return [launch("softmax", case["rows"], case["block"], "x", "y", np.int32(case["columns"]))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In float64, the greatest element taken off first."""
    x = buffers["x"].astype(np.float64)
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    return {"y": (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)}
