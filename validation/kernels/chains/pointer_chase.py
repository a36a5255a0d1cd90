"""pointer_chase: dependent loads through a random cycle of 128-byte lines."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch, poison

LINE = 16  # links (of 8 bytes) in a line, of which the first is used


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """One cycle through all lines, in random order."""
    lines = case["bytes"] // 128
    order = rng.permutation(lines)
    links = np.zeros(lines * LINE, np.uint64)
    links[order * LINE] = np.roll(order, -1) * LINE
    return {"links": links, "end": poison(1, np.uint64)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread."""
    return [launch("pointer_chase", 1, 1, "links", "end", np.int32(case["steps"]))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Follows the links, by number of line."""
    following = (buffers["links"][::LINE] // LINE).tolist()
    at = 0
    for _ in range(case["steps"]):
        at = following[at]
    return {"end": np.array([at * LINE], np.uint64)}
