"""scan: exclusive prefix sums of `size` numbers in arrays of `length`."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Numbers from the whole range, so that sums wrap around."""
    size = case["size"]
    return {"values": rng.integers(0, 2**32, size, np.uint32), "sums": poison(size, np.uint32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """256 threads for 1024 numbers."""
    size, length = case["size"], case["length"]
    return [launch("scan", ceil_div(size, 1024), 256, "values", "sums", np.int32(size), np.int32(length))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The inclusive sums less the numbers themselves, modulo 2^32."""
    values = buffers["values"].reshape(-1, case["length"])
    sums = np.cumsum(values, axis=1, dtype=np.uint32) - values
    return {"sums": sums.reshape(-1)}
