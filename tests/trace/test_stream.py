from dataclasses import replace
from typing import Any
from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.trace import KernelTrace, Trace, stream
from sim.trace.addresses import EXPLICIT, TWO_SEGMENT
from sim.trace.lazy import LazyKernels
from sim.trace.listing import parse_listing
from sim.trace.stream import CtaBatch, join
from tests.trace.random_kernels import kernels
from tests.trace.tables import same_tables

LISTING = """
.grid 4 .block 64
.warp 0
LDG.E R2, [R4.64] {0x1000 0x1444 0x1010 0x5000} {mask=0xf}
STG.E [R4.64], R2 {0x9000 + 4*lane + 128*cta}
.warp 1
LDG.E R2, [R4.64] {0x1000 0x1444 0x1010 0x5000} {mask=0xf}
LDS R2, [R4] {4*lane}
"""

Warp = list[tuple[int, int]]
Reference = tuple[int, int, int, tuple[int, ...]]


def warps_of(tables: KernelTrace | CtaBatch, kernel: KernelTrace) -> list[tuple[Warp | None, list[Reference]]]:
    """Path and references of every warp, without places in tables."""
    found: list[tuple[Warp | None, list[Reference]]] = []
    refs = tables.references
    for warp, path in enumerate(tables.warp_path.tolist()):
        span = slice(*tables.path_offset[path : path + 2]) if path >= 0 else slice(0, 0)
        entries = list(zip(tables.path_row[span].tolist(), tables.path_mask[span].tolist(), strict=True))
        masks = [mask for row, mask in entries for _ in range(int(kernel.row_references[row])) if mask]
        places = range(int(tables.warp_reference[warp]), int(tables.warp_reference[warp + 1]))
        references = []
        for i, mask in zip(places, masks, strict=True):
            kind, extra = int(refs.kind[i]), int(refs.extra[i])
            length = 2 if kind == TWO_SEGMENT else mask.bit_count() if kind == EXPLICIT else 0
            pattern = tuple(refs.deltas[extra : extra + length].tolist()) if length else ()
            references.append((kind, int(refs.base[i]), int(refs.stride[i]), pattern))
        found.append((entries if path >= 0 else None, references))
    return found


@settings(max_examples=50, deadline=None, derandomize=True)
@given(kernels(ctas=5), st.sampled_from([1, 3, 7, 20]), st.sampled_from([1, 2, 4096]))
def test_batches_hold_what_the_kernel_holds(kernel: KernelTrace, references: int, ctas: int) -> None:
    with patch.object(stream, "REFERENCES_PER_BATCH", references), patch.object(stream, "CTAS_PER_BATCH", ctas):
        whole = kernel.stream()
        batches = list(whole.batches())
        assert whole.content_hash == kernel.content_hash
        assert same_tables(whole.load(), kernel)
    assert [batch.first for batch in batches] == np.cumsum([0, *(batch.ctas for batch in batches[:-1])]).tolist()
    assert all(batch.ctas == 1 or (batch.ctas <= ctas and len(batch.references) <= references) for batch in batches)
    assert [warp for batch in batches for warp in warps_of(batch, kernel)] == warps_of(kernel, kernel)
    for batch in batches:
        assert sorted(set(batch.warp_path.tolist()) - {-1}) == list(range(len(batch.path_offset) - 1))
        assert batch.path_lanes.tolist() == [mask.bit_count() for mask in batch.path_mask.tolist()]
        executed = [
            mask and kernel.row_references[row] for row, mask in zip(batch.path_row, batch.path_mask, strict=True)
        ]
        assert batch.path_memop.tolist() == [int(bool(count)) for count in executed]
    assert (whole.warp_instructions, whole.thread_instructions) == (
        sum(len(entries or ()) for entries, _ in warps_of(kernel, kernel)),
        sum(mask.bit_count() for entries, _ in warps_of(kernel, kernel) for _, mask in entries or ()),
    )


def test_patterns_are_shared_within_a_batch() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    with patch.object(stream, "CTAS_PER_BATCH", 2):
        batches = list(kernel.stream().batches())
    assert [batch.ctas for batch in batches] == [2, 2]
    for batch in batches:
        assert batch.references.extra.tolist() == [0, -1, 0, -1] * 2
        assert batch.references.deltas.tolist() == [0, 0x444, 0x10, 0x4000]
    assert join(batches).references.extra.tolist() == [0, -1, 0, -1] * 2 + [4, -1, 4, -1] * 2


def changed(kernel: KernelTrace, **columns: Any) -> KernelTrace:
    return replace(kernel, references=replace(kernel.references, **columns))


def test_the_hash_knows_every_difference() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    refs = kernel.references
    one = np.arange(len(refs)) == 1
    absent = kernel.warp_path.copy()
    absent[1] = -1
    moved = kernel.references.deltas.copy()
    moved[1] += 1
    empty = replace(
        parse_listing("NOP").kernels[0],
        path_offset=np.zeros(2, dtype=np.int64),
        path_row=np.zeros(0, dtype=np.int32),
        path_mask=np.zeros(0, dtype=np.uint32),
    )
    others = [
        kernel,
        changed(kernel, base=refs.base + one),
        changed(kernel, stride=refs.stride + one),
        changed(kernel, kind=(refs.kind + 3 * one).astype(np.int8)),
        changed(kernel, deltas=moved),
        replace(kernel, header=replace(kernel.header, name="other")),
        replace(kernel, header=replace(kernel.header, grid=(2, 2, 1))),
        replace(kernel, static=[*kernel.static, kernel.static[0]]),
        replace(kernel, path_mask=kernel.path_mask ^ (1 << 31) * (np.arange(6) == 1).astype(np.uint32)),
        parse_listing(LISTING.replace("LDS R2", "LDS R3")).kernels[0],
        parse_listing(LISTING.replace(".warp 1", ".warp 1\nNOP")).kernels[0],
        empty,
        replace(empty, warp_path=np.array([-1], dtype=np.int32)),
    ]
    assert len({other.content_hash for other in others}) == len(others)


def test_the_hash_does_not_know_what_is_shared() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    refs, paths = kernel.references, len(kernel.path_offset) - 1
    assert paths == 2
    twice = replace(
        kernel,
        path_offset=np.concatenate([kernel.path_offset, kernel.path_offset[1:] + kernel.path_offset[-1]]),
        path_row=np.tile(kernel.path_row, 2),
        path_mask=np.tile(kernel.path_mask, 2),
        warp_path=kernel.warp_path + np.array([0, 0, 2, 2] * 2, dtype=np.int32),
    )
    assert twice.content_hash == kernel.content_hash
    own = np.where(refs.extra >= 0, 4 * np.arange(len(refs)), 77)
    apart = changed(kernel, extra=own, deltas=np.tile(refs.deltas, len(refs)))
    assert apart.content_hash == kernel.content_hash
    assert same_tables(twice.stream().load(), kernel) and same_tables(apart.stream().load(), kernel)


def test_runs_of_one_start_and_several_lengths() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    refs = kernel.references
    # In every second CTA the first explicit reference becomes one in two segments, from the same place on.
    kind = np.where(np.arange(len(refs)) % 8 == 0, TWO_SEGMENT, refs.kind).astype(np.int8)
    kernel = changed(kernel, kind=kind)
    whole = kernel.stream().load()
    assert whole.references.deltas.tolist() == [0, 0x444, 0, 0x444, 0x10, 0x4000]
    assert warps_of(whole, kernel) == warps_of(kernel, kernel)
    # A batch whose own places are such, as another program may write them.
    batch = join(kernel.stream().batches())
    batch = replace(batch, references=kernel.references)
    foreign = replace(kernel.stream(), read=lambda: iter([batch]))
    assert warps_of(foreign.load(), kernel) == warps_of(kernel, kernel)
    assert foreign.content_hash == kernel.content_hash


def test_a_trace_gives_streams_of_its_kernels() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    read = []

    def reader(index: int) -> KernelTrace:
        read.append(index)
        return kernel

    trace = Trace("k", "listing", LazyKernels(2, reader))
    streams = trace.streams
    assert (len(streams), read) == (2, [])
    assert streams[1].content_hash == kernel.content_hash
    assert (streams[1].header, streams[1].static, read) == (kernel.header, kernel.static, [1])
    again = Trace.of_streams("k", "listing", streams)
    assert again.streams is streams and again.hash == trace.hash
    assert same_tables(again.kernels[0], kernel)
    assert streams[0].stream() is streams[0]
    assert (streams[0].cta_count, streams[0].warps_per_cta) == (4, 2)


def test_a_single_cta_may_be_bigger_than_a_batch() -> None:
    kernel = parse_listing(".grid 3\n.repeat 50\nLDG.E R1, [R2.64] {0x1000}\n.end").kernels[0]
    with patch.object(stream, "REFERENCES_PER_BATCH", 20):
        assert [(batch.first, batch.ctas) for batch in kernel.stream().batches()] == [(0, 1), (1, 1), (2, 1)]
        assert len(list(kernel.stream().batches())) == 3
