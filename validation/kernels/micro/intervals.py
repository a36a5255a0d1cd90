"""Intervals that `measure` of ptx/steps.cuh writes: for each warp start and stop of a loop and of one twice as long."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def intervals(warps: int) -> NDArray[Any]:
    """A buffer for the clocks of one block; it stays zero where the kernel finds its instruction missing."""
    return np.zeros((warps, 2, 2), np.int64)


def longer_by(clocks: NDArray[Any]) -> int:
    """Cycles that the longer loop took beyond the shorter, from the first warp's start to the last warp's stop."""
    spans = clocks[:, :, 1].max(axis=0) - clocks[:, :, 0].min(axis=0)
    return int(spans[1] - spans[0])
