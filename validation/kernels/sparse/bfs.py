"""bfs: breadth-first search from node 0."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """A graph with `degree` edges a node to random targets; the frontier is node 0, the cost elsewhere -1."""
    n, degree = case["nodes"], case["degree"]
    node = np.arange(n, dtype=np.int32)
    start = (node == 0).astype(np.uint8)
    return {
        "nodes": np.stack((node * degree, np.full(n, degree)), axis=1).astype(np.int32),
        "edges": rng.integers(0, n, n * degree, np.int32),
        "frontier": start,
        "found": np.zeros(n, np.uint8),
        "visited": start.copy(),
        "cost": start.astype(np.int32) - 1,
        "over": np.zeros(1, np.uint8),
    }


def _cost(case: Case, buffers: Buffers) -> NDArray[Any]:
    """Edges from node 0 to each node, -1 where there is no path."""
    targets = buffers["edges"].reshape(case["nodes"], case["degree"])
    cost = buffers["cost"].copy()
    frontier = np.array([0])
    while len(frontier):
        reached = np.zeros(len(cost), bool)
        reached[targets[frontier]] = True
        level = cost[frontier[0]] + 1
        frontier = np.flatnonzero(reached & (cost < 0))
        cost[frontier] = level
    return cost


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Both kernels for every level, the last of which finds nothing."""
    n, block = case["nodes"], case["block"]
    grid = ceil_div(n, block)
    graph = "nodes", "edges"
    level = [
        launch("bfs_expand", grid, block, *graph, "frontier", "found", "visited", "cost", np.int32(n)),
        launch("bfs_advance", grid, block, "frontier", "found", "visited", "over", np.int32(n)),
    ]
    farthest = int(_cost(case, buffers).max())
    return level * (farthest + 1)


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The cost of each node; at the end the frontier is empty."""
    cost = _cost(case, buffers)
    empty = np.zeros_like(buffers["frontier"])
    return {
        "cost": cost,
        "visited": (cost >= 0).astype(np.uint8),
        "frontier": empty,
        "found": empty,
        "over": np.array([cost.max() > 0], np.uint8),
    }
