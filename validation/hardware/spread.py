"""Median and spread of repetitions, and the flags that a reader must see."""

from collections.abc import Sequence
from typing import Any

import numpy as np

#: Spread (P90 / P10 - 1) above which a row is flagged.
SPREAD_LIMIT = 0.03
#: Movement of the SM clock during the repetitions above which a row is flagged.
CLOCK_LIMIT = 0.02
#: Fewest repetitions of a row without a flag.
ENOUGH = 20


def summary(values: Sequence[float]) -> dict[str, Any]:
    """The columns value … spread of the schema; non-finite values are an error of the caller."""
    array = np.asarray(values, np.float64)
    if not len(array) or not np.isfinite(array).all():
        raise ValueError("no finite values to summarise")
    p10, median, p90 = np.percentile(array, (10, 50, 90))
    return {
        "value": float(median),
        "p10": float(p10),
        "p90": float(p90),
        "minimum": float(array.min()),
        "maximum": float(array.max()),
        "repetitions": len(array),
        "spread": float(p90 / p10 - 1) if p10 > 0 else None,
    }


def flags(columns: dict[str, Any], clocks_mhz: Sequence[float], throttled: bool) -> str | None:
    """The flags of a row, or None."""
    found = []
    if columns["spread"] is not None and columns["spread"] > SPREAD_LIMIT:
        found.append("spread")
    if throttled:
        found.append("throttled")
    if len(clocks_mhz) and max(clocks_mhz) > min(clocks_mhz) * (1 + CLOCK_LIMIT):
        found.append("clock")
    if columns["repetitions"] < ENOUGH:
        found.append("few")
    return " ".join(found) or None
