"""The matrix that gaussian and lud eliminate in."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def without_pivoting(n: int, rng: np.random.Generator) -> NDArray[Any]:
    """Elements in [-1, 1), whose matrix has a norm near 1.2 sqrt(n), and 2 sqrt(n) more on the diagonal.

    So it needs no pivoting, and the multipliers (lud's factors off the diagonal) stay large enough for an error in them
    to be seen.
    """
    a = 2 * rng.random((n, n), np.float32) - np.float32(1)
    a[np.diag_indices(n)] += np.float32(2 * np.sqrt(n))
    return a
