"""What CTAs note about themselves: the number of their SM and its clock when they begin and when they end."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import poison


def unwritten(ctas: int) -> NDArray[Any]:
    """A buffer of such notes: rows of SM, start and stop."""
    return poison((ctas, 3), np.int64)


def rates(stamps: NDArray[Any], amount: float) -> NDArray[np.float64]:
    """What each SM did in a cycle from its first CTA's start to its last one's stop, if every CTA did `amount`.

    The clocks of two SMs are never compared.
    """
    sm, start, stop = stamps.T
    found, place, ctas = np.unique(sm, return_inverse=True, return_counts=True)
    first, last = np.full(len(found), np.iinfo(np.int64).max), np.zeros(len(found), np.int64)
    np.minimum.at(first, place, start)
    np.maximum.at(last, place, stop)
    done: NDArray[np.float64] = ctas * amount / (last - first)
    return done
