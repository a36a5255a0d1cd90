"""launch_cost: time of an empty kernel."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """None."""
    return {}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One, or so many in a row that the device waits for none of them."""
    return [launch("nothing", case["blocks"], case["threads"])] * case["launches"]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Time of a launch; of one alone the events' own cost is a part."""
    return {"launch": Reading(seconds * 1e6 / case["launches"], "us")}
