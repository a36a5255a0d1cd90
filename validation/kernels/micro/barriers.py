"""barriers: what one barrier costs when nothing else happens."""

import numpy as np

from validation.kernels.micro.intervals import intervals, longer_by
from validation.kernels.model import Buffers, Case, Launch, Reading, launch

#: As in the source: barriers of the shorter loop.
STEPS = 8
ROUNDS = 64


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Clocks of every warp, the mask of all lanes, and the counter of the grid's barrier."""
    return {
        "clocks": intervals(case["warps"] * case["blocks"]),
        "mask": np.array([-1], np.int32),
        "counter": np.zeros(1, np.uint32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One launch."""
    function, threads = f"barrier_{case['barrier']}", 32 * case["warps"]
    return [launch(function, case["blocks"], threads, "clocks", "mask", "counter", np.int32(ROUNDS))]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Cycles of a barrier, as the first block sees it: clocks of other SMs cannot be compared."""
    cycles = longer_by(buffers["clocks"][: case["warps"]])
    return {"cycles": Reading(cycles / (STEPS * ROUNDS), "cycles")} if cycles > 0 else {}
