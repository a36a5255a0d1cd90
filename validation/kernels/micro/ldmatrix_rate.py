"""ldmatrix_rate: latency of a dependent chain of ldmatrix and bytes that an SM loads in a cycle."""

import numpy as np

from validation.kernels.micro.intervals import intervals, longer_by
from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

#: As in the source: steps of the shorter loop, chains of a warp.
LATENCY_STEPS, THROUGHPUT_STEPS, CHAINS = 32, 8, 4
ROUNDS, WARPS = 64, 16
MATRIX_BYTES = 8 * 16


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """No offsets, and clocks."""
    return {
        "offset": np.zeros(CHAINS * 32, np.uint32),
        "sink": poison(WARPS * 32, np.uint32),
        "alone": intervals(1),
        "together": intervals(WARPS),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp with one chain, then one block of many warps with four chains each."""
    name = f"x{case['matrices']}{'_trans' if case['transposed'] else ''}"
    rest = ("offset", "sink", np.int32(ROUNDS))
    return [
        launch(f"latency_{name}", 1, 32, "alone", *rest),
        launch(f"throughput_{name}", 1, WARPS * 32, "together", *rest),
    ]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Cycles from one load to the next that needs its result, and bytes of an SM in a cycle.

    Nothing is read from a run in which a lane strayed from its row: its loads were not the ones meant.
    """
    alone, together = longer_by(buffers["alone"]), longer_by(buffers["together"])
    if alone <= 0 or together <= 0 or buffers["sink"].any():
        return {}
    loaded = WARPS * CHAINS * THROUGHPUT_STEPS * ROUNDS * case["matrices"] * MATRIX_BYTES
    return {
        "latency": Reading(alone / (LATENCY_STEPS * ROUNDS), "cycles"),
        "throughput": Reading(loaded / together, "B/cycle/SM"),
    }
