"""flash_attention: softmax(Q K' / 8) V of each head, dimension 64, in halves."""

import math

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

WIDTH, TILE, BLOCK = 64, 64, 128


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Q and K in [-2, 2), so that the weights of a row differ by a factor of some hundreds, V in [-1, 1)."""
    heads, queries, keys = case["heads"], case["queries"], case["keys"]

    def uniform(rows: int, bound: float) -> NDArray[np.float16]:
        unit = rng.random((heads, rows, WIDTH), np.float32)
        return ((2 * unit - 1) * np.float32(bound)).astype(np.float16)

    return {
        "q": uniform(queries, 2.0),
        "k": uniform(keys, 2.0),
        "v": uniform(keys, 1.0),
        "o": poison((heads, queries, WIDTH), np.float16),
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One block a head and 64 queries."""
    heads, queries, keys = case["heads"], case["queries"], case["keys"]
    sizes = np.int32(queries), np.int32(keys), np.int32(case["causal"])
    scale = np.float32(math.log2(math.e) / math.sqrt(WIDTH))
    return [launch("flash_attention", (ceil_div(queries, TILE), heads), BLOCK, "q", "k", "v", "o", *sizes, scale)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In float64 with the whole matrix of scores, a head at a time."""
    queries, keys = case["queries"], case["keys"]
    hidden = np.arange(keys) > np.arange(queries)[:, None] + keys - queries
    out = np.empty(buffers["o"].shape, np.float16)
    for head in range(case["heads"]):
        q, k, v = (buffers[name][head].astype(np.float64) for name in "qkv")
        scores = q @ k.T / math.sqrt(WIDTH)
        if case["causal"]:
            scores[hidden] = -np.inf
        weights = np.exp(scores - scores.max(axis=1, keepdims=True))
        out[head] = weights @ v / weights.sum(axis=1, keepdims=True)
    return {"o": out}
