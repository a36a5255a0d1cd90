"""When an output counts as right."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def error(expected: NDArray[Any], got: NDArray[Any]) -> float:
    """Largest distance over the largest expected magnitude; for integers the share of elements that differ."""
    if not expected.size:
        return 0.0
    if expected.dtype.kind != "f":
        return float(np.mean(expected != got))
    wide = expected.astype(np.float64)
    distance = float(np.max(np.abs(got.astype(np.float64) - wide)))  # NaN stays NaN
    scale = float(np.max(np.abs(wide)))
    return distance / scale if scale else distance


def mismatch(expected: NDArray[Any], got: NDArray[Any], tolerance: float) -> str | None:
    """Why `got` is not `expected`, or None.

    Integers must be equal. Floats may differ by `tolerance` times the largest expected magnitude: one wrong element is
    as visible in a large buffer as in a small one, and NaN never passes.
    """
    if expected.shape != got.shape or expected.dtype != got.dtype:
        return f"has {got.dtype}{list(got.shape)}, expected {expected.dtype}{list(expected.shape)}"
    if expected.dtype.kind != "f":
        wrong = np.flatnonzero(expected.reshape(-1) != got.reshape(-1))
        if not len(wrong):
            return None
        at = int(wrong[0])
        values = f"{got.reshape(-1)[at]}, expected {expected.reshape(-1)[at]}"
        return f"{len(wrong):,} of {expected.size:,} elements differ, the first at {at}: {values}"
    if not expected.size:
        return None
    wide = expected.reshape(-1).astype(np.float64)
    distance = np.abs(got.reshape(-1).astype(np.float64) - wide)
    at = int(np.argmax(np.where(np.isnan(distance), np.inf, distance)))
    scale = float(np.max(np.abs(wide)))
    if distance[at] <= tolerance * scale:  # false for NaN
        return None
    values = f"{float(got.reshape(-1)[at]):.9g}, expected {wide[at]:.9g}"
    return f"element {at} is {values}: off by more than {tolerance:g} of the largest magnitude ({scale:.3g})"
