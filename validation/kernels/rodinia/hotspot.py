"""hotspot: heat flow on a chip in explicit time steps."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

TILE = 16
#: Time step over heat capacity, conductances along x, y and to the air, temperature of the air.
PER_CAPACITY, ACROSS, DOWN, UP, AMBIENT = 0.5, 0.3, 0.2, 0.05, 300.0


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Temperatures of 300 to 350 K, a power that warms a cell by up to 5 K a step, and the other temperature buffer."""
    shape = (case["rows"], case["columns"])
    return {
        "power": 10 * rng.random(shape, np.float32),
        "even": 300 + 50 * rng.random(shape, np.float32),
        "odd": poison(shape, np.float32),
    }


def _steps(case: Case) -> list[int]:
    """The time steps of each launch."""
    whole, rest = divmod(case["steps"], case["pyramid"])
    return [case["pyramid"]] * whole + [rest] * (rest > 0)


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """`pyramid` steps a launch, to and fro between the buffers."""
    rows, columns = case["rows"], case["columns"]
    constants = [np.float32(value) for value in (PER_CAPACITY, ACROSS, DOWN, UP, AMBIENT)]
    made, names = [], ("even", "odd")
    for steps in _steps(case):
        grid = ceil_div(columns, TILE - 2 * steps), ceil_div(rows, TILE - 2 * steps)
        sizes = np.int32(rows), np.int32(columns), np.int32(steps)
        made.append(launch("hotspot", grid, (TILE, TILE), "power", *names, *sizes, *constants))
        names = names[::-1]
    return made


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The steps on the whole grid, padded with its own border."""
    now, before = buffers["even"].astype(np.float64), buffers["odd"].astype(np.float64)
    for steps in _steps(case):
        now, before = now.copy(), now
        for _ in range(steps):
            padded = np.pad(now, 1, mode="edge")
            vertical = padded[:-2, 1:-1] + padded[2:, 1:-1] - 2 * now
            horizontal = padded[1:-1, :-2] + padded[1:-1, 2:] - 2 * now
            flow = buffers["power"] + DOWN * vertical + ACROSS * horizontal + UP * (AMBIENT - now)
            now = now + PER_CAPACITY * flow
    last, other = ("odd", "even") if len(_steps(case)) % 2 else ("even", "odd")
    return {last: now.astype(np.float32), other: before.astype(np.float32)}
