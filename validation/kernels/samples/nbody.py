"""nbody: the accelerations of `n` bodies by their mutual gravity."""

import numpy as np

from validation.kernels.model import Buffers, Case, Launch, ceil_div, launch, poison

#: Added to each squared distance; a body does not pull itself.
SOFTENING_SQUARED = np.float32(0.01)


def inputs(case: Case, rng: np.random.Generator) -> Buffers:
    """Positions in the unit cube and masses in [0, 1), and accelerations to write."""
    n = case["n"]
    return {"bodies": rng.random((n, 4), np.float32), "accelerations": poison((n, 4), np.float32)}


def launches(case: Case, buffers: Buffers) -> list[Launch]:
    """One thread a body."""
    n, block = case["n"], case["block"]
    grid = ceil_div(n, block)
    return [launch("nbody", grid, block, "bodies", "accelerations", np.int32(n), SOFTENING_SQUARED)]


def reference(case: Case, buffers: Buffers) -> Buffers:
    """In double precision, some bodies at a time."""
    bodies = buffers["bodies"].astype(np.float64)
    places, masses = bodies[:, :3], bodies[:, 3]
    accelerations = np.zeros_like(bodies)
    for first in range(0, len(bodies), 128):
        part = slice(first, first + 128)
        towards = places[None, :] - places[part, None]
        squared = np.einsum("ijk,ijk->ij", towards, towards) + float(SOFTENING_SQUARED)
        accelerations[part, :3] = np.einsum("ij,ijk->ik", masses / (squared * np.sqrt(squared)), towards)
    return {"accelerations": accelerations.astype(np.float32)}
