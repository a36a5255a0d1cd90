"""mma_shapes: latency of mma.sync and its rate by warps of an SM.

A case's name holds rows, columns and depth, the type of the operands and that of the sums. Products are counted as two
operations for each element of depth, also in sparse products (`sp_`), which skip half of them, as data sheets count.

What the chips lack is not the same everywhere. On sm_90 and later the compiler computes s4 (sm_100: also b1) in a
subroutine, and the readings are of that. FP8 is read where mma.sync has it in hardware, sm_89 and sm_120. sm_100 splits
double precision into m8n8k4; sm_120 puts dozens of NOPs after it.
"""

import re

import numpy as np

from validation.kernels.micro.intervals import intervals, longer_by
from validation.kernels.model import Buffers, Case, Launch, Reading, launch

#: As in the source: steps of the shorter loop, and the independent sums of a warp in the throughput kernels.
LATENCY_STEPS, THROUGHPUT_STEPS, SUMS = 16, 4, 8
ROUNDS = 64
WARPS = (1, 4, 8, 16)
_NAME = re.compile(r"(?:sp_)?m(\d+)n(\d+)k(\d+)_(\w+)_(\w+)")


def _parts(case: Case) -> tuple[int, str]:
    """Operations of one instruction, and the type of its sums."""
    found = _NAME.fullmatch(case["mma"])
    if not found:
        raise ValueError(f"{case['mma']}: not a name such as m16n8k16_f16_f32")
    rows, columns, depth = (int(found[i]) for i in (1, 2, 3))
    return 2 * rows * columns * depth, found[5]


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Small operands: integers, whose bits also serve as tiny floats, or doubles."""
    double = _parts(case)[1] == "f64"
    return {
        "seed": rng.integers(1, 64, (8, 32)).astype(np.float64 if double else np.int32),
        "sink": np.zeros(32 * max(WARPS), np.float64),
        "alone": intervals(1),
        **{f"warps_{count}": intervals(count) for count in WARPS},
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp with one chain, then one block of each number of warps with eight sums a warp."""
    name, rounds = case["mma"], np.int32(ROUNDS)
    rest = ("seed", "sink", rounds)
    return [
        launch(f"latency_{name}", 1, 32, "alone", *rest),
        *(launch(f"throughput_{name}", 1, 32 * count, f"warps_{count}", *rest) for count in WARPS),
    ]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Cycles from one product to the next that adds to it, and operations of an SM in a cycle."""
    operations, sums = _parts(case)
    unit = "op/cycle/SM" if sums == "s32" else "flop/cycle/SM"
    alone = longer_by(buffers["alone"])
    if alone <= 0:
        return {}
    found = {"latency": Reading(alone / (LATENCY_STEPS * ROUNDS), "cycles")}
    for count in WARPS:
        cycles = longer_by(buffers[f"warps_{count}"])
        if cycles > 0:
            products = count * SUMS * THROUGHPUT_STEPS * ROUNDS
            found[f"rate_warps_{count}"] = Reading(operations * products / cycles, unit)
    return found
