"""shared_conflicts: latency and interval of shared-memory loads by the lanes' stride."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

STEPS = 256  # of the chain; a multiple of 32
ROUNDS, THREADS, LOADS = 64, 1024, 4


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Nothing goes in."""
    return {
        "places": poison(32, np.uint32),
        "sums": poison(THREADS, np.uint32),
        "chain_cycles": poison(1, np.int64),
        "cycles": poison(1, np.int64),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp that follows pointers, then a CTA with independent loads."""
    stride, width = np.int32(case["stride"]), case["width"]
    return [
        launch(f"latency_{width}", 1, 32, stride, np.int32(STEPS), "chain_cycles", "places"),
        launch(f"interval_{width}", 1, THREADS, stride, np.int32(ROUNDS), "cycles", "sums"),
    ]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Each lane ends where it began: `stride` elements of `width` bytes after the lane before it."""
    places = np.arange(32, dtype=np.uint32) * np.uint32(case["stride"] * case["width"])
    return {"places": places, "sums": np.tile(places, THREADS // 32) * np.uint32(1 + ROUNDS * LOADS)}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Load to use of one warp alone; an SM's time for one load of a warp when many wait."""
    loads = THREADS // 32 * ROUNDS * LOADS
    return {
        "latency": Reading(int(buffers["chain_cycles"][0]) / STEPS, "cycles"),
        "interval": Reading(int(buffers["cycles"][0]) / loads, "cycles"),
    }
