"""The references of the samples' algorithms against formulas of another kind."""

from itertools import accumulate
from math import sqrt

import numpy as np
import pytest
from scipy.linalg import hadamard
from scipy.special import ndtr

from tests.validation.kernels.worked import worked
from validation.kernels import load


def test_scan_adds_what_stands_before_modulo_two_to_the_32() -> None:
    given, expected = worked("scan", {"size": 1536, "length": 512})
    for first in range(0, 1536, 512):
        array = given["values"][first : first + 512].tolist()
        before = [total % 2**32 for total in accumulate(array[:-1], initial=0)]
        assert expected["sums"][first : first + 512].tolist() == before


def test_fast_walsh_convolves_over_exclusive_or() -> None:
    given, expected = worked("fast_walsh", {"log2_data": 9, "log2_kernel": 3})
    i = np.arange(512)
    convolved = sum(given["data"].astype(np.float64)[i ^ k] * float(given["kernel"][k]) for k in range(8))
    assert not given["kernel"][8:].any()
    np.testing.assert_allclose(expected["data"], convolved, rtol=0, atol=1e-6)


def test_fast_walsh_leaves_the_kernel_times_the_hadamard_matrix() -> None:
    given, expected = worked("fast_walsh", {"log2_data": 9, "log2_kernel": 7})
    spectrum = hadamard(512) @ given["kernel"].astype(np.float64)
    np.testing.assert_allclose(expected["kernel"], spectrum, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", ["bitonic_sort", "oddeven_sort"])
@pytest.mark.parametrize("descending", [False, True])
def test_a_sort_orders_each_array_and_keeps_values_with_keys(name: str, descending: bool) -> None:
    given, expected = worked(name, {"size": 320, "length": 64, "descending": descending})
    pairs = list(zip(given["keys"].tolist(), given["values"].tolist(), strict=True))
    ordered = [pair for first in range(0, 320, 64) for pair in sorted(pairs[first : first + 64], reverse=descending)]
    assert list(zip(expected["sorted_keys"].tolist(), expected["sorted_values"].tolist(), strict=True)) == ordered


@pytest.mark.parametrize(("name", "launches"), [("bitonic_sort", 1 + 2 + 3), ("oddeven_sort", 1 + 11 + 12)])
def test_a_long_array_takes_a_launch_for_each_step_beyond_a_chunk(name: str, launches: int) -> None:
    definition = load(name).definition
    case = {"size": 8192, "length": 4096}
    assert len(definition.launches(case, {})) == launches
    assert len(definition.launches({"size": 8192, "length": 1024}, {})) == 1


def test_nbody_adds_the_pull_of_every_pair_to_both() -> None:
    given, expected = worked("nbody", {"n": 45, "block": 32})
    bodies = given["bodies"].tolist()
    accelerations = [[0.0, 0.0, 0.0] for _ in bodies]
    for i, (*at, mass) in enumerate(bodies):
        for j, (*other, other_mass) in enumerate(bodies[:i]):
            apart = [b - a for a, b in zip(at, other, strict=True)]
            distance = sqrt(sum(d * d for d in apart) + float(np.float32(0.01)))
            for axis, d in enumerate(apart):
                accelerations[i][axis] += other_mass * d / distance**3
                accelerations[j][axis] -= mass * d / distance**3
    np.testing.assert_allclose(expected["accelerations"][:, :3], accelerations, rtol=0, atol=1e-5)
    assert not expected["accelerations"][:, 3].any()


def test_black_scholes_agrees_with_the_normal_distribution_itself() -> None:
    given, expected = worked("blackscholes", {"n": 1001, "block": 128})
    price, strike, years = (given[name].astype(np.float64) for name in ("price", "strike", "years"))
    spread = 0.3 * np.sqrt(years)
    d1 = (np.log(price / strike) + 0.02 * years) / spread + spread / 2
    call = price * ndtr(d1) - strike * np.exp(-0.02 * years) * ndtr(d1 - spread)
    np.testing.assert_allclose(expected["call"], call, rtol=0, atol=2e-5)


def test_black_scholes_calls_and_puts_are_at_parity() -> None:
    given, expected = worked("blackscholes", {"n": 1001, "block": 128})
    difference = expected["call"].astype(np.float64) - expected["put"]
    forward = given["price"] - given["strike"] * np.exp(-0.02 * given["years"].astype(np.float64))
    np.testing.assert_allclose(difference, forward, rtol=0, atol=2e-5)


def test_mandelbrot_counts_as_a_loop_over_single_pixels_does() -> None:
    case = {"width": 21, "height": 17, "limit": 60}
    _, expected = worked("mandelbrot", case)
    step = np.float32(2.5 / 17)
    for row in range(17):
        for column in range(21):
            cx = np.float32(-2.0) + step * np.float32(column)
            cy = np.float32(-1.25) + step * np.float32(row)
            x = y = np.float32(0)
            count = 0
            while count < 60 and x * x + y * y <= np.float32(4):
                x, y = x * x - y * y + cx, np.float32(2) * x * y + cy
                count += 1
            assert expected["counts"][row, column] == count


def test_mandelbrot_never_leaves_the_cardioid_and_the_disc() -> None:
    _, expected = worked("mandelbrot", {"width": 99, "height": 83, "limit": 200})
    step = 2.5 / 83
    c = (step * np.arange(99) - 2.0)[None, :] + 1j * (step * np.arange(83) - 1.25)[:, None]
    surely_inside = (np.abs(1 - np.sqrt(1 - 4 * c)) < 0.999) | (np.abs(c + 1) < 0.249)
    assert surely_inside.sum() > 1000
    assert (expected["counts"][surely_inside] == 200).all()
    assert (expected["counts"][np.abs(c) > 2.001] == 1).all()
