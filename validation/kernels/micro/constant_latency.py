"""constant_latency: chase of offsets through constant memory by working set."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, ceil_div, launch, poison

LINE, WORDS = 64, 16
#: Lines of each chain, as in the source.
LINES = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 640, 768, 896, 1024)
STRIDE = 11  # lines
STEPS = 4096  # timed; a multiple of 32


def _untimed(case: Case) -> int:
    return ceil_div(int(case["bytes"]) // LINE, 32) * 32


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """The chains are part of the program."""
    return {"cycles": poison(1, np.int64), "last": poison(1, np.uint32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread; an untimed lap comes first."""
    chain = LINES.index(case["bytes"] // LINE)
    steps = np.int32(_untimed(case)), np.int32(STEPS)
    return [launch("constant_chase", 1, 1, np.int32(chain), *steps, "cycles", "last")]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Where the chain ends."""
    lines = case["bytes"] // LINE
    line = (_untimed(case) + STEPS) * STRIDE % lines
    return {"last": np.array([(line * WORDS + LINES.index(lines)) * 4], np.uint32)}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Load to use: the mean over the timed steps."""
    return {"latency": Reading(int(buffers["cycles"][0]) / STEPS, "cycles")}
