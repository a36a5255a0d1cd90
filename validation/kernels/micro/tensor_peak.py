"""tensor_peak: mma.sync throughput of the whole GPU."""

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import Buffers, Case, Launch, Reading, launch

#: As in the source: tiles of a warp, and steps of one round; in each every tile of A meets every tile of B once.
TILES_A, TILES_B, STEPS = 4, 2, 4


def operands(threads: int, rng: np.random.Generator) -> NDArray[np.uint32]:
    """A row for each register of a thread: those of the tiles of A, then those of B, two halves a register.

    Random halves around zero. The second two tiles of A are the first two negated: four steps lead every sum back to
    where it was, so it keeps moving and does not grow until it no longer feels what is added.
    """
    first = rng.uniform(-1, 1, (TILES_A // 2 * 4, threads, 2))
    b = rng.uniform(-1, 1, (TILES_B * 2, threads, 2))
    return np.concatenate([first, -first, b]).astype(np.float16).view(np.uint32)[..., 0]


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Every warp of a block has tiles of its own; blocks share them."""
    return {
        "operands": operands(case["threads"], rng),
        "sink": np.zeros(case["blocks"] * case["threads"], np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One launch."""
    function = f"tensor_peak_{case['sums']}"
    return [launch(function, case["blocks"], case["threads"], "operands", "sink", np.int32(case["rounds"]))]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Two operations for each of 16 x 8 x 16 products and sums."""
    warps = case["blocks"] * case["threads"] // 32
    operations = 2 * 16 * 8 * 16 * TILES_A * TILES_B * STEPS * case["rounds"] * warps
    return {"peak": Reading(operations / seconds / 1e12, "TFLOP/s")}
