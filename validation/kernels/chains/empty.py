"""empty: nothing, on a grid of the given size."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """No buffer."""
    return {}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """A grid of idle threads."""
    return [launch("empty", case["blocks"], case["threads"])]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Nothing to compare."""
    return {}
