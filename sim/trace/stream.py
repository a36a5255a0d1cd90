"""A kernel as a stream of CTA batches, so that a launch of any size can be replayed in bounded memory.

A batch holds whole CTAs in launch order and everything that they need: their paths, their references, and the lane
offsets of these. Nothing in it points outside it, except that path entries name rows of the kernel's static table.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.trace.model import KernelTrace, Launch, References
from sim.trace.tables import PathTables, Tables, active_lanes, entry_references, offsets, pattern_lengths, spread

#: A batch ends where it would pass one of these, unless a single CTA is bigger.
REFERENCES_PER_BATCH = 1 << 16
CTAS_PER_BATCH = 1 << 12


@dataclass(frozen=True, eq=False)
class CtaBatch:
    """CTAs `first` to `first` + `ctas` - 1 of a launch (P paths with N entries, W = CTAs x warps of a CTA).

    `path_offset` [P+1] and `path_row`, `path_mask`, `path_lanes`, `path_memop` [N] hold the paths that the batch uses:
    `path_lanes` = active lanes, `path_memop` = 1 where an executed entry has a memory access. `warp_path` [W] gives
    each warp's path, -1 = no such warp; `warp_reference` [W+1] each warp's first entry of `references`, whose `extra`
    points into the batch's own `deltas` (-1 where the kind needs none).
    """

    first: int
    ctas: int
    path_offset: NDArray[np.int64]
    path_row: NDArray[np.int32]
    path_mask: NDArray[np.uint32]
    path_lanes: NDArray[np.int8]
    path_memop: NDArray[np.int8]
    warp_path: NDArray[np.int32]
    warp_reference: NDArray[np.int64]
    references: References


@dataclass(frozen=True, eq=False)
class KernelStream(Launch):
    """One kernel launch whose batches are read when they are asked for.

    `read` starts a new pass over the batches. `known_hash` is the content hash where it is known; otherwise asking for
    it takes a pass.
    """

    warp_instructions: int
    thread_instructions: int
    read: Callable[[], Iterator[CtaBatch]] = field(repr=False)
    known_hash: str | None = None

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the content: that of the same kernel in memory, however its CTAs lie in batches."""
        from sim.trace.content import content_hash

        return self.known_hash or content_hash(self.header, self.static, self.batches())

    def batches(self) -> Iterator[CtaBatch]:
        """The batches in launch order, from the start. Raises `TraceError` where the source is damaged."""
        return self.read()

    def stream(self) -> "KernelStream":
        """The stream itself, so that a kernel and its stream can stand for each other."""
        return self

    def load(self) -> KernelTrace:
        """The whole kernel in memory; equal paths and equal offset patterns of all batches are shared."""
        batch = join(self.batches())
        return KernelTrace(
            header=self.header,
            static=self.static,
            path_offset=batch.path_offset,
            path_row=batch.path_row,
            path_mask=batch.path_mask,
            warp_path=batch.warp_path,
            warp_reference=batch.warp_reference,
            references=_share_patterns(batch, self.row_references),
        )


def stream_of(kernel: KernelTrace) -> KernelStream:
    """A kernel in memory as a stream; each pass cuts its tables into batches."""

    def read() -> Iterator[CtaBatch]:
        references = kernel.warp_reference[:: kernel.warps_per_cta]
        first = 0
        while first < kernel.cta_count:
            limit = int(np.searchsorted(references, references[first] + REFERENCES_PER_BATCH, side="right")) - 1
            last = min(max(limit, first + 1), first + CTAS_PER_BATCH, kernel.cta_count)
            yield cut(kernel, first, last, kernel.warps_per_cta, kernel.row_references)
            first = last

    return KernelStream(kernel.header, kernel.static, kernel.warp_instructions, kernel.thread_instructions, read)


def cut(
    whole: KernelTrace | CtaBatch, first: int, last: int, warps_per_cta: int, row_references: NDArray[np.int8]
) -> CtaBatch:
    """CTAs `first` to `last` - 1 of a kernel or of a batch (from 0), with the paths and lane offsets that they use."""
    warps = slice(first * warps_per_cta, last * warps_per_cta)
    paths = whole.warp_path[warps]
    used = np.unique(paths[paths >= 0])
    warp_path = np.where(paths >= 0, np.searchsorted(used, paths), -1).astype(np.int32)
    tables = PathTables(whole.path_offset, whole.path_row, whole.path_mask, warp_path)
    if len(used) < len(whole.path_offset) - 1:
        lengths = np.diff(whole.path_offset)[used]
        entries = spread(whole.path_offset[used], lengths)
        tables = PathTables(offsets(lengths), whole.path_row[entries], whole.path_mask[entries], warp_path)
    begin, end = int(whole.warp_reference[warps.start]), int(whole.warp_reference[warps.stop])
    warp_reference = whole.warp_reference[warps.start : warps.stop + 1] - begin
    refs, span = whole.references, slice(begin, end)
    references = References(refs.kind[span], refs.base[span], refs.stride[span], refs.extra[span], refs.deltas)
    batch = make_batch(first, last - first, tables, warp_reference, references, row_references)
    return _with_own_patterns(batch, row_references)


def make_batch(
    first: int,
    ctas: int,
    paths: Tables,
    warp_reference: NDArray[np.int64],
    references: References,
    row_references: NDArray[np.int8],
) -> CtaBatch:
    """A batch of these tables; what follows from them is computed."""
    executed = entry_references(paths.path_row, paths.path_mask, row_references) > 0
    return CtaBatch(
        first=first,
        ctas=ctas,
        path_offset=paths.path_offset,
        path_row=paths.path_row,
        path_mask=paths.path_mask,
        path_lanes=active_lanes(paths.path_mask),
        path_memop=executed.astype(np.int8),
        warp_path=paths.warp_path,
        warp_reference=warp_reference,
        references=references,
    )


@dataclass(frozen=True, eq=False)
class _Patterns:
    """Distinct runs of lane offsets in the order of their first use, and which references use which of them."""

    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    users: NDArray[np.int64]
    which: NDArray[np.int64]

    def extra(self, references: int, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """`extra` of so many references if the runs begin at these places."""
        column = np.full(references, -1, dtype=np.int64)
        column[self.users] = places[self.which]
        return column


def _patterns(batch: CtaBatch, row_references: NDArray[np.int8]) -> _Patterns:
    refs = batch.references
    lengths = pattern_lengths(batch, refs.kind, row_references)
    users = np.nonzero(lengths)[0]
    # A run is a start and a length, of at most 32 lanes.
    runs, uses, which = np.unique(refs.extra[users] << 6 | lengths[users], return_index=True, return_inverse=True)
    order = np.argsort(uses)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return _Patterns(runs[order] >> 6, runs[order] & 63, users, rank[which])


def _with_own_patterns(batch: CtaBatch, row_references: NDArray[np.int8]) -> CtaBatch:
    """The batch with only those lane offsets that its references use, in the order of their first use."""
    refs = batch.references
    patterns = _patterns(batch, row_references)
    extra = patterns.extra(len(refs), offsets(patterns.lengths)[:-1])
    deltas = refs.deltas[spread(patterns.starts, patterns.lengths)]
    return replace(batch, references=References(refs.kind, refs.base, refs.stride, extra, deltas))


def join(batches: Iterable[CtaBatch]) -> CtaBatch:
    """Batches that follow each other as one; equal paths are shared and numbered by first use in launch order."""
    numbers: dict[tuple[bytes, bytes], int] = {}
    paths: list[tuple[NDArray[Any], ...]] = []
    taken: list[CtaBatch] = []
    warp_path = []
    for batch in batches:
        local = np.full(len(batch.path_offset), -1, dtype=np.int32)  # the last one serves warps that are absent
        for path in in_order_of_use(batch.warp_path).tolist():
            span = slice(int(batch.path_offset[path]), int(batch.path_offset[path + 1]))
            key = (batch.path_row[span].tobytes(), batch.path_mask[span].tobytes())
            local[path] = numbers.setdefault(key, len(paths))
            if local[path] == len(paths):
                columns = (batch.path_row, batch.path_mask, batch.path_lanes, batch.path_memop)
                paths.append(tuple(column[span] for column in columns))
        warp_path.append(local[batch.warp_path])
        taken.append(batch)
    rows, masks, lanes, memops = (
        np.concatenate([np.zeros(0, dtype=dtype), *(path[i] for path in paths)])
        for i, dtype in enumerate((np.int32, np.uint32, np.int8, np.int8))
    )
    per_warp = [np.diff(batch.warp_reference) for batch in taken]
    before = offsets(np.array([len(batch.references.deltas) for batch in taken], dtype=np.int64)).tolist()
    extra = [
        np.where(batch.references.extra >= 0, batch.references.extra + start, -1)
        for batch, start in zip(taken, before[:-1], strict=True)
    ]
    return CtaBatch(
        first=taken[0].first,
        ctas=sum(batch.ctas for batch in taken),
        path_offset=offsets(np.array([len(path[0]) for path in paths], dtype=np.int64)),
        path_row=rows,
        path_mask=masks,
        path_lanes=lanes,
        path_memop=memops,
        warp_path=np.concatenate(warp_path),
        warp_reference=offsets(np.concatenate(per_warp)),
        references=References(
            kind=np.concatenate([batch.references.kind for batch in taken]),
            base=np.concatenate([batch.references.base for batch in taken]),
            stride=np.concatenate([batch.references.stride for batch in taken]),
            extra=np.concatenate(extra),
            deltas=np.concatenate([batch.references.deltas for batch in taken]),
        ),
    )


def in_order_of_use(warp_path: NDArray[np.int32]) -> NDArray[np.int32]:
    """The distinct paths of some warps in the order in which the warps first take them."""
    paths, uses = np.unique(warp_path[warp_path >= 0], return_index=True)
    return np.asarray(paths[np.argsort(uses)])


def _share_patterns(batch: CtaBatch, row_references: NDArray[np.int8]) -> References:
    """The batch's references with equal patterns of lane offsets stored once, in the order of their first use."""
    refs = batch.references
    patterns = _patterns(batch, row_references)
    numbers: dict[bytes, int] = {}
    places = np.zeros(len(patterns.starts), dtype=np.int64)
    kept: list[NDArray[np.int64]] = [np.zeros(0, dtype=np.int64)]
    end = 0
    for i, (start, length) in enumerate(zip(patterns.starts.tolist(), patterns.lengths.tolist(), strict=True)):
        pattern = refs.deltas[start : start + length]
        places[i] = numbers.setdefault(pattern.tobytes(), end)
        if places[i] == end:
            kept.append(pattern)
            end += length
    extra = patterns.extra(len(refs), places)
    return References(refs.kind, refs.base, refs.stride, extra, np.concatenate(kept))
