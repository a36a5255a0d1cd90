"""srad: speckle-reducing anisotropic diffusion (Yu and Acton) of an image."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

THREADS, TILE = 256, 16
RATE = 0.5
SIDES = ("north", "south", "west", "east")


def _sums(case: Case) -> int:
    """CTAs of the first kernel: as many as the second has threads, or fewer."""
    return min(ceil_div(case["rows"] * case["columns"], THREADS), THREADS)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """An image of exponentials of [0, 1), and what the kernels write."""
    shape = (case["rows"], case["columns"])
    return {
        "image": np.exp(rng.random(shape, np.float32)),
        "partial": poison((_sums(case), 2), np.float32),
        "q0_squared": poison(1, np.float32),
        "coefficient": poison(shape, np.float32),
        **{side: poison(shape, np.float32) for side in SIDES},
    }


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """Four launches an iteration."""
    rows, columns, sums = case["rows"], case["columns"], _sums(case)
    pixels, extents = np.int32(rows * columns), (np.int32(rows), np.int32(columns))
    grid, block = (ceil_div(columns, TILE), ceil_div(rows, TILE)), (TILE, TILE)
    iteration = [
        launch("srad_sums", sums, THREADS, "image", "partial", pixels),
        launch("srad_scale", 1, THREADS, "partial", "q0_squared", np.int32(sums), pixels),
        launch("srad_coefficient", grid, block, "image", "q0_squared", *SIDES, "coefficient", *extents),
        launch("srad_update", grid, block, "image", *SIDES, "coefficient", *extents, np.float32(RATE)),
    ]
    return iteration * int(case["iterations"])


def reference(case: Case, buffers: Buffers) -> Buffers:
    """The iterations in float64 on images padded with their own border."""
    image = buffers["image"].astype(np.float64)
    sums = _sums(case)
    cta = np.arange(image.size) // THREADS % sums
    result: Buffers = {}
    for _ in range(case["iterations"]):
        flat = image.reshape(-1)
        partial = np.stack([np.bincount(cta, weights, sums) for weights in (flat, flat**2)], axis=1)
        q0 = image.var() / image.mean() ** 2
        padded = np.pad(image, 1, mode="edge")
        north, south = padded[:-2, 1:-1] - image, padded[2:, 1:-1] - image
        west, east = padded[1:-1, :-2] - image, padded[1:-1, 2:] - image
        gradient = (north**2 + south**2 + west**2 + east**2) / image**2
        laplacian = (north + south + west + east) / image
        q = (gradient / 2 - laplacian**2 / 16) / (1 + laplacian / 4) ** 2
        coefficient = np.clip(1 / (1 + (q - q0) / (q0 * (1 + q0))), 0, 1)
        beyond = np.pad(coefficient, ((0, 1), (0, 1)), mode="edge")
        divergence = coefficient * (north + west) + beyond[1:, :-1] * south + beyond[:-1, 1:] * east
        image = image + RATE / 4 * divergence
        result = {
            "image": image, "partial": partial, "q0_squared": np.array([q0]), "coefficient": coefficient,
            "north": north, "south": south, "west": west, "east": east,
        }  # fmt: skip
    return {name: array.astype(np.float32) for name, array in result.items()}
