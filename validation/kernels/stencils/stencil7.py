"""stencil7: one 3-D 7-point Jacobi step."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

CENTRE, SIDE = 0.4, 0.1


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A grid in [0, 1) and one to write; x runs fastest."""
    shape = (case["nz"], case["ny"], case["nx"])
    return {"in": rng.random(shape, np.float32), "out": poison(shape, np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a column (x, y)."""
    block = case["width"], case["height"]
    grid = ceil_div(case["nx"], block[0]), ceil_div(case["ny"], block[1])
    sizes = [np.int32(case[axis]) for axis in ("nx", "ny", "nz")]
    return [launch("stencil7", grid, block, "in", "out", *sizes, np.float32(CENTRE), np.float32(SIDE))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Sums of shifted views; the border is copied."""
    cells = buffers["in"].astype(np.float64)
    out = cells.copy()
    middle = slice(1, -1)
    sides = cells[:-2, middle, middle] + cells[2:, middle, middle]
    sides += cells[middle, :-2, middle] + cells[middle, 2:, middle]
    sides += cells[middle, middle, :-2] + cells[middle, middle, 2:]
    out[middle, middle, middle] = CENTRE * cells[middle, middle, middle] + SIDE * sides
    return {"out": out.astype(np.float32)}
