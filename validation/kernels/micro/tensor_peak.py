"""tensor_peak: mma.sync throughput of the whole GPU."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch

#: As in the source: products of a warp in one round.
SUMS, STEPS = 8, 4


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Random halves around zero: what the operands hold decides the power, and with it the clock."""
    return {
        "operands": rng.uniform(-1, 1, (6, 32, 2)).astype(np.float16).view(np.uint32),
        "sink": np.zeros(case["blocks"] * case["threads"], np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One launch."""
    function = f"tensor_peak_{case['sums']}"
    return [launch(function, case["blocks"], case["threads"], "operands", "sink", np.int32(case["rounds"]))]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Two operations for each of 16 x 8 x 16 products and sums."""
    warps = case["blocks"] * case["threads"] // 32
    operations = 2 * 16 * 8 * 16 * SUMS * STEPS * case["rounds"] * warps
    return {"peak": Reading(operations / seconds / 1e12, "TFLOP/s")}
