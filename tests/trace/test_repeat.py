import tracemalloc
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.errors import TraceError
from sim.trace import KernelTrace, Trace, open_trace, repeat, stream
from sim.trace.check import check_kernel
from sim.trace.container import write_twt
from sim.trace.listing import parse_listing
from sim.trace.repeat import reference_rows, repeat_ctas, repeat_stream
from tests.trace.expanded import expand
from tests.trace.random_kernels import kernels
from tests.trace.tables import same_tables

LISTING = """
.grid 2,2 .block 64
.warp 0
LDG.E R2, [R4.64] {0x1000 + 4*lane + 256*cta}
LDS R2, [R4]
LD.E R2, [R4.64] {0x7f0000000000 + 4*lane}
LD.E R2, [R4.64] {0x5000 + 4*lane}
LDL R2, [R4] {8}
LDGSTS.E [R2], [R4.64] {0x9000+4*lane | 4*lane}
.warp 1
NOP
"""


def test_copies_move_global_addresses_only() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    big = repeat_ctas(kernel, 3, 1 << 20)
    check_kernel(big, "big")
    assert big.header.grid == (6, 2, 1)
    assert big.warp_instructions == 3 * kernel.warp_instructions
    assert big.path_row is kernel.path_row
    old, new = kernel.references.base.reshape(4, 7), big.references.base.reshape(12, 7)
    for cta in range(12):
        x, y = cta % 6, cta // 6
        moved = new[cta] - old[x % 2 + 2 * y]
        assert moved.tolist() == [x // 2 << 20, 0, 0, x // 2 << 20, 0, x // 2 << 20, 0]
    assert len(expand(big).memops) == 3 * len(expand(kernel).memops)


def test_one_copy_is_the_kernel_itself() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    assert repeat_ctas(kernel, 1, 4096).content_hash == kernel.content_hash
    with pytest.raises(TraceError, match="repeat 0 times"):
        repeat_ctas(kernel, 0, 4096)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(kernels(ctas=6), st.sampled_from([(6, 1, 1), (3, 2, 1), (1, 2, 3)]), st.integers(1, 7), st.integers(1, 5))
def test_a_stream_of_copies_is_the_kernel_of_copies(
    kernel: KernelTrace, grid: tuple[int, int, int], times: int, size: int
) -> None:
    kernel = replace(kernel, header=replace(kernel.header, grid=grid))
    whole = repeat_ctas(kernel, times, 1 << 30)
    with patch.object(stream, "CTAS_PER_BATCH", size), patch.object(repeat, "CTAS_PER_BATCH", size):
        for source in (kernel, kernel.stream()):
            copies = repeat_stream(source, times, 1 << 30)
            assert (copies.header, copies.warp_instructions) == (whole.header, whole.warp_instructions)
            assert copies.thread_instructions == whole.thread_instructions
            assert copies.content_hash == whole.content_hash
            assert all(batch.ctas <= size for batch in copies.batches())
            assert same_tables(copies.load(), whole)


def test_small_kernels_are_gathered_into_big_batches() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    copies = repeat_stream(kernel, 1500, 4096)
    assert [batch.ctas for batch in copies.batches()] == [3000, 3000]  # a row of the grid each
    assert [batch.first for batch in copies.batches()] == [0, 3000]
    assert [batch.ctas for batch in repeat_stream(kernel, 7, 4096).batches()] == [28]
    with pytest.raises(TraceError, match="repeat 0 times"):
        repeat_stream(kernel, 0, 4096)


def test_writing_and_reading_takes_memory_for_a_few_batches(tmp_path: Path) -> None:
    kernel = parse_listing(".grid 64\nLDG.E R1, [R2.64] {0x1000 0x5000 0x1010 0x3000} {mask=0xf}").kernels[0]

    def peak(times: int) -> int:
        tracemalloc.start()
        write_twt(Trace.of_streams("k", "listing", [repeat_stream(kernel, times, 4096)]), tmp_path / "k.twt")
        read = open_trace(tmp_path / "k.twt").streams[0]
        assert sum(batch.ctas for batch in read.batches()) == 64 * times
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(10)  # what is imported and cached at first does not count
    assert peak(2000) < 1.2 * peak(200)


def test_references_know_their_rows() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    rows = reference_rows(kernel, kernel.row_references)
    assert rows[:7].tolist() == [0, 2, 4, 6, 8, 10, 11]
    assert len(rows) == len(kernel.references)
    assert np.array_equal(rows[:7], rows[7:14])
