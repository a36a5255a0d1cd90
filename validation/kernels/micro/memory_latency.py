"""memory_latency: pointer chase by working set, stride and first cache."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, ceil_div, launch, poison

STEPS = 16384  # timed; a multiple of 64
LAP = 16384  # at most so many steps before the clock starts
LINE = 128
UNCACHED = 256 << 20  # bytes of lines: any L2 twice
THREADS = 1024


def _elements(case: Case) -> int:
    return int(case["bytes"]) // int(case["stride"])


def _untimed(case: Case) -> int:
    return min(ceil_div(_elements(case), 64) * 64, LAP)


def _touched(case: Case) -> int:
    return _elements(case) if _elements(case) * min(case["stride"], LINE) < UNCACHED else 0


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """The elements in a random order, each once: following it is one cycle through all of them."""
    return {
        "memory": poison(case["bytes"], np.uint8),
        "order": rng.permutation(_elements(case)).astype(np.uint32),
        "cycles": poison(1, np.int64),
        "last": poison(1, np.int64),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Links the elements, then one CTA brings them in and one of its threads walks.

    From 256 MiB of lines on nothing is brought in, so that every step goes to DRAM: the walk reads 4 MiB of lines, each
    once, and these were linked first, long before the rest that has passed through L2 since.
    """
    elements, stride = _elements(case), case["stride"]
    return [
        launch("link_elements", ceil_div(elements, 256), 256, "memory", "order", np.int32(elements), np.int32(stride)),
        launch(
            f"walk_{case['operator']}", 1, THREADS, "memory", "order", np.int32(stride),
            np.int32(_touched(case)), np.int32(_untimed(case)), np.int32(STEPS), "cycles", "last",
        ),
    ]  # fmt: skip


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Where the walk ends; `memory` holds addresses and is not compared."""
    order = buffers["order"]
    place = (_untimed(case) + STEPS) % len(order)
    return {"last": order[place : place + 1].astype(np.int64) * case["stride"]}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Load to use: the mean over the timed steps.

    It is L2's latency up to its capacity and DRAM's from 256 MiB of lines on. In between it is a mixture: the share of
    steps that hit is about the capacity divided by the bytes of lines.
    """
    return {"latency": Reading(int(buffers["cycles"][0]) / STEPS, "cycles")}
