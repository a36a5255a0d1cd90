"""The references of the suite `dense` against products summed another way, and properties of their inputs."""

import numpy as np
import pytest

from tests.validation.kernels.worked import worked
from validation.kernels import Case, load

#: No size is a multiple of the tile, except where the kernel asks for it.
ODD: dict[str, Case] = {
    "gemm_tiled": {"m": 7, "n": 21, "k": 19},
    "gemm_register": {"m": 9, "n": 70, "k": 5},
    "gemm_wmma": {"m": 16, "n": 48, "k": 32},
    "gemm_mma": {"m": 5, "n": 24, "k": 40},
}


@pytest.mark.parametrize("name", ODD)
def test_each_element_is_the_sum_of_products_of_its_row_and_column(name: str) -> None:
    case = ODD[name]
    given, expected = worked(name, case)
    a, b = given["a"].tolist(), given["b"].tolist()
    sums = [
        [sum(a[row][i] * b[i][column] for i in range(case["k"])) for column in range(case["n"])]
        for row in range(case["m"])
    ]
    assert expected["c"].dtype == np.float32
    np.testing.assert_allclose(expected["c"], sums, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", ODD)
def test_the_tolerance_is_finer_than_one_lost_product(name: str) -> None:
    """At the greatest measured depth: leaving out one element of k changes some result by far more than is allowed."""
    kernel = load(name)
    case = {"m": 64, "n": 64, "k": max(case["k"] for case in kernel.cases)}
    buffers = kernel.definition.inputs(case, np.random.default_rng(2))
    full = kernel.definition.reference(case, buffers)["c"]
    buffers["a"][:, -1] = 0
    short = kernel.definition.reference(case, buffers)["c"]
    allowed = kernel.tolerance * np.abs(full).max()
    assert np.abs(full - short).max() > 20 * allowed


@pytest.mark.parametrize("name", ODD)
def test_its_blocks_cover_every_element_and_no_more_rows_of_blocks_than_needed(name: str) -> None:
    kernel, case = load(name), {"m": 272, "n": 144, "k": 16}
    (step,) = kernel.definition.launches(case, kernel.definition.inputs(case, np.random.default_rng(3)))
    tile = {"gemm_tiled": 16, "gemm_register": 64, "gemm_wmma": 64, "gemm_mma": 128}[name]
    for extent, size in zip(step.grid, (case["n"], case["m"]), strict=False):
        assert (extent - 1) * tile < size <= extent * tile


@pytest.mark.parametrize(("name", "unit"), [("gemm_wmma", {"m": 16, "n": 16, "k": 16}), ("gemm_mma", {"n": 8, "k": 8})])
def test_all_sizes_of_the_tensor_core_kernels_are_legal(name: str, unit: Case) -> None:
    kernel = load(name)
    for case in (*kernel.cases, *kernel.checks):
        assert all(case[key] % multiple == 0 for key, multiple in unit.items())
