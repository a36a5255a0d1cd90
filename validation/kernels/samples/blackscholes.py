"""blackscholes: prices of European options."""

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

RATE = np.float32(0.02)
VOLATILITY = np.float32(0.3)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Prices of 5 to 30, strikes of 1 to 100, a quarter of a year to ten years; calls and puts to write."""
    n = int(case["n"])
    ranges = {"price": (5, 30), "strike": (1, 100), "years": (0.25, 10)}
    given = {name: (low + (high - low) * rng.random(n)).astype(np.float32) for name, (low, high) in ranges.items()}
    return {**given, "call": poison(n, np.float32), "put": poison(n, np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread an option."""
    n, block = case["n"], case["block"]
    names = "price", "strike", "years", "call", "put"
    return [launch("blackscholes", ceil_div(n, block), block, *names, RATE, VOLATILITY, np.int32(n))]


def _normal_below(d: NDArray[np.float64]) -> NDArray[np.float64]:
    k = 1 / (1 + 0.2316419 * np.abs(d))
    series = np.zeros_like(k)
    for coefficient in (1.330274429, -1.821255978, 1.781477937, -0.356563782, 0.319381530):
        series = (series + coefficient) * k
    beyond = np.exp(-d * d / 2) / np.sqrt(2 * np.pi) * series
    below: NDArray[np.float64] = np.where(d > 0, 1 - beyond, beyond)
    return below


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The same approximation of the normal distribution in double precision."""
    price, strike, years = (buffers[name].astype(np.float64) for name in ("price", "strike", "years"))
    rate, volatility = float(RATE), float(VOLATILITY)
    spread = volatility * np.sqrt(years)
    d1 = (np.log(price / strike) + (rate + volatility**2 / 2) * years) / spread
    discounted, n1, n2 = strike * np.exp(-rate * years), _normal_below(d1), _normal_below(d1 - spread)
    return {
        "call": (price * n1 - discounted * n2).astype(np.float32),
        "put": (discounted * (1 - n2) - price * (1 - n1)).astype(np.float32),
    }
