"""mandelbrot: how many steps each point of a picture stays near the origin, at most `limit`."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

#: The corner where row and column are 0; the picture is 2.5 high.
LEFT = np.float32(-2.0)
TOP = np.float32(-1.25)


def _step(case: Case) -> np.float32:
    return np.float32(2.5 / case["height"])


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Only the counts, to write."""
    return {"counts": poison((case["height"], case["width"]), np.int32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """A block of 32 x 8 threads, so that a warp is a piece of a row."""
    width, height = case["width"], case["height"]
    grid = ceil_div(width, 32), ceil_div(height, 8)
    extents = np.int32(width), np.int32(height), np.int32(case["limit"])
    return [launch("mandelbrot", grid, (32, 8), "counts", *extents, LEFT, TOP, _step(case))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The kernel's own operations in single precision, on the points that are still inside."""
    columns, rows = (np.arange(case[key], dtype=np.float32) for key in ("width", "height"))
    cx, cy = (c.reshape(-1) for c in np.meshgrid(LEFT + _step(case) * columns, TOP + _step(case) * rows))
    counts = np.zeros(len(cx), np.int32)
    inside = np.arange(len(cx))
    x, y = np.zeros_like(cx), np.zeros_like(cx)
    for _ in range(case["limit"]):
        xx, yy = x * x, y * y
        stays = xx + yy <= 4
        inside, x, y, xx, yy = (part[stays] for part in (inside, x, y, xx, yy))
        counts[inside] += 1
        x, y = (xx - yy) + cx[inside], (x + x) * y + cy[inside]
    return {"counts": counts.reshape(case["height"], case["width"])}
