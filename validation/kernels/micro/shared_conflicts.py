"""shared_conflicts: latency and interval of shared-memory loads, interval of stores, by the lanes' stride."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

STEPS = 4096  # of the chain; a multiple of 32
ROUNDS, THREADS, UNROLLED = 512, 1024, 4


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Nothing goes in."""
    return {
        "places": poison(32, np.uint32),
        "sums": poison(THREADS, np.uint32),
        "chain_cycles": poison(1, np.int64),
        "cycles": poison(1, np.int64),
        "stored": poison(THREADS, np.uint32),
        "store_cycles": poison(1, np.int64),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp that follows pointers, then a CTA with independent loads and one with stores."""
    stride, width = np.int32(case["stride"]), case["width"]
    return [
        launch(f"latency_{width}", 1, 32, stride, np.int32(STEPS), "chain_cycles", "places"),
        launch(f"interval_{width}", 1, THREADS, stride, np.int32(ROUNDS), "cycles", "sums"),
        launch(f"store_interval_{width}", 1, THREADS, stride, np.int32(ROUNDS), "store_cycles", "stored"),
    ]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Each lane ends where it began: `stride` elements of `width` bytes after the lane before it."""
    places = np.arange(32, dtype=np.uint32) * np.uint32(case["stride"] * case["width"])
    by_thread = np.tile(places, THREADS // 32)
    return {"places": places, "sums": by_thread * np.uint32(1 + ROUNDS * UNROLLED), "stored": by_thread + np.uint32(1)}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Load to use of one warp alone; an SM's time for one load or store of a warp when many wait."""
    accesses = THREADS // 32 * ROUNDS * UNROLLED
    return {
        "latency": Reading(int(buffers["chain_cycles"][0]) / STEPS, "cycles"),
        "interval": Reading(int(buffers["cycles"][0]) / accesses, "cycles"),
        "store_interval": Reading(int(buffers["store_cycles"][0]) / accesses, "cycles"),
    }
