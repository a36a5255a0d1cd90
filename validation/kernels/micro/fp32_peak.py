"""fp32_peak: FFMA throughput of the whole GPU."""

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import Buffers, Case, Launch, Reading, launch

#: As in the source: FFMA of a thread in one round.
CHAINS, STEPS = 8, 16


def operands(threads: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """A row each for two factors, two addends and the first values of the chains.

    The factors' product is -1 up to rounding: four steps lead a value back to itself, so it neither settles nor grows.
    """
    factor = rng.uniform(1, 2, threads).astype(np.float32)
    rest = rng.uniform(-1, 1, (2 + CHAINS, threads)).astype(np.float32)
    return np.concatenate([np.stack([factor, -1 / factor]), rest])


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Every thread of a block has operands of its own; blocks share them."""
    return {
        "operands": operands(case["threads"], rng),
        "sink": np.zeros(case["blocks"] * case["threads"], np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One launch."""
    return [launch("fp32_peak", case["blocks"], case["threads"], "operands", "sink", np.int32(case["rounds"]))]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """A fused multiply-add is two operations."""
    operations = 2 * CHAINS * STEPS * case["rounds"] * case["blocks"] * case["threads"]
    return {"peak": Reading(operations / seconds / 1e12, "TFLOP/s")}
