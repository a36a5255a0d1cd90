"""async_copy: cp.async alone, with its commit and wait, and streaming with two groups under way."""

import numpy as np

from validation.kernels.micro.intervals import intervals, longer_by
from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

#: As in the source: steps of the shorter loop, copies of a group, threads of the largest block.
LATENCY_STEPS, THROUGHPUT_STEPS, GROUP, THREADS = 8, 4, 8, 256
ROUNDS = 64


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """One group's bytes."""
    return {
        "source": rng.integers(0, 256, GROUP * THREADS * case["bytes"], np.uint8),
        "sink": poison(THREADS, np.int32),
        "alone": intervals(1),
        "together": intervals(THREADS // 32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp, then eight."""
    name, rest = f"{case['cache']}_{case['bytes']}", ("source", "sink", np.int32(ROUNDS))
    return [
        launch(f"latency_{name}", 1, 32, "alone", *rest),
        launch(f"throughput_{name}", 1, THREADS, "together", *rest),
    ]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Cycles of a copy of one warp from its issue to the end of the wait, and bytes that an SM copies in a cycle."""
    alone, together = longer_by(buffers["alone"]), longer_by(buffers["together"])
    if alone <= 0 or together <= 0:
        return {}
    copied = THREADS * GROUP * THROUGHPUT_STEPS * ROUNDS * case["bytes"]
    return {
        "latency": Reading(alone / (LATENCY_STEPS * ROUNDS), "cycles"),
        "throughput": Reading(copied / together, "B/cycle/SM"),
    }
