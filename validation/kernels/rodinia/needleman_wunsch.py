"""needleman_wunsch: scores of the global alignment of two sequences of length n."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

TILE = 16
PENALTY = 10


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Random similarities in the range of a substitution matrix; row 0 and column 0 of the scores are gaps."""
    n = case["n"]
    score = poison((n + 1, n + 1), np.int32)
    score[0, :] = score[:, 0] = -PENALTY * np.arange(n + 1)
    return {"similarity": rng.integers(-4, 12, (n + 1, n + 1), np.int32), "score": score}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One launch an anti-diagonal of tiles."""
    n = case["n"]
    tiles = ceil_div(n, TILE)
    common = "similarity", "score", np.int32(n), np.int32(PENALTY)
    made = []
    for diagonal in range(tiles):
        made.append(launch("needleman_wunsch_growing", diagonal + 1, TILE, *common, np.int32(diagonal)))
    for diagonal in range(tiles, 2 * tiles - 1):
        rest = np.int32(diagonal), np.int32(tiles)
        made.append(launch("needleman_wunsch_shrinking", 2 * tiles - 1 - diagonal, TILE, *common, *rest))
    return made


def reference(case: Case, buffers: Buffers) -> Buffers:
    """One anti-diagonal of cells at a time."""
    n, similarity, score = case["n"], buffers["similarity"], buffers["score"].copy()
    for diagonal in range(2, 2 * n + 1):
        row = np.arange(max(1, diagonal - n), min(n, diagonal - 1) + 1)
        column = diagonal - row
        matched = score[row - 1, column - 1] + similarity[row, column]
        gapped = np.maximum(score[row - 1, column], score[row, column - 1]) - PENALTY
        score[row, column] = np.maximum(matched, gapped)
    return {"score": score}
