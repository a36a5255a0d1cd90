"""kmeans: the nearest of `clusters` centroids for each point."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

#: Least difference between a point's two smallest squared distances, far above what float32 rounding moves them.
GAP = 1e-3


def _squares(features: NDArray[Any], centroids: NDArray[Any]) -> NDArray[np.float64]:
    """Squared distances in float64: a row a centroid, a column a point."""
    wide = features.astype(np.float64)
    return np.array([((wide - centroid.astype(np.float64)[:, None]) ** 2).sum(axis=0) for centroid in centroids])


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Points and centroids in the unit cube; points almost between two centroids are drawn again."""
    points, dimensions, clusters = case["points"], case["features"], case["clusters"]
    centroids = rng.random((clusters, dimensions), np.float32)
    features = rng.random((dimensions, points), np.float32)
    unclear = np.arange(points) if clusters > 1 else np.arange(0)
    while len(unclear):
        least, second = np.partition(_squares(features[:, unclear], centroids), 1, axis=0)[:2]
        unclear = unclear[second - least < GAP]
        features[:, unclear] = rng.random((dimensions, len(unclear)), np.float32)
    return {"features": features, "centroids": centroids, "membership": poison(points, np.int32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a point."""
    points, block = case["points"], case["block"]
    sizes = np.int32(points), np.int32(case["clusters"]), np.int32(case["features"])
    return [launch("kmeans", ceil_div(points, block), block, "features", "centroids", "membership", *sizes)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """Exact: the inputs leave no doubt which centroid is nearest."""
    return {"membership": _squares(buffers["features"], buffers["centroids"]).argmin(axis=0).astype(np.int32)}
