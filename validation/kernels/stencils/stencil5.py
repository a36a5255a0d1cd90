"""stencil5: one 2-D 5-point Jacobi step."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

WIDTH, HEIGHT = 32, 8
CENTRE, SIDE = 0.4, 0.15


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A grid in [0, 1) and one to write."""
    shape = (case["rows"], case["columns"])
    return {"in": rng.random(shape, np.float32), "out": poison(shape, np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a cell."""
    rows, columns = case["rows"], case["columns"]
    grid = ceil_div(columns, WIDTH), ceil_div(rows, HEIGHT)
    sizes = np.int32(rows), np.int32(columns)
    return [launch("stencil5", grid, (WIDTH, HEIGHT), "in", "out", *sizes, np.float32(CENTRE), np.float32(SIDE))]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Sums of shifted views; the border is copied."""
    cells = buffers["in"].astype(np.float64)
    out = cells.copy()
    sides = cells[:-2, 1:-1] + cells[2:, 1:-1] + cells[1:-1, :-2] + cells[1:-1, 2:]
    out[1:-1, 1:-1] = CENTRE * cells[1:-1, 1:-1] + SIDE * sides
    return {"out": out.astype(np.float32)}
