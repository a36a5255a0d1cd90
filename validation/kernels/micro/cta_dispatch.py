"""cta_dispatch: when and where the blocks of a grid start."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """For each block the GPU's clock, the SM's clock and the SM; -1 where a block did not write."""
    blocks = case["blocks"]
    return {
        "nanoseconds": np.full(blocks, -1, np.int64),
        "cycles": np.full(blocks, -1, np.int64),
        "sm": np.full(blocks, -1, np.int32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One launch."""
    return [launch("dispatch", case["blocks"], case["threads"], "nanoseconds", "cycles", "sm", np.int32(case["hold"]))]


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """From the first start to the last, starts a time, cycles between starts on one SM, and the order of the SMs.

    The GPU's clock ticks in steps of up to 1 us: a span shorter than a few of them gives no rate. An SM has places for
    one or two blocks of 1024 threads: their `rate` is how soon a place is free again, not how fast blocks can be sent.
    """
    starts, sm = buffers["nanoseconds"], buffers["sm"]
    span = float(starts.max() - starts.min()) / 1e3
    found = {"sms": Reading(float(len(np.unique(sm))), "SMs"), "span": Reading(span, "us")}
    if span > 4:
        found["rate"] = Reading((len(starts) - 1) / span, "blocks/us")
    gaps = [np.diff(np.sort(buffers["cycles"][sm == number])) for number in np.unique(sm)]
    together = np.concatenate(gaps)
    if len(together):
        found["gap_on_sm"] = Reading(float(np.median(together)), "cycles")
    _, firsts = np.unique(sm, return_index=True)
    round_ = int(np.setdiff1d(np.arange(len(sm)), firsts, assume_unique=True).min(initial=len(sm)))
    found["first_round"] = Reading(float(round_), "blocks")
    if round_ > 1:
        steps, counts = np.unique(np.diff(sm[:round_]), return_counts=True)
        found["sm_step"] = Reading(float(steps[counts.argmax()]), "SMs")
    return found
