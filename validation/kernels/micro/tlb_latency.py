"""tlb_latency: pointer chase with one stop a page."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, ceil_div, launch, poison

STEPS = 8192  # timed; a multiple of 64
LINE = 128


def _untimed(case: Case) -> int:
    return ceil_div(int(case["pages"]), 64) * 64


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """The pages in a random order, each once, with a random line in each: no set of a cache gets them all."""
    pages, page = int(case["pages"]), int(case["page"])
    lines = rng.integers(0, page // LINE, pages, np.int64)
    return {
        "memory": poison(pages * page, np.uint8),
        "stops": rng.permutation(pages).astype(np.int64) * page + lines * LINE,
        "cycles": poison(1, np.int64),
        "last": poison(1, np.int64),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Links the stops; then one thread makes a full tour unwatched and a timed one."""
    pages = int(case["pages"])
    return [
        launch("link_stops", ceil_div(pages, 256), 256, "memory", "stops", np.int32(pages)),
        launch(
            f"tour_{case['operator']}", 1, 1, "memory", "stops", np.int32(_untimed(case)), np.int32(STEPS),
            "cycles", "last",
        ),
    ]  # fmt: skip


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Where the tour ends; `memory` holds addresses and is not compared."""
    stops = buffers["stops"]
    place = (_untimed(case) + STEPS) % len(stops)
    return {"last": stops[place : place + 1].copy()}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Load to use with the translation: the mean over the timed steps."""
    return {"latency": Reading(int(buffers["cycles"][0]) / STEPS, "cycles")}
