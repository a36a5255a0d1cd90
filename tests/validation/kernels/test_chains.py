"""The references of the suite `chains` against other ways to the same numbers."""

import math
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from tests.validation.kernels.worked import worked
from validation.kernels import case_id, load


def _chase(lines: int, steps: int) -> tuple[list[int], int]:
    """The line that follows each line, and the line where the reference ends."""
    given, expected = worked("pointer_chase", {"bytes": 128 * lines, "steps": steps}, seed=lines)
    end = int(expected["end"][0])
    assert end % 16 == 0
    return [int(link) // 16 for link in given["links"][::16]], end // 16


@pytest.mark.parametrize("lines", [1, 2, 37, 1000])
def test_the_links_of_pointer_chase_are_one_cycle_through_all_lines(lines: int) -> None:
    following, end = _chase(lines, lines)
    assert sorted(following) == list(range(lines))
    edges = coo_array((np.ones(lines), (np.arange(lines), following)), shape=(lines, lines))
    assert connected_components(edges)[0] == 1
    assert end == 0


@pytest.mark.parametrize(("lines", "steps"), [(37, 100), (1000, 777), (2, 5), (10, 0)])
def test_pointer_chase_ends_where_doubled_jumps_end(lines: int, steps: int) -> None:
    following, end = _chase(lines, steps)
    jump, at, left = np.array(following), 0, steps
    while left:
        if left & 1:
            at = int(jump[at])
        jump, left = jump[jump], left >> 1
    assert end == at


def test_every_measured_pointer_chase_visits_every_line_and_does_not_end_where_it_began() -> None:
    for case in load("pointer_chase").cases:
        lines = case["bytes"] // 128
        assert case["steps"] >= lines - 1, case_id(case)
        assert case["steps"] % lines, case_id(case)


def _rounded_to_float(value: Fraction) -> Fraction:
    """To nearest, ties to even, 24 bits; `round` of a fraction is exact."""
    if not value:
        return value
    exponent = math.frexp(float(value))[1]
    if abs(value) < Fraction(2) ** (exponent - 1):  # the conversion had rounded up to a power of two
        exponent -= 1
    unit = Fraction(2) ** (exponent - 24)
    return round(value / unit) * unit


@pytest.mark.parametrize("iters", [1, 3])
def test_each_step_of_ffma_chain_has_exactly_one_rounding(iters: int) -> None:
    x = Fraction(0)
    for _ in range(128 * iters):
        x = _rounded_to_float(x * Fraction(1023, 1024) + Fraction(1, 1024))
    out = worked("ffma_chain", {"blocks": 3, "threads": 37, "iters": iters})[1]["out"]
    assert out.shape == (111,) and (out == float(x)).all()


@pytest.mark.parametrize("iters", [10, 20, 40])
def test_ffma_chain_approaches_one_as_a_geometric_series_does(iters: int) -> None:
    """A rounding moves x by at most 2**-25, and later steps shrink that: 1024 * 2**-25 in all."""
    out = worked("ffma_chain", {"blocks": 1, "threads": 1, "iters": iters})[1]["out"]
    assert abs(float(out[0]) - (1 - (1023 / 1024) ** (128 * iters))) <= 1024 * 2**-25


def test_empty_launches_its_grid_once_and_touches_no_buffer() -> None:
    kernel = load("empty")
    for case in (*kernel.cases, *kernel.checks):
        buffers, expected = worked("empty", case)
        (only,) = kernel.definition.launches(case, buffers)
        assert (only.grid, only.block) == ((case["blocks"], 1, 1), (case["threads"], 1, 1)), case_id(case)
        assert not buffers and not only.arguments and not expected
