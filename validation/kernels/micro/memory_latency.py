"""memory_latency: pointer chase by working set, stride and first cache."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, ceil_div, launch, poison

STEPS = 16384  # timed; a multiple of 64
LAP = 16384  # at most so many steps before the clock starts
TOUCHED = 1 << 21  # at most so many elements are brought in: 256 MiB of lines, more than any L2
THREADS = 1024


def _elements(case: Case) -> int:
    return int(case["bytes"]) // int(case["stride"])


def _untimed(case: Case) -> int:
    return min(ceil_div(_elements(case), 64) * 64, LAP)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """The elements in a random order, each once: following it is one cycle through all of them."""
    return {
        "memory": poison(case["bytes"], np.uint8),
        "order": rng.permutation(_elements(case)).astype(np.uint32),
        "cycles": poison(1, np.int64),
        "last": poison(1, np.int64),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Links the elements, then one CTA brings them in and one of its threads walks."""
    elements, stride = _elements(case), case["stride"]
    return [
        launch("link_elements", ceil_div(elements, 256), 256, "memory", "order", np.int32(elements), np.int32(stride)),
        launch(
            f"walk_{case['operator']}", 1, THREADS, "memory", "order", np.int32(stride),
            np.int32(min(elements, TOUCHED)), np.int32(_untimed(case)), np.int32(STEPS), "cycles", "last",
        ),
    ]  # fmt: skip


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Where the walk ends; `memory` holds addresses and is not compared."""
    order = buffers["order"]
    place = (_untimed(case) + STEPS) % len(order)
    return {"last": order[place : place + 1].astype(np.int64) * case["stride"]}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Load to use: the mean over the timed steps."""
    return {"latency": Reading(int(buffers["cycles"][0]) / STEPS, "cycles")}
