"""fp32_peak: FFMA throughput of the whole GPU."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch

#: As in the source: FFMA of a thread in one round.
CHAINS, STEPS = 8, 16


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Factors below 1, so that the chains stay finite."""
    return {
        "factor": rng.random(2 * case["threads"], np.float32),
        "sink": np.zeros(case["blocks"] * case["threads"], np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One launch."""
    return [launch("fp32_peak", case["blocks"], case["threads"], "factor", "sink", np.int32(case["rounds"]))]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """A fused multiply-add is two operations."""
    operations = 2 * CHAINS * STEPS * case["rounds"] * case["blocks"] * case["threads"]
    return {"peak": Reading(operations / seconds / 1e12, "TFLOP/s")}
