"""Small computations on path tables and references that whole kernels and CTA batches share."""

from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from sim.trace.addresses import EXPLICIT, TWO_SEGMENT


class Tables(Protocol):
    """What `KernelTrace` and `CtaBatch` have in common: distinct paths, and the path of every warp (-1 = no warp)."""

    @property
    def path_offset(self) -> NDArray[np.int64]:
        """First entry of each path, [P+1]."""

    @property
    def path_row(self) -> NDArray[np.int32]:
        """Static row of each entry, [N]."""

    @property
    def path_mask(self) -> NDArray[np.uint32]:
        """Active lanes of each entry, [N]."""

    @property
    def warp_path(self) -> NDArray[np.int32]:
        """Path of each warp in launch order."""


class PathTables(NamedTuple):
    """Nothing but what `Tables` asks for."""

    path_offset: NDArray[np.int64]
    path_row: NDArray[np.int32]
    path_mask: NDArray[np.uint32]
    warp_path: NDArray[np.int32]


def active_lanes(masks: NDArray[np.uint32]) -> NDArray[np.int8]:
    """Set bits of each 32-bit mask."""
    return np.bitwise_count(masks).astype(np.int8)


def spread(starts: NDArray[Any], counts: NDArray[Any]) -> NDArray[np.int64]:
    """Indices of the ranges [start, start + count), one range after the other."""
    ends = np.cumsum(counts, dtype=np.int64)
    total = int(ends[-1]) if len(ends) else 0
    return np.asarray(np.arange(total, dtype=np.int64) + np.repeat(starts - (ends - counts), counts))


def offsets(counts: NDArray[Any]) -> NDArray[np.int64]:
    """Where each of some ranges begins if they lie one after the other, and where the last one ends: [n+1]."""
    return np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(counts, dtype=np.int64)])


def entry_references(
    path_row: NDArray[np.int32], path_mask: NDArray[np.uint32], row_references: NDArray[np.int8]
) -> NDArray[np.int8]:
    """Address references of each path entry [N]; none where no lane is active."""
    counts = row_references[path_row]
    counts[path_mask == 0] = 0
    return np.asarray(counts)


def reference_places(tables: Tables, row_references: NDArray[np.int8]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """For each reference of all warps, in their order: its path entry, and which reference of the entry it is."""
    counts = entry_references(tables.path_row, tables.path_mask, row_references).astype(np.int64)
    begins = offsets(counts)
    entries = np.repeat(np.arange(len(counts)), counts)
    sides = np.arange(len(entries)) - begins[entries]
    bounds = begins[tables.path_offset]
    paths = tables.warp_path[tables.warp_path >= 0]
    places = spread(bounds[paths], np.diff(bounds)[paths])
    return entries[places], sides[places]


def pattern_lengths(tables: Tables, kind: NDArray[np.int8], row_references: NDArray[np.int8]) -> NDArray[np.int64]:
    """How many entries of the table of lane offsets each reference uses, from its `extra` on."""
    lengths = np.zeros(len(kind), dtype=np.int64)
    lengths[kind == TWO_SEGMENT] = 2
    explicit = kind == EXPLICIT
    if explicit.any():
        entries = reference_places(tables, row_references)[0][explicit]
        lengths[explicit] = active_lanes(tables.path_mask[entries])
    return lengths


def instruction_counts(tables: Tables) -> tuple[int, int]:
    """Instructions that all warps, and that all threads execute."""
    paths = tables.warp_path[tables.warp_path >= 0]
    lanes = offsets(active_lanes(tables.path_mask))[tables.path_offset]
    return int(np.diff(tables.path_offset)[paths].sum()), int(np.diff(lanes)[paths].sum())
