"""The references of the basic kernels against formulas of another kind."""

from collections import Counter
from fractions import Fraction
from math import fsum

import numpy as np
import pytest

from tests.validation.kernels.worked import worked
from validation.kernels import load


def test_vectoradd_adds_each_pair_with_one_rounding() -> None:
    given, expected = worked("vectoradd", {"n": 301, "block": 256})
    exact = [Fraction(float(a)) + Fraction(float(b)) for a, b in zip(given["a"], given["b"], strict=True)]
    assert expected["c"].tolist() == [float(np.float32(float(total))) for total in exact]


def test_saxpy_is_the_exact_value_to_half_a_unit_in_the_last_place() -> None:
    given, expected = worked("saxpy", {"n": 301, "block": 256})
    factor = Fraction(float(np.float32(1.7)))
    for x, y, got in zip(given["x"], given["y"], expected["y"], strict=True):
        exact = factor * Fraction(float(x)) + Fraction(float(y))
        assert abs(Fraction(float(got)) - exact) <= Fraction(float(np.spacing(got))) / 2


def test_copy_gives_the_same_bytes() -> None:
    given, expected = worked("copy", {"n": 1027, "block": 64})
    assert expected["to"].tobytes() == given["from"].tobytes()


def test_copy_reads_and_writes_each_byte_once() -> None:
    definition = load("copy").definition
    case = {"n": 1000, "block": 64}
    buffers = definition.inputs(case, np.random.default_rng(11))
    bandwidth = definition.readings(case, buffers, 1e-6)["bandwidth"]
    assert bandwidth.value == pytest.approx(8.0)
    assert bandwidth.unit == "GB/s"


@pytest.mark.parametrize("name", ["transpose_naive", "transpose_tiled", "transpose_padded"])
def test_a_transpose_turns_rows_into_columns(name: str) -> None:
    given, expected = worked(name, {"rows": 45, "columns": 67})
    flat, turned = given["in"].reshape(-1).tolist(), expected["out"].reshape(-1).tolist()
    assert turned == [flat[row * 67 + column] for column in range(67) for row in range(45)]


def test_reduce_gives_each_block_the_elements_that_its_threads_stride_over() -> None:
    given, expected = worked("reduce", {"n": 1003, "blocks": 3, "block": 64})
    values = given["values"].tolist()
    shares = [
        [values[i] for thread in range(64) for i in range(block * 64 + thread, 1003, 3 * 64)] for block in range(3)
    ]
    assert expected["partials"].tolist() == pytest.approx([fsum(share) for share in shares], rel=1e-7)
    assert expected["total"].tolist() == pytest.approx([fsum(values)], rel=1e-7)


def test_histogram_counts_every_byte() -> None:
    given, expected = worked("histogram", {"n": 2051, "values": 200, "blocks": 2, "block": 96})
    counted = Counter(given["bytes"].tobytes())
    assert expected["counts"].tolist() == [counted[value] for value in range(256)]
    assert max(counted) < 200
