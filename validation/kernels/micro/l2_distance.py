"""l2_distance: latency of L2 hits from every SM to some lines."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

LOADS = 4  # that `cycles` are of
LINE = 128
SMS = 1024  # room for the SM numbers of any GPU


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Lines scattered over a stretch of memory that fits any L2; an SM that is not there leaves zeros."""
    bytes_, count = int(case["bytes"]), int(case["lines"])
    return {
        "memory": poison(bytes_, np.uint8),
        "lines": rng.choice(bytes_ // LINE, count, replace=False).astype(np.uint32),
        "order": np.zeros(2, np.int32),
        "seen": np.zeros(SMS, np.int32),
        "cycles": np.zeros((SMS, count), np.int64),
        "wrong": np.zeros(1, np.int32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Many more CTAs than SMs, each filling half an SM or more, so that none is left out; one CTA an SM stays."""
    count, sms = np.int32(case["lines"]), np.int32(SMS)
    return [
        launch("prepare", 1, 1024, "memory", "lines", count, "order", "seen", sms),
        launch("visit", case["ctas"], 1024, "memory", "lines", count, "order", "seen", sms, "cycles", "wrong"),
    ]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """No pointer led away from its line; the rest depends on the GPU."""
    return {"wrong": np.zeros(1, np.int32)}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Extremes over all pairs of SM and line, and how the pairs differ.

    `near` and `far` are the means of each line's nearer and farther half of the SMs: with two L2 partitions they stand
    as far apart as these, with one nearly together. `separable` is the share of the variance that a term for the SM
    plus a term for the line explain: near 1 with one partition, low with two, where it is the pairing that counts.
    """
    latency = buffers["cycles"][buffers["seen"] != 0] / LOADS
    by_distance = np.sort(latency, axis=0)
    half = len(latency) // 2
    by_sm, by_line = latency.mean(axis=1), latency.mean(axis=0)
    rest = latency - by_sm[:, None] - by_line[None, :] + latency.mean()
    variance = latency.var()
    return {
        "sms": Reading(len(latency), "SMs"),
        "minimum": Reading(float(latency.min()), "cycles"),
        "median": Reading(float(np.median(latency)), "cycles"),
        "maximum": Reading(float(latency.max()), "cycles"),
        "near": Reading(float(by_distance[:half].mean()), "cycles"),
        "far": Reading(float(by_distance[len(latency) - half :].mean()), "cycles"),
        "spread_of_sms": Reading(float(by_sm.max() - by_sm.min()), "cycles"),
        "spread_of_lines": Reading(float(by_line.max() - by_line.min()), "cycles"),
        "separable": Reading(float(1 - rest.var() / variance) if variance > 0 else 1.0, "of the variance"),
    }
