"""The references of the suite `polybench` against other ways to the same numbers."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import ndimage

from tests.validation.kernels.worked import worked
from validation.kernels import Buffers, case_id, load, mismatch
from validation.kernels.polybench import conv2d, conv3d

Matrix = NDArray[Any]


def _of_size(name: str, n: int) -> tuple[Buffers, Buffers]:
    return worked(name, {"n": n, "block": 8})


def _element_by_element(n: int, element: Callable[[int, int], float]) -> Matrix:
    return np.array([[element(i, j) for j in range(n)] for i in range(n)], np.float32)


def _vector(n: int, element: Callable[[int], float]) -> Matrix:
    return np.array([element(i) for i in range(n)], np.float32)


@pytest.mark.parametrize(("name", "weights"), [("conv2d", conv2d.WEIGHTS), ("conv3d", conv3d.WEIGHTS)])
def test_a_convolution_is_the_correlation_of_image_processing_inside_and_leaves_the_border(
    name: str, weights: Matrix
) -> None:
    before, after = _of_size(name, 13)
    inside = (slice(1, -1),) * weights.ndim
    expected = before["out"].copy()
    expected[inside] = ndimage.correlate(before["in"].astype(np.float64), weights.astype(np.float64))[inside]
    assert mismatch(expected, after["out"], 1e-6) is None


@pytest.mark.parametrize(("name", "weights"), [("conv2d", conv2d.WEIGHTS), ("conv3d", conv3d.WEIGHTS)])
def test_no_two_weights_of_a_convolution_are_equal(name: str, weights: Matrix) -> None:
    """So a window that is turned or shifted shows."""
    assert len(np.unique(weights)) == weights.size


@pytest.mark.parametrize("name", ["conv2d", "conv3d"])
@pytest.mark.parametrize("n", [1, 2])
def test_a_convolution_of_nothing_but_border_writes_nothing(name: str, n: int) -> None:
    assert not _of_size(name, n)[1]["out"].any()


def test_gemm_memory_is_the_sum_of_its_products() -> None:
    n = 11
    before, after = _of_size("gemm_memory", n)
    a, b, c = (before[name].tolist() for name in "abc")
    expected = _element_by_element(
        n, lambda i, j: 0.75 * c[i][j] + math.fsum(1.5 * a[i][k] * b[k][j] for k in range(n))
    )
    assert mismatch(expected, after["c"], 1e-6) is None


def test_syrk_multiplies_rows_with_rows() -> None:
    n = 11
    before, after = _of_size("syrk", n)
    a, c = before["a"].tolist(), before["c"].tolist()
    expected = _element_by_element(
        n, lambda i, j: 0.75 * c[i][j] + math.fsum(1.5 * a[i][k] * a[j][k] for k in range(n))
    )
    assert mismatch(expected, after["c"], 1e-6) is None


def test_mm2_is_a_sum_over_all_paths_through_three_matrices() -> None:
    n = 7
    before, after = _of_size("mm2", n)
    a, b, d = (before[name].tolist() for name in "abd")
    first = _element_by_element(n, lambda i, j: math.fsum(a[i][k] * b[k][j] for k in range(n)))
    paths = _element_by_element(
        n, lambda i, j: math.fsum(a[i][k] * b[k][m] * d[m][j] for k in range(n) for m in range(n))
    )
    assert mismatch(first, after["c"], 1e-6) is None
    assert mismatch(paths, after["e"], 1e-6) is None


def test_mm3_applied_to_a_vector_is_its_factors_applied_one_by_one() -> None:
    n = 37
    before, after = _of_size("mm3", n)
    vector = np.linspace(-1, 2, n)

    def applied(*names: str) -> Matrix:
        result = vector
        for name in reversed(names):
            result = before[name].astype(np.float64) @ result
        return result

    for product, factors in (("e", "ab"), ("f", "cd"), ("g", "abcd")):
        assert mismatch(applied(*factors), after[product].astype(np.float64) @ vector, 1e-6) is None, product


def test_atax_sums_along_the_rows_and_then_down_the_columns() -> None:
    n = 19
    before, after = _of_size("atax", n)
    a, x = before["a"].tolist(), before["x"].tolist()
    rows = _vector(n, lambda i: math.fsum(a[i][j] * x[j] for j in range(n)))
    columns = _vector(n, lambda j: math.fsum(a[i][j] * a[i][k] * x[k] for i in range(n) for k in range(n)))
    assert mismatch(rows, after["tmp"], 1e-6) is None
    assert mismatch(columns, after["y"], 1e-6) is None


def test_gesummv_is_one_product_with_the_weighted_sum_of_both_matrices() -> None:
    before, after = _of_size("gesummv", 37)
    a, b, x = (before[name].astype(np.float64) for name in "abx")
    assert mismatch(((1.5 * a + 0.75 * b) @ x).astype(np.float32), after["y"], 1e-6) is None
    assert mismatch(np.einsum("ij,j->i", a, x).astype(np.float32), after["tmp"], 1e-6) is None


@pytest.mark.parametrize("name", ["conv2d", "conv3d", "gemm_memory", "mm2", "mm3", "syrk", "atax", "gesummv"])
def test_the_grid_covers_every_element_with_the_published_block_shape(name: str) -> None:
    kernel = load(name)
    one_dimensional = name in ("atax", "gesummv")
    for case in (*kernel.cases, *kernel.checks):
        n, block = case["n"], case["block"]
        for step in kernel.definition.launches(case, {}):
            assert step.block == ((block, 1, 1) if one_dimensional else (block, 8, 1)), case_id(case)
            for axis in (0,) if one_dimensional else (0, 1):
                spare = step.grid[axis] * step.block[axis] - n
                assert 0 <= spare < step.block[axis], case_id(case)
