import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.trace.addresses import (
    AFFINE,
    EXPLICIT,
    NO_ADDRESS,
    TWO_SEGMENT,
    UNIFORM,
    addresses_of,
    describe,
    extra_length,
    lanes_of,
)
from tests.trace.random_kernels import address_lists

FULL = 0xFFFFFFFF


@given(st.data(), st.integers(1, FULL))
def test_a_descriptor_gives_back_its_addresses(data: st.DataObject, mask: int) -> None:
    addresses = data.draw(address_lists(mask, 1 << 20, 1 << 40))
    kind, base, stride, extra = describe(addresses, mask)
    found = addresses_of(kind, base, stride, extra, mask)
    assert found is not None and found.tolist() == addresses
    assert len(extra) == extra_length(kind, len(addresses))


def test_the_most_compact_kind_is_chosen() -> None:
    lanes = np.arange(32)
    assert describe([64] * 32, FULL) == (UNIFORM, 64, 0, ())
    assert describe([64], 1 << 31) == (UNIFORM, 64, 0, ())
    assert describe((64 + 8 * lanes).tolist(), FULL) == (AFFINE, 64, 8, ())
    assert describe([100, 92, 84], 0b111) == (AFFINE, 100, -8, ())
    assert describe([64, 72], 0b101) == (AFFINE, 64, 4, ())  # the stride counts lanes, also where some are missing
    two = np.where(lanes < 16, 64 + 4 * lanes, 4096 + 4 * (lanes - 16)).tolist()
    assert describe(two, FULL) == (TWO_SEGMENT, 64, 4, (16, 4032))
    assert describe([64, 0, 7, 3], 0b1111) == (EXPLICIT, 64, 0, (0, -64, -57, -61))


def test_lanes_and_unknown_addresses() -> None:
    assert lanes_of(0b1010) == (1, 3)
    assert addresses_of(*NO_ADDRESS, FULL) is None
    with pytest.raises(ValueError, match="2 addresses for 3 active lanes"):
        describe([1, 2], 0b111)
