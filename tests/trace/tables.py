"""Comparing the tables of kernels."""

import numpy as np

from sim.trace import KernelTrace


def same_tables(a: KernelTrace, b: KernelTrace) -> bool:
    """Whether two kernels have the same tables, with the same numbers of paths and places of lane offsets."""
    names = ("path_offset", "path_row", "path_mask", "warp_path", "warp_reference")
    refs = ("kind", "base", "stride", "extra", "deltas")
    pairs = [(getattr(a, n), getattr(b, n)) for n in names]
    pairs += [(getattr(a.references, n), getattr(b.references, n)) for n in refs]
    return all(np.array_equal(x, y) and x.dtype == y.dtype and x.flags.writeable for x, y in pairs)
