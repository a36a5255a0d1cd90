"""pathfinder: the cheapest way down a wall, each step straight or one aside."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

WIDTH = 256


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Costs of 0 to 9 a cell; the first row stands in `even`, the others in `wall`."""
    rows, columns = case["rows"], case["columns"]
    return {
        "wall": rng.integers(0, 10, (rows - 1, columns), np.int32),
        "even": rng.integers(0, 10, columns, np.int32),
        "odd": poison(columns, np.int32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """`pyramid` rows a launch, to and fro between the buffers."""
    rows, columns, pyramid = case["rows"] - 1, case["columns"], case["pyramid"]
    made, names = [], ("even", "odd")
    for first in range(0, rows, pyramid):
        count = min(pyramid, rows - first)
        numbers = np.int32(columns), np.int32(first), np.int32(count)
        made.append(launch("pathfinder", ceil_div(columns, WIDTH - 2 * count), WIDTH, "wall", *names, *numbers))
        names = names[::-1]
    return made


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Whole rows; the buffers hold the costs after the last launch and after the one before."""
    now, before = buffers["even"], buffers["odd"]
    last, other = "even", "odd"
    for at, wall in enumerate(buffers["wall"]):
        if at % case["pyramid"] == 0:
            before, last, other = now, other, last
        padded = np.pad(now, 1, mode="edge")
        now = np.minimum(now, np.minimum(padded[:-2], padded[2:])) + wall
    return {last: now, other: before}
