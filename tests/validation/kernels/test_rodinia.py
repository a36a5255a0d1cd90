"""The references of the Rodinia kernels against SciPy, slow loops, searches of all paths and identities."""

import itertools
from functools import cache
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, ndimage

from tests.validation.kernels.worked import worked
from validation.kernels import load


@pytest.mark.parametrize(("pyramid", "last", "earlier"), [(2, "odd", 4), (5, "odd", 0), (3, "even", 3)])
def test_hotspot_steps_by_second_differences_power_and_loss(pyramid: int, last: str, earlier: int) -> None:
    before, after = worked("hotspot", {"rows": 37, "columns": 21, "pyramid": pyramid, "steps": 5})
    second = [1, -2, 1]
    temperatures = [before["even"].astype(np.float64)]
    for _ in range(5):
        t = temperatures[-1]
        flow = 0.2 * ndimage.correlate1d(t, second, axis=0, mode="nearest") + before["power"]
        flow += 0.3 * ndimage.correlate1d(t, second, axis=1, mode="nearest") + 0.05 * (300 - t)
        temperatures.append(t + 0.5 * flow)
    other = "even" if last == "odd" else "odd"
    np.testing.assert_allclose(after[last], temperatures[5], rtol=1e-6)
    np.testing.assert_allclose(after[other], temperatures[earlier], rtol=1e-6)


def test_hotspot_keeps_heat_but_for_power_and_loss() -> None:
    before, after = worked("hotspot", {"rows": 37, "columns": 21, "pyramid": 1, "steps": 1})
    gained = float(np.sum(after["odd"].astype(np.float64) - before["even"]))
    fed = 0.5 * float(np.sum(before["power"] + 0.05 * (300 - before["even"].astype(np.float64))))
    assert gained == pytest.approx(fed, abs=0.02)
    assert abs(fed) > 100


def test_needleman_wunsch_is_the_best_of_three_ways_to_end_an_alignment() -> None:
    n = 21
    before, after = worked("needleman_wunsch", {"n": n})

    @cache
    def best(i: int, j: int) -> int:
        if not i or not j:
            return -10 * (i + j)
        return max(best(i - 1, j - 1) + int(before["similarity"][i, j]), best(i - 1, j) - 10, best(i, j - 1) - 10)

    expected = [[best(i, j) for j in range(n + 1)] for i in range(n + 1)]
    np.testing.assert_array_equal(after["score"], expected)


@pytest.mark.parametrize("n", [1, 16, 75, 128])
def test_needleman_wunsch_launches_every_tile_once_after_its_neighbours(n: int) -> None:
    kernel = load("needleman_wunsch")
    steps = kernel.definition.launches({"n": n}, {})
    done: set[tuple[int, int]] = set()
    tiles = -(-n // 16)
    for step in steps:
        diagonal = int(step.arguments[4])
        shift = 0 if step.function.endswith("growing") else diagonal - tiles + 1
        now = {(shift + i, diagonal - shift - i) for i in range(step.grid[0])}
        for x, y in now:
            assert (x == 0 or (x - 1, y) in done) and (y == 0 or (x, y - 1) in done)
        assert not now & done
        done |= now
    assert done == set(itertools.product(range(tiles), repeat=2))


@pytest.mark.parametrize("n", [16, 48, 112])
def test_the_factors_of_lud_multiply_to_the_matrix(n: int) -> None:
    before, after = worked("lud", {"n": n})
    factors = after["a"].astype(np.float64)
    product = (np.tril(factors, -1) + np.eye(n)) @ np.triu(factors)
    np.testing.assert_allclose(product, before["a"], atol=1e-5)


def test_lud_agrees_with_lapack_where_lapack_does_not_pivot() -> None:
    n = 48
    case = {"n": n}
    definition = load("lud").definition
    before = definition.inputs(case, np.random.default_rng(3))
    before["a"] += 64 * np.eye(n, dtype=np.float32)  # now dominant in every column
    permutation, lower, upper = linalg.lu(before["a"].astype(np.float64))
    np.testing.assert_array_equal(permutation, np.eye(n))
    np.testing.assert_allclose(definition.reference(case, before)["a"], np.tril(lower, -1) + upper, rtol=1e-6)


@pytest.mark.parametrize("name", ["lud", "gaussian"])
@pytest.mark.parametrize("n", [16, 256])
def test_the_matrix_needs_no_pivoting(name: str, n: int) -> None:
    before, after = worked(name, {"n": n, "block": 64})
    assert np.linalg.cond(before["a"].astype(np.float64)) < 4
    assert np.abs(after["a"]).max() < 1.5 * np.abs(before["a"]).max()


def _all_paths(first: NDArray[Any], wall: NDArray[Any]) -> list[int]:
    columns, best = len(first), []
    for end in range(columns):
        costs = []
        for moves in itertools.product((-1, 0, 1), repeat=len(wall)):
            at, cost = end, 0
            for move, row in zip(moves, wall[::-1], strict=True):
                cost += int(row[at])
                at += move
                if not 0 <= at < columns:
                    break
            else:
                costs.append(cost + int(first[at]))
        best.append(min(costs))
    return best


@pytest.mark.parametrize(("pyramid", "last", "earlier"), [(1, "even", 5), (4, "even", 4), (6, "odd", 0)])
def test_pathfinder_finds_the_cheapest_of_all_paths(pyramid: int, last: str, earlier: int) -> None:
    before, after = worked("pathfinder", {"columns": 7, "rows": 7, "pyramid": pyramid})
    other = "even" if last == "odd" else "odd"
    np.testing.assert_array_equal(after[last], _all_paths(before["even"], before["wall"]))
    np.testing.assert_array_equal(after[other], _all_paths(before["even"], before["wall"][:earlier]))


def test_srad_diffuses_as_a_loop_over_pixels_does() -> None:
    rows, columns = 11, 7
    before, after = worked("srad", {"rows": rows, "columns": columns, "iterations": 2})
    image = [[float(value) for value in row] for row in before["image"]]

    def pixel(y: int, x: int) -> float:
        return image[min(max(y, 0), rows - 1)][min(max(x, 0), columns - 1)]

    for _ in range(2):
        flat = [value for row in image for value in row]
        mean = sum(flat) / len(flat)
        q0 = sum((value - mean) ** 2 for value in flat) / len(flat) / mean**2
        c = [[0.0] * columns for _ in range(rows)]
        for y, x in itertools.product(range(rows), range(columns)):
            here = pixel(y, x)
            sides = [pixel(y - 1, x) - here, pixel(y + 1, x) - here, pixel(y, x - 1) - here, pixel(y, x + 1) - here]
            gradient = sum(side * side for side in sides) / here**2
            laplacian = sum(sides) / here
            q = (gradient / 2 - (laplacian / 4) ** 2) / (1 + laplacian / 4) ** 2
            c[y][x] = min(max(1 / (1 + (q - q0) / (q0 * (1 + q0))), 0.0), 1.0)
        moved = [[0.0] * columns for _ in range(rows)]
        for y, x in itertools.product(range(rows), range(columns)):
            below, right = c[min(y + 1, rows - 1)][x], c[y][min(x + 1, columns - 1)]
            flux = c[y][x] * (pixel(y - 1, x) + pixel(y, x - 1) - 2 * pixel(y, x))
            flux += below * (pixel(y + 1, x) - pixel(y, x)) + right * (pixel(y, x + 1) - pixel(y, x))
            moved[y][x] = pixel(y, x) + 0.5 / 4 * flux
        image = moved
    np.testing.assert_allclose(after["image"], image, rtol=1e-6)
    np.testing.assert_allclose(after["coefficient"], c, rtol=1e-5)
    assert after["q0_squared"][0] == pytest.approx(q0, rel=1e-6)
    assert after["partial"][:, 0].sum() == pytest.approx(sum(flat), rel=1e-6)
    assert 0 < np.mean(np.asarray(c) < 1) < 1, "the case should have clamped and free coefficients"


def test_srad_smooths_the_image() -> None:
    before, after = worked("srad", {"rows": 37, "columns": 50, "iterations": 3})
    assert after["image"].var() < 0.9 * before["image"].var()
    assert after["image"].mean() == pytest.approx(before["image"].mean(), rel=1e-3)


def test_the_partial_sums_of_backprop_add_up_to_inputs_times_weights() -> None:
    before, after = worked("backprop", {"n": 336})
    expected = before["input"][1:].astype(np.float64) @ before["weights"][1:, 1:]
    np.testing.assert_allclose(after["partial"].sum(axis=0), expected, rtol=1e-6)


def test_backprop_stores_the_tree_over_each_tile() -> None:
    before, after = worked("backprop", {"n": 48})
    product = before["input"].astype(np.float64)[:, None] * before["weights"]
    for tile, row in itertools.product(range(3), range(16)):
        below = 16 if row == 0 else row & -row  # rows that the tree adds up in this one
        first = 1 + 16 * tile + row
        np.testing.assert_allclose(after["sums"][first, 1:], product[first : first + below, 1:].sum(axis=0), rtol=1e-6)


def test_backprop_adjusts_each_weight_by_descent_and_momentum() -> None:
    before, after = worked("backprop", {"n": 32})
    for i, h in itertools.product(range(33), range(1, 17)):
        unit = float(before["input"][i]) if i else 1.0
        step = 0.3 * float(before["delta"][h]) * unit + 0.3 * float(before["change"][i, h])
        assert after["change"][i, h] == pytest.approx(step, rel=1e-6)
        assert after["weights"][i, h] == pytest.approx(float(before["weights"][i, h]) + step, rel=1e-6)
    np.testing.assert_array_equal(after["weights"][:, 0], before["weights"][:, 0])


def test_back_substitution_after_gaussian_solves_the_system() -> None:
    before, after = worked("gaussian", {"n": 29, "block": 64})
    expected = linalg.solve(before["a"].astype(np.float64), before["b"].astype(np.float64))
    solution = linalg.solve_triangular(np.triu(after["a"]).astype(np.float64), after["b"].astype(np.float64))
    np.testing.assert_allclose(solution, expected, atol=1e-7)
    assert np.abs(np.tril(after["a"], -1)).max() < 1e-6


@pytest.mark.parametrize("steps", [1, 5, 34])
def test_the_multipliers_of_gaussian_take_the_result_back_to_the_matrix(steps: int) -> None:
    before, after = worked("gaussian", {"n": 35, "block": 32, "steps": steps})
    lower = np.eye(35) + after["multiplier"]
    np.testing.assert_allclose(lower @ after["a"], before["a"], atol=1e-5)
    np.testing.assert_allclose(lower @ after["b"], before["b"], atol=1e-5)
    assert not after["multiplier"][:, steps:].any()
