"""ffma_chain: 128 dependent FFMA an iteration."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch, poison

FACTOR, ADDEND = 1023 / 1024, 1 / 1024


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A result a thread."""
    return {"out": poison(case["blocks"] * case["threads"], np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Every thread computes the same chain."""
    return [launch("ffma_chain", case["blocks"], case["threads"], "out", np.int32(case["iters"]))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Step by step: a double holds product and sum exactly, so each step has the one rounding of an FFMA."""
    x = 0.0
    for _ in range(128 * case["iters"]):
        x = float(np.float32(x * FACTOR + ADDEND))
    return {"out": np.full_like(buffers["out"], x)}
