"""histogram: how often each byte occurs."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Bytes below `values`, equally likely, and counts that start at zero."""
    return {
        "bytes": rng.integers(0, case["values"], case["n"], np.uint8, endpoint=False),
        "counts": np.zeros(256, np.uint32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """A fixed number of blocks that stride over the bytes."""
    return [launch("histogram", case["blocks"], case["block"], "bytes", "counts", np.int32(case["n"]))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Counts are exact in any order."""
    return {"counts": buffers["counts"] + np.bincount(buffers["bytes"], minlength=256).astype(np.uint32)}
