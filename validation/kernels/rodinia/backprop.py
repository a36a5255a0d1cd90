"""backprop: a layer of a neural network forwards, and the adjustment of its weights."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, launch, poison

HIDDEN = TILE = 16
RATE, MOMENTUM = 0.3, 0.3


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Inputs, weights and earlier changes in [0, 1); `sums` is not written in row 0 and column 0, so it starts at 0."""
    n = case["n"]
    shape = (n + 1, HIDDEN + 1)
    return {
        "input": rng.random(n + 1, np.float32),
        "weights": rng.random(shape, np.float32),
        "sums": np.zeros(shape, np.float32),
        "partial": poison((n // TILE, HIDDEN), np.float32),
        "delta": rng.random(HIDDEN + 1, np.float32),
        "change": rng.random(shape, np.float32),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Sixteen inputs a block in both kernels."""
    grid, block = (1, case["n"] // TILE), (HIDDEN, TILE)
    factors = np.float32(RATE), np.float32(MOMENTUM)
    return [
        launch("backprop_forward", grid, block, "input", "weights", "sums", "partial"),
        launch("backprop_adjust", grid, block, "delta", "input", "weights", "change", *factors),
    ]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The levels of the tree on all tiles at once; then the weights, with an input of 1 for the bias."""
    wide = {name: array.astype(np.float64) for name, array in buffers.items()}
    tiles = (wide["weights"][1:, 1:] * wide["input"][1:, None]).reshape(-1, TILE, HIDDEN)
    for half in (1, 2, 4, 8):
        tiles[:, :: 2 * half] += tiles[:, half :: 2 * half]
    sums = wide["sums"]
    sums[1:, 1:] = tiles.reshape(-1, HIDDEN)
    weights, change = wide["weights"], wide["change"]
    units = np.concatenate(([1.0], wide["input"][1:]))
    change[:, 1:] = RATE * np.outer(units, wide["delta"][1:]) + MOMENTUM * change[:, 1:]
    weights[:, 1:] += change[:, 1:]
    result = {"sums": sums, "partial": tiles[:, 0], "weights": weights, "change": change}
    return {name: array.astype(np.float32) for name, array in result.items()}
