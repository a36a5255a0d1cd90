import numpy as np
import pytest

from sim.errors import TraceError
from sim.trace.check import check_kernel
from sim.trace.expand import expand
from sim.trace.listing import parse_listing
from sim.trace.repeat import reference_rows, repeat_ctas

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


def test_references_know_their_rows() -> None:
    kernel = parse_listing(LISTING).kernels[0]
    rows = reference_rows(kernel)
    assert rows[:7].tolist() == [0, 2, 4, 6, 8, 10, 11]
    assert len(rows) == len(kernel.references)
    assert np.array_equal(rows[:7], rows[7:14])
