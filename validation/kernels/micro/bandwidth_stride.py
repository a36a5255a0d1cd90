"""bandwidth_stride: useful read bandwidth by the lanes' stride."""

import numpy as np

from validation.kernels.micro.stamps import rates, unwritten
from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

THREADS, LOADS, MOST_THREADS = 256, 8, 1024
L1_WORDS = LOADS * 1024
PASSES = {"l1": (1, 1024), "l2": (1, 32), "dram": (0, 1)}  # untimed, timed


def _chunks(case: Case) -> int:
    return int(case["mib"]) * 2**20 // (THREADS * LOADS * int(case["stride"]) * 4)


def _ctas(case: Case) -> int:
    return _chunks(case) if case["level"] == "dram" else {"l1": 1, "l2": 2048}[case["level"]]


def _threads(case: Case) -> int:
    """L1 answers fast: it takes all the warps of a CTA to keep it busy."""
    return MOST_THREADS if case["level"] == "l1" else THREADS


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Random words."""
    words = L1_WORDS if case["level"] == "l1" else case["mib"] * 2**18
    return {
        "x": rng.integers(0, 1 << 32, words, np.uint32),
        "sums": poison(_ctas(case) * _threads(case), np.uint32),
        "stamps": unwritten(_ctas(case)),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """L1: one CTA. L2: more CTAs than chunks, several chunks each. DRAM: one chunk a CTA, everything once."""
    untimed, passes = PASSES[case["level"]]
    stride = np.int32(case["stride"])
    if case["level"] == "l1":
        return [launch("read_l1", 1, MOST_THREADS, "x", "sums", "stamps", stride, np.int32(0), np.int32(passes))]
    return [
        launch(
            "read_l2", _ctas(case), THREADS, "x", "sums", "stamps", stride, np.int32(_chunks(case)),
            np.int32(untimed), np.int32(passes),
        ),
    ]  # fmt: skip


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Each thread's sum over all passes."""
    untimed, passes = PASSES[case["level"]]
    stride, x = case["stride"], buffers["x"]
    if case["level"] == "l1":
        lanes = x.reshape(LOADS, -1)[:, : 32 * stride : stride].sum(axis=0, dtype=np.uint32)
        return {"sums": np.tile(lanes * np.uint32(untimed + passes), MOST_THREADS // 32)}
    chunks = x.reshape(-1, LOADS, THREADS, stride)[..., 0].sum(axis=1, dtype=np.uint32)
    first = np.arange(_ctas(case)) % len(chunks)
    sums = np.zeros((len(first), THREADS), np.uint32)
    for each in range(untimed + passes):
        sums += chunks[(first + each) % len(chunks)]
    return {"sums": sums.reshape(-1)}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Bytes that the lanes wanted; `interval` is an SM's time for one load of a warp."""
    untimed, passes = PASSES[case["level"]]
    once = _threads(case) * LOADS * 4
    by_sm = rates(buffers["stamps"], once * passes)
    found = {
        "useful_per_sm": Reading(float(np.median(by_sm)), "B/cycle"),
        "interval": Reading(128 / float(np.median(by_sm)), "cycles"),
    }
    if case["level"] != "l1":
        total = once * (untimed + passes) * _ctas(case)
        found["useful_whole"] = Reading(float(by_sm.sum()), "B/cycle")
        found["useful"] = Reading(total / seconds / 1e9, "GB/s")
    return found
