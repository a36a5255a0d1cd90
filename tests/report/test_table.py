"""Numbers and tables as people see them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.report.table import bar, clip, count, percent, si, size, table


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0 J"), (1, "1 J"), (0.0006646863, "664.7 µJ"), (2.5e-13, "0.25 pJ"), (1234, "1.234 kJ"), (5e12, "5 TJ")],
)
def test_prefixes(value: float, text: str) -> None:
    assert si(value, "J") == text


def test_sizes_and_shares() -> None:
    assert [size(n) for n in (0, 1023, 1024, 3 * 2**20)] == ["0 B", "1023 B", "1 KiB", "3 MiB"]
    assert percent(1, 3) == "33.3 %"
    assert percent(0, 0) == "-"
    assert count(1234567) == "1,234,567"


def test_a_bar_has_steps_of_an_eighth() -> None:
    assert bar(1, 1, 4) == "████"
    assert bar(0, 1, 4) == bar(1, 0, 4) == ""
    assert bar(1, 2, 1) == "▌"


@given(st.integers(0, 10**6), st.integers(1, 10**6))
def test_a_bar_never_leaves_its_column(part: int, rest: int) -> None:
    assert len(bar(part, part + rest)) <= 24


def test_columns_are_aligned() -> None:
    lines = table([["a", "1"], ["bcd", "234"]], "<>", indent=1)
    assert lines == [" a      1", " bcd  234"]


@given(st.text(max_size=30), st.integers(1, 40))
def test_clipped_text_fits(text: str, width: int) -> None:
    assert len(clip(text, width)) <= width
