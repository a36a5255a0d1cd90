"""Bigger kernels from small ones, for benchmarks: the same CTAs again, on other data."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sim.errors import TraceError
from sim.isa.memory import MemorySpace, memory_space
from sim.trace.addresses import UNKNOWN
from sim.trace.model import KernelHeader, KernelTrace, References, generic_windows
from sim.trace.stream import CTAS_PER_BATCH, REFERENCES_PER_BATCH, CtaBatch, KernelStream, cut, join
from sim.trace.tables import offsets, reference_places


def repeat_stream(kernel: KernelTrace | KernelStream, times: int, address_stride: int) -> KernelStream:
    """The kernel with its CTAs `times` times, made batch by batch; the grid grows in x.

    Global addresses of copy k move by k * `address_stride` bytes. Shared and local addresses stay; a generic address
    moves if it lies in neither of their windows. What is held is one row of the original's CTAs (those that differ in x
    only) and two batches. Raises `TraceError` for `times` below 1.
    """
    source = kernel.stream()
    header = _grown(source.header, times)

    def read() -> Iterator[CtaBatch]:
        first = 0
        for batch in _gathered(_copies(source, times, address_stride)):
            yield replace(batch, first=first)
            first += batch.ctas

    return KernelStream(
        header, source.static, source.warp_instructions * times, source.thread_instructions * times, read
    )


def repeat_ctas(kernel: KernelTrace, times: int, address_stride: int) -> KernelTrace:
    """The same as `repeat_stream`, whole in memory."""
    header = kernel.header
    grid = _grown(header, times).grid
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
    moved[~_moves(kernel, kernel)[taken]] = 0
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


def _grown(header: KernelHeader, times: int) -> KernelHeader:
    if times < 1:
        raise TraceError(f"{header.name}: repeat {times} times: give 1 or more")
    return replace(header, grid=(header.grid[0] * times, header.grid[1], header.grid[2]))


def _copies(source: KernelStream, times: int, address_stride: int) -> Iterator[CtaBatch]:
    """The repeated kernel in launch order: for each row of CTAs, piece by piece, all copies of it."""
    for row in _rows(source):
        pieces = [(piece, _moves(piece, source)) for piece in row]
        together = 1
        if len(row) == 1:  # several copies of a small row at once
            references, ctas = max(1, len(row[0].references)), row[0].ctas
            together = max(1, min(REFERENCES_PER_BATCH // references, CTAS_PER_BATCH // ctas))
        for copy in range(0, times, together):
            for piece, moves in pieces:
                by = np.arange(copy, min(copy + together, times), dtype=np.int64) * address_stride
                yield _moved(piece, moves, by)


def _rows(source: KernelStream) -> Iterator[list[CtaBatch]]:
    """The CTAs of each row of the grid, those that differ in x only, as pieces of the source's batches."""
    length = source.header.grid[0]
    row: list[CtaBatch] = []
    held = 0
    for batch in source.batches():
        begin = 0
        while begin < batch.ctas:
            end = min(batch.ctas, begin + length - held)
            whole = end - begin == batch.ctas
            row.append(batch if whole else cut(batch, begin, end, source.warps_per_cta, source.row_references))
            held += end - begin
            begin = end
            if held == length:
                yield row
                row, held = [], 0


def _moved(piece: CtaBatch, moves: NDArray[np.bool_], by: NDArray[np.int64]) -> CtaBatch:
    """Copies of a piece, one for each entry of `by`, whose moving addresses lie so many bytes further."""
    count = len(by)
    refs = piece.references
    return replace(
        piece,
        ctas=piece.ctas * count,
        warp_path=np.tile(piece.warp_path, count),
        warp_reference=offsets(np.tile(np.diff(piece.warp_reference), count)),
        references=References(
            kind=np.tile(refs.kind, count),
            base=(refs.base[None, :] + moves[None, :] * by[:, None]).ravel(),
            stride=np.tile(refs.stride, count),
            extra=np.tile(refs.extra, count),
            deltas=refs.deltas,
        ),
    )


def _gathered(pieces: Iterator[CtaBatch]) -> Iterator[CtaBatch]:
    """The pieces joined to batches of about the usual size."""
    taken: list[CtaBatch] = []
    references, ctas = 0, 0
    for piece in pieces:
        references += len(piece.references)
        ctas += piece.ctas
        if taken and (references > REFERENCES_PER_BATCH or ctas > CTAS_PER_BATCH):
            yield join(taken) if len(taken) > 1 else taken[0]
            taken, references, ctas = [], len(piece.references), piece.ctas
        taken.append(piece)
    if taken:
        yield join(taken) if len(taken) > 1 else taken[0]


def _moves(tables: KernelTrace | CtaBatch, kernel: KernelTrace | KernelStream) -> NDArray[np.bool_]:
    """Which references of a kernel, or of a batch of it, are global addresses."""
    places = reference_rows(tables, kernel.row_references)
    spaces = np.array([memory_space(row.instruction) for row in kernel.static], dtype=np.int8)
    space = spaces[places // 2]
    base = tables.references.base
    windowed = np.zeros(len(base), dtype=np.bool_)
    for start, end in generic_windows(kernel.header):
        windowed |= (start <= base) & (base < end)
    moves = ((space == MemorySpace.GLOBAL) & (places % 2 == 0)) | ((space == MemorySpace.GENERIC) & ~windowed)
    return np.asarray(moves & (tables.references.kind != UNKNOWN))


def reference_rows(tables: KernelTrace | CtaBatch, row_references: NDArray[np.int8]) -> NDArray[np.int64]:
    """For each reference: 2 * static row + (1 for the second reference of LDGSTS)."""
    entries, sides = reference_places(tables, row_references)
    return np.asarray(2 * tables.path_row[entries].astype(np.int64) + sides)
