"""instructions: latency and throughput of single instructions.

A step of a chain is one SASS instruction wherever the assembler allows it; `sass` in the YAML and `ELSEWHERE` below
name the others. A step is several instructions where PTX has no single one (clz; sin and cos, which scale first), where
the assembler would fold a chain of the instruction alone (rcp of rcp, abs of abs, min of min), or where another must
carry the dependence (a comparison before vote, cs2r and s2r; a move from the uniform register file after redux).
The latency is that of the whole step, the throughput counts whole steps.

On sm_120 the assembler puts four NOPs beside each double-precision instruction; the readings hold them. The chip's
uniform datapath is not here: PTX cannot ask for it.
"""

import numpy as np

from validation.kernels.micro.intervals import intervals, longer_by
from validation.kernels.model import Buffers, Case, Launch, Reading, launch

#: As in the source: steps of the shorter loop, chains of a warp. The longer loop has twice the steps.
LATENCY_STEPS, THROUGHPUT_STEPS, CHAINS = 32, 8, 4
ROUNDS, WARPS = 64, 32

#: What the assembler (CUDA 13.0) makes of a step where it is not what the YAML says.
ELSEWHERE: dict[str, dict[tuple[int, ...], str]] = {
    "iadd64": {(120,): "IADD.64 + IADD.64"},
    "imnmx": {(90, 100): "VIMNMX + VIMNMX", (120,): "VIMNMX.S32 + VIMNMX.S32"},
    "sad4": {(120,): "VIMNMX.U8x4 + VIMNMX.U8x4 + VIADD.U8x4 + IDP.4A.U8.U8 + IADD3"},
    "sad": {(120,): "VIMNMX.S32 + VIMNMX.S32 + IADD3"},
    "ffma2": {(120,): "FFMA + FFMA"},
    "hadd2": {(75, 86, 89): "HADD2", (100, 120): "HADD2 / HFMA2"},
    "hmul2": {(75, 86, 89): "HMUL2", (100, 120): "HFMA2 / HMUL2"},
    "hfma2": {(75, 86, 89, 100, 120): "HFMA2"},
    "hadd2_bf16": {(100, 120): "HADD2.BF16_V2 / HFMA2.BF16_V2"},
    "hmul2_bf16": {(100, 120): "HFMA2.BF16_V2 / HMUL2.BF16_V2"},
    "hfma2_bf16": {(90,): "HFMA2.BF16_V2 / HFMA2.MMA.BF16_V2"},
    "i2f": {(86, 89, 90, 100, 120): "I2FP.F32.S32"},
    "f2f_f16x2_f32": {(89, 90, 100, 120): "F2FP.F16.F32.PACK_AB"},
    "f2f_bf16x2_f32": {(89, 90, 100, 120): "F2FP.BF16.F32.PACK_AB"},
    "match_all": {(75,): "MATCH.ANY + LOP3.LUT + ISETP.EQ.U32.AND + SEL"},
    "redux": {(120,): "REDUX.SUM.S32 + MOV"},
    "viaddmax_s32": {(120,): "IADD3 + VIMNMX.S32"},
    "viaddmax_s32_relu": {(120,): "IADD3 + VIMNMX.S32.RELU"},
    "viaddmax_s16x2": {(120,): "VIADD.16x2 + VIMNMX.S16x2"},
    "vimax3_s32": {(120,): "VIMNMX.S32 + VIMNMX.S32"},
    "vimax3_s32_relu": {(120,): "VIMNMX.S32.RELU + VIMNMX.S32.RELU"},
    "vimax3_s16x2": {(120,): "VIMNMX.S16x2 + VIMNMX.S16x2"},
}


def sass(case: Case, architecture: int) -> str:
    """The SASS of one step on an architecture that has it."""
    for architectures, text in ELSEWHERE.get(case["instruction"], {}).items():
        if architecture in architectures:
            return text
    return str(case["sass"])


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Small numbers that differ between the lanes (match has 32 groups to find); clocks of zero mean: not run."""
    return {
        "seed": np.array([1 + rng.permutation(32) for _ in range(CHAINS + 4)], np.int32),
        "sink": np.zeros(CHAINS * WARPS * 32, np.float64),
        "alone": intervals(1),
        "together": intervals(WARPS),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One warp with one chain, then one block of as many warps as an SM takes, with four chains each."""
    name, rounds = case["instruction"], np.int32(ROUNDS)
    return [
        launch(f"latency_{name}", 1, 32, "alone", "seed", "sink", rounds),
        launch(f"throughput_{name}", 1, WARPS * 32, "together", "seed", "sink", rounds),
    ]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Cycles from one step to the next, and steps of 32 threads that an SM completes in a cycle."""
    alone, together = longer_by(buffers["alone"]), longer_by(buffers["together"])
    if alone <= 0 or together <= 0:
        return {}
    results = 32 * WARPS * CHAINS * THROUGHPUT_STEPS * ROUNDS
    return {
        "latency": Reading(alone / (LATENCY_STEPS * ROUNDS), "cycles"),
        "throughput": Reading(results / together, "results/cycle/SM"),
    }
