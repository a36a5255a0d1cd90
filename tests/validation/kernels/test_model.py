"""Launches, cases and poison."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.kernels import case_id, ceil_div, launch, poison


@given(st.integers(0, 10**9), st.integers(1, 10**6))
def test_blocks_cover_the_elements_and_one_fewer_does_not(elements: int, block: int) -> None:
    blocks = ceil_div(elements, block)
    assert blocks * block >= elements
    assert (blocks - 1) * block < elements


def test_missing_extents_are_one() -> None:
    made = launch("f", 3, (8, 4), "a", np.int32(5), shared=64)
    assert (made.grid, made.block, made.arguments, made.shared) == ((3, 1, 1), (8, 4, 1), ("a", np.int32(5)), 64)


def test_a_case_is_named_in_the_order_of_its_keys() -> None:
    assert case_id({"n": 5, "block": 32}) == "n=5 block=32"
    assert case_id({"block": 32, "n": 5}) == "block=32 n=5"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_poisoned_floats_are_nan(dtype: type[np.floating]) -> None:
    assert np.isnan(poison((3, 2), dtype)).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_poisoned_integers_have_the_pattern(dtype: type[np.integer]) -> None:
    assert set(poison(7, dtype).view(np.uint8)) == {0xA5}
