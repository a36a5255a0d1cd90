"""When an output counts as right."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from validation.kernels import error, mismatch

FLOATS = hnp.arrays(np.float32, st.integers(1, 40), elements=st.floats(-1e6, 1e6, width=32))


@given(FLOATS)
def test_an_array_matches_itself_at_no_tolerance(array: np.ndarray) -> None:
    assert mismatch(array, array.copy(), 0.0) is None
    assert error(array, array.copy()) == 0.0


def test_the_bound_is_of_the_largest_magnitude_from_both_sides() -> None:
    expected = np.array([100.0, 1.0], np.float64)
    assert mismatch(expected, np.array([100.0, 1.00099]), 1e-5) is None
    told = mismatch(expected, np.array([100.0, 1.00101]), 1e-5)
    assert told is not None
    assert told.startswith("element 1 is 1.00101, expected 1: off by more than 1e-05")


@given(FLOATS, st.data())
def test_one_nan_never_passes(array: np.ndarray, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(array) - 1))
    got = array.copy()
    got[at] = np.nan
    told = mismatch(array, got, 1e9)
    assert told is not None
    assert told.startswith(f"element {at} is nan")
    assert np.isnan(error(array, got))


def test_integers_must_be_equal() -> None:
    expected = np.arange(2000, dtype=np.int32)
    got = expected.copy()
    got[[7, 1500]] += 1
    assert mismatch(expected, got, 1.0) == "2 of 2,000 elements differ, the first at 7: 8, expected 7"
    assert error(expected, got) == 1e-3


def test_another_shape_or_type_is_no_match() -> None:
    expected = np.zeros((2, 3), np.float32)
    assert mismatch(expected, np.zeros((3, 2), np.float32), 1) == "has float32[3, 2], expected float32[2, 3]"
    assert mismatch(expected, np.zeros((2, 3), np.float64), 1) == "has float64[2, 3], expected float32[2, 3]"


def test_nothing_matches_nothing() -> None:
    empty = np.zeros(0, np.float32)
    assert mismatch(empty, empty, 0.0) is None
    assert error(empty, empty) == 0.0


def test_all_zeros_are_compared_absolutely() -> None:
    zeros = np.zeros(4, np.float32)
    assert mismatch(zeros, zeros, 0.1) is None
    assert mismatch(zeros, zeros + np.float32(1e-9), 0.1) is not None
