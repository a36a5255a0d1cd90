"""clock_rate: the SM clock in force, from both of the GPU's clocks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.kernels.micro import fp32_peak, tensor_peak
from validation.kernels.model import Buffers, Case, Launch, Reading, launch

SAMPLES = 100
#: More blocks than any GPU holds at once.
BLOCKS, THREADS = 4096, 256


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Samples of zero are not taken. The loads and their operands are those of the two peaks."""
    load = {"ffma": fp32_peak, "mma": tensor_peak}[case["load"]]
    return {
        "deadline": np.zeros(1, np.int64),
        "idle": np.zeros((SAMPLES, 2), np.int64),
        "loaded": np.zeros((SAMPLES, 2), np.int64),
        "operands": load.operands(THREADS, rng),
        "sink": np.zeros(THREADS, np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Each measurement runs to a deadline that a launch before it sets."""
    microseconds = 1000 * case["milliseconds"]
    start = launch("set_deadline", 1, 1, "deadline", np.int32(microseconds))
    how = (np.int32(SAMPLES), np.int32(1000 * microseconds // SAMPLES))
    return [
        start,
        launch("sample_idle", 1, 1, "deadline", "idle", *how),
        start,
        launch(f"sample_{case['load']}", BLOCKS, THREADS, "deadline", "loaded", *how, "operands", "sink"),
    ]


def _megahertz(samples: NDArray[Any]) -> float:
    """Cycles of the SM for each microsecond of the GPU."""
    nanoseconds, cycles = (float(samples[-1, i] - samples[0, i]) for i in (0, 1))
    return 1e3 * cycles / nanoseconds


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """The clock in the first and in the last quarter of the samples; `loaded` is missing where the product is."""
    found = {}
    for name in ("idle", "loaded"):
        taken = buffers[name][buffers[name][:, 0] != 0]
        quarter = len(taken) // 4
        if quarter >= 2:
            found[f"{name}_early"] = Reading(_megahertz(taken[:quarter]), "MHz")
            found[f"{name}_late"] = Reading(_megahertz(taken[-quarter:]), "MHz")
    return found
