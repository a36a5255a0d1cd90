"""Median, spread and flags."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from validation.hardware.spread import flags, summary


def test_the_summary_of_one_to_eleven_is_known() -> None:
    columns = summary([float(value) for value in range(1, 12)])
    assert columns == {
        "value": 6,
        "p10": 2,
        "p90": 10,
        "minimum": 1,
        "maximum": 11,
        "repetitions": 11,
        "spread": pytest.approx(4),
    }


@given(st.lists(st.floats(min_value=1e-6, max_value=1e6), min_size=1, max_size=50))
def test_percentiles_are_in_order(values: list[float]) -> None:
    columns = summary(values)
    order = [columns[key] for key in ("minimum", "p10", "value", "p90", "maximum")]
    assert all(low <= high * (1 + 1e-12) for low, high in pairwise(order))
    assert columns["spread"] >= -1e-12


@pytest.mark.parametrize("values", [[], [1.0, math.nan], [math.inf]])
def test_what_is_not_finite_has_no_summary(values: list[float]) -> None:
    with pytest.raises(ValueError, match="no finite values"):
        summary(values)


def test_a_spread_above_three_per_cent_is_flagged_and_one_below_is_not() -> None:
    steady, loose = summary([1.0] * 20 + [1.02] * 5), summary([1.0] * 15 + [1.04] * 10)
    assert flags(steady, [1700.0, 1710.0], throttled=False) is None
    assert flags(loose, [1700.0, 1710.0], throttled=False) == "spread"


def test_every_doubt_has_its_flag() -> None:
    columns = summary([1.0] * 19)
    assert flags(columns, [1700.0, 1740.0], throttled=True) == "throttled clock few"
    assert flags(columns, [], throttled=False) == "few"


def test_values_of_zero_have_no_spread() -> None:
    assert summary([0.0] * 20)["spread"] is None
    assert flags(summary([0.0] * 20), [], throttled=False) is None
