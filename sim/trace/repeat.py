"""Bigger kernels from small ones, for benchmarks: the same CTAs again, on other data."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.errors import TraceError
from sim.isa.memory import MemorySpace, memory_space
from sim.trace.addresses import UNKNOWN
from sim.trace.model import KernelTrace, References, generic_windows


def repeat_ctas(kernel: KernelTrace, times: int, address_stride: int) -> KernelTrace:
    """The kernel with its CTAs `times` times; the grid grows in x.

    Global addresses of copy k move by k * `address_stride` bytes. Shared and local addresses stay; a generic address
    moves if it lies in neither of their windows.
    """
    if times < 1:
        raise TraceError(f"{kernel.header.name}: repeat {times} times: give 1 or more")
    header = kernel.header
    grid = (header.grid[0] * times, header.grid[1], header.grid[2])
    cta = np.arange(header.ctas * times, dtype=np.int64)
    x, row = cta % grid[0], cta // grid[0]
    source = x % header.grid[0] + row * header.grid[0]
    copy = x // header.grid[0]
    warps = (source[:, None] * kernel.warps_per_cta + np.arange(kernel.warps_per_cta)).ravel()
    counts = np.diff(kernel.warp_reference)[warps]
    first = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    taken = np.arange(int(first[-1])) + np.repeat(kernel.warp_reference[:-1][warps] - first[:-1], counts)
    moved = np.repeat(np.repeat(copy, kernel.warps_per_cta), counts) * address_stride
    refs = kernel.references
    base = refs.base[taken]
    moved[~_moves(kernel)[taken]] = 0
    return KernelTrace(
        header=replace(header, grid=grid),
        static=kernel.static,
        path_offset=kernel.path_offset,
        path_row=kernel.path_row,
        path_mask=kernel.path_mask,
        warp_path=kernel.warp_path[warps],
        warp_reference=first,
        references=References(
            kind=refs.kind[taken],
            base=base + moved,
            stride=refs.stride[taken],
            extra=refs.extra[taken],
            deltas=refs.deltas,
        ),
    )


def _moves(kernel: KernelTrace) -> NDArray[np.bool_]:
    """Which references of a kernel are global addresses."""
    places = reference_rows(kernel)
    spaces = np.array([memory_space(row.instruction) for row in kernel.static], dtype=np.int8)
    space = spaces[places // 2]
    base = kernel.references.base
    windowed = np.zeros(len(base), dtype=np.bool_)
    for start, end in generic_windows(kernel.header):
        windowed |= (start <= base) & (base < end)
    moves = ((space == MemorySpace.GLOBAL) & (places % 2 == 0)) | ((space == MemorySpace.GENERIC) & ~windowed)
    return np.asarray(moves & (kernel.references.kind != UNKNOWN))


def reference_rows(kernel: KernelTrace) -> NDArray[np.int64]:
    """For each reference of a kernel: 2 * static row + (1 for the second reference of LDGSTS)."""
    counts = kernel.path_references.astype(np.int64)
    entries = np.repeat(np.arange(len(counts)), counts)
    side = np.arange(len(entries)) - np.repeat(np.cumsum(counts) - counts, counts)
    values = 2 * kernel.path_row[entries].astype(np.int64) + side
    bounds = np.concatenate([[0], np.cumsum(counts)])[kernel.path_offset]
    present = kernel.warp_path[kernel.warp_path >= 0].tolist()
    return np.concatenate([np.zeros(0, dtype=np.int64), *(values[bounds[p] : bounds[p + 1]] for p in present)])
