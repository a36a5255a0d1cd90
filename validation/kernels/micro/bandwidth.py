"""bandwidth: reads, writes and copies that stay in L1, in L2 or go to DRAM."""

import numpy as np

from validation.kernels.micro.stamps import rates, unwritten
from validation.kernels.model import Buffers, Case, Launch, Reading, launch, poison

THREADS = 256
ELEMENT = 16  # bytes a lane takes at once


def _chunk(case: Case) -> int:
    return int(case["kib"]) * 1024 // ELEMENT


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Random words to read; what is written comes out as numbers or as these words."""
    words = case["ctas"] * _chunk(case) * 4
    buffers: Buffers = {"stamps": unwritten(case["ctas"])}
    if case["function"] != "store":
        buffers["x"] = rng.integers(0, 1 << 32, words, np.uint32)
    if case["function"].startswith("read"):
        buffers["sums"] = poison(case["ctas"] * THREADS, np.uint32)
    else:
        buffers["y"] = poison(words, np.uint32)
    return buffers


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One chunk a CTA; only reads bring it in first."""
    sizes = np.int32(_chunk(case)), np.int32(case["passes"])
    arguments: tuple[str | np.generic, ...]
    if case["function"].startswith("read"):
        arguments = "x", "sums", "stamps", sizes[0], np.int32(case["untimed"]), sizes[1]
    elif case["function"] == "store":
        arguments = "y", "stamps", *sizes
    else:
        arguments = "x", "y", "stamps", *sizes
    return [launch(case["function"], case["ctas"], THREADS, *arguments)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Each thread's sum over all passes, the copy, or each element's place in its chunk plus the last pass's number."""
    if case["function"].startswith("read"):
        once = buffers["x"].reshape(case["ctas"], -1, THREADS, 4).sum(axis=(1, 3), dtype=np.uint32)
        return {"sums": (once * np.uint32(case["untimed"] + case["passes"])).reshape(-1)}
    if case["function"] == "store":
        places = np.arange(_chunk(case), dtype=np.uint32) + np.uint32(case["passes"] - 1)
        return {"y": np.tile(np.repeat(places, 4), case["ctas"])}
    return {"y": buffers["x"]}


def readings(case: Case, buffers: Buffers, seconds: float) -> dict[str, Reading]:
    """Bytes read plus bytes written. `rate` is by the run's time, the others by the SMs' own clocks.

    `whole` adds up what each SM did in its own time: it leaves out the start and the tail of the launch.
    """
    once = _chunk(case) * ELEMENT * (2 if case["function"].startswith("copy") else 1)
    by_sm = rates(buffers["stamps"], once * case["passes"])
    found = {"per_sm": Reading(float(np.median(by_sm)), "B/cycle")}
    if case["ctas"] > 1:
        total = once * (case["untimed"] + case["passes"]) * case["ctas"]
        found["whole"] = Reading(float(by_sm.sum()), "B/cycle")
        found["rate"] = Reading(total / seconds / 1e9, "GB/s")
    return found
