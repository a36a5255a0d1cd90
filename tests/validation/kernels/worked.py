"""What the tests of references start from."""

import numpy as np

from validation.kernels import Buffers, Case, load


def worked(name: str, case: Case, seed: int = 3) -> tuple[Buffers, Buffers]:
    """The inputs of a case and what the reference makes of them."""
    definition = load(name).definition
    buffers = definition.inputs(case, np.random.default_rng(seed))
    return buffers, definition.reference(case, buffers)
