"""divergence: what a split into paths costs a warp.

The compiler puts one BSSY and one BSYNC around the whole tree: all paths meet once, at its end.
"""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch

ROUNDS = 64


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Neighbouring lanes take different paths; these part as near to the leaves as they can."""
    return {
        "together": np.zeros(32, np.int32),
        "apart": np.arange(32, dtype=np.int32) % case["paths"],
        "factor": rng.random(32, np.float32),
        "sink": np.zeros(32, np.float32),
        "cycles_together": np.zeros(1, np.int64),
        "cycles_apart": np.zeros(1, np.int64),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """The same walk with the warp together and split."""
    return [
        launch("decision_tree", 1, 32, how, "factor", "sink", f"cycles_{how}", np.int32(ROUNDS))
        for how in ("together", "apart")
    ]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Cycles of a walk, and those of each path beyond the first: eight dependent FFMA, a branch and a reconvergence.

    `together` and `apart` also hold the control of the loop and about one cycle a walk of what surrounds it (reading
    the clock, loading `rounds`); both cancel in `further_path`.
    """
    together, apart = (float(buffers[f"cycles_{how}"][0]) / ROUNDS for how in ("together", "apart"))
    return {
        "together": Reading(together, "cycles"),
        "apart": Reading(apart, "cycles"),
        "further_path": Reading((apart - together) / (case["paths"] - 1), "cycles"),
    }
