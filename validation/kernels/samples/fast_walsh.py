"""fast_walsh: the dyadic convolution of 2^log2_data numbers with a kernel of 2^log2_kernel."""

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import Buffers, Case, Launch, launch

#: What walsh_shared holds: 2^11 numbers.
LOG2_LIMIT = 11


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Numbers in [-1, 1); the kernel is followed by zeros up to the length of the data."""
    data = 2 * rng.random(1 << case["log2_data"], np.float32) - 1
    kernel = np.zeros_like(data)
    kernel[: 1 << case["log2_kernel"]] = 2 * rng.random(1 << case["log2_kernel"], np.float32) - 1
    return {"data": data, "kernel": kernel}


def _transform(name: str, log2_length: int) -> list[Launch]:
    steps, sequences = [], 1
    while log2_length > LOG2_LIMIT:
        quarter = 1 << (log2_length - 2)
        steps.append(launch("walsh_global", (quarter // 256, sequences), 256, name, np.int32(quarter)))
        log2_length, sequences = log2_length - 2, 4 * sequences
    steps.append(launch("walsh_shared", sequences, (1 << log2_length) // 4, name, np.int32(log2_length)))
    return steps


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Both transforms, their product, and the transform back."""
    n = 1 << case["log2_data"]
    forward = [*_transform("data", case["log2_data"]), *_transform("kernel", case["log2_data"])]
    product = launch("modulate", 128, 256, "data", "kernel", np.int32(n), np.float32(1 / n))
    return [*forward, product, *_transform("data", case["log2_data"])]


def _walsh(sequence: NDArray[np.float64]) -> NDArray[np.float64]:
    half = len(sequence) // 2
    while half:
        pairs = sequence.reshape(-1, 2, half)
        sequence = np.stack([pairs[:, 0] + pairs[:, 1], pairs[:, 0] - pairs[:, 1]], axis=1).reshape(-1)
        half //= 2
    return sequence


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision, radix 2; the kernel's buffer is left with its transform."""
    data, kernel = (_walsh(buffers[name].astype(np.float64)) for name in ("data", "kernel"))
    convolved = _walsh(data * kernel) / len(data)
    return {"data": convolved.astype(np.float32), "kernel": kernel.astype(np.float32)}
