from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.arch.units import BANDWIDTH, CLOCKS, CYCLES, DATA_RATE, FREQUENCY, LARGEST, SIZE, TIME, Dimension

DIMENSIONS = (SIZE, FREQUENCY, CYCLES, BANDWIDTH, DATA_RATE, TIME, CLOCKS)


@given(st.sampled_from(DIMENSIONS), st.integers(-LARGEST, LARGEST))
def test_what_is_written_is_read_back(dimension: Dimension, value: int) -> None:
    assert dimension.parse(dimension.format(value)) == value


@given(st.sampled_from(DIMENSIONS), st.integers(0, 10**9), st.data())
def test_a_quantity_is_its_number_times_its_unit(dimension: Dimension, number: int, data: st.DataObject) -> None:
    unit = data.draw(st.sampled_from(sorted(dimension.units)))
    space = data.draw(st.sampled_from(["", " ", "  "]))
    assert dimension.parse(f"{number}{space}{unit}") == number * dimension.units[unit]


@given(st.decimals(0, 1000, places=3, allow_nan=False, allow_infinity=False))
def test_decimals_are_exact_or_refused(number: object) -> None:
    exact = Fraction(str(number)) * 2**10
    if exact.denominator == 1:
        assert SIZE.parse(f"{number} KiB") == exact
    else:
        with pytest.raises(ValueError, match="not a whole number of B"):
            SIZE.parse(f"{number} KiB")


@pytest.mark.parametrize(
    ("dimension", "text", "value"),
    [
        (SIZE, "512 B", 512),
        (SIZE, "5.5 MiB", 5_767_168),
        (SIZE, "0 KiB", 0),
        (FREQUENCY, "1.8 GHz", 1_800_000_000),
        (FREQUENCY, "1132MHz", 1_132_000_000),
        (CYCLES, "1 cycle", 1),
        (CYCLES, "-1 cycle", -1),
        (CYCLES, "39 cycles", 39),
        (BANDWIDTH, "64 B/cycle", 64),
        (DATA_RATE, "16 Gbps", 16_000_000_000),
        (DATA_RATE, "2.43 Gbps", 2_430_000_000),
        (TIME, "17.1 ns", 17_100),
        (TIME, "3.906 us", 3_906_000),
        (CLOCKS, "1 clock", 1),
    ],
)
def test_spellings(dimension: Dimension, text: str, value: int) -> None:
    assert dimension.parse(text) == value


@pytest.mark.parametrize(
    ("dimension", "value", "text"),
    [
        (SIZE, 98304, "96 KiB"),
        (SIZE, 128, "128 B"),
        (SIZE, 0, "0 B"),
        (FREQUENCY, 1_755_000_000, "1.755 GHz"),
        (CYCLES, 1, "1 cycle"),
        (CYCLES, -1, "-1 cycle"),
        (CYCLES, 2900, "2900 cycles"),
        (BANDWIDTH, 36, "36 B/cycle"),
        (DATA_RATE, 2_430_000_000, "2.43 Gbps"),
        (TIME, 17_100, "17.1 ns"),
        (CLOCKS, 2, "2 clocks"),
    ],
)
def test_the_shortest_exact_text_is_written(dimension: Dimension, value: int, text: str) -> None:
    assert dimension.format(value) == text


@pytest.mark.parametrize(
    ("dimension", "text", "message"),
    [
        (SIZE, 32, "needs a unit: write a size such as '32 KiB', not a bare 32"),
        (SIZE, "32", "needs a unit"),
        (CYCLES, 4.0, "needs a unit"),
        (SIZE, True, "needs a size such as '32 KiB', not true"),
        (SIZE, None, "not nothing"),
        (SIZE, [1], "not a list"),
        (SIZE, {}, "not a group of keys"),
        (SIZE, "32 KB", "'KB' is no unit of a size; known: B, KiB, MiB, GiB"),
        (SIZE, "4 cycles", "'cycles' is no unit of a size"),
        (FREQUENCY, "1.8 Ghz", "'Ghz' is no unit of a frequency"),
        (CYCLES, "1.5 cycles", "'1.5 cycles' is not a whole number of cycles"),
        (CYCLES, "1e3 cycles", "needs a time in cycles such as '4 cycles', not '1e3 cycles'"),
        (CYCLES, "", "needs a time in cycles such as '4 cycles', not ''"),
        (SIZE, "9999999999999999999 GiB", "is too large"),
        (SIZE, "9" * 500 + " B", "needs a size"),
    ],
)
def test_what_is_no_quantity_is_explained(dimension: Dimension, text: object, message: str) -> None:
    with pytest.raises(ValueError) as error:
        dimension.parse(text)
    assert message in str(error.value)
    assert len(str(error.value)) < 200
