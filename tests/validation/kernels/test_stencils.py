"""The references of the stencils against SciPy's correlation."""

import numpy as np
import pytest
from scipy import ndimage

from tests.validation.kernels.worked import worked
from validation.kernels import Case


def test_stencil5_weighs_a_cell_and_its_four_neighbours() -> None:
    before, after = worked("stencil5", {"rows": 33, "columns": 71})
    weights = np.array([[0, 0.15, 0], [0.15, 0.4, 0.15], [0, 0.15, 0]])
    expected = ndimage.correlate(before["in"].astype(np.float64), weights)
    np.testing.assert_allclose(after["out"][1:-1, 1:-1], expected[1:-1, 1:-1], rtol=1e-6)


def test_stencil7_weighs_a_cell_and_its_six_neighbours() -> None:
    before, after = worked("stencil7", {"nx": 37, "ny": 19, "nz": 11})
    weights = 0.1 * ndimage.generate_binary_structure(3, 1)
    weights[1, 1, 1] = 0.4
    expected = ndimage.correlate(before["in"].astype(np.float64), weights)
    inside = slice(1, -1), slice(1, -1), slice(1, -1)
    np.testing.assert_allclose(after["out"][inside], expected[inside], rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "case"),
    [
        ("stencil5", {"rows": 9, "columns": 7}),
        ("stencil5", {"rows": 1, "columns": 5}),
        ("stencil7", {"nx": 9, "ny": 7, "nz": 5}),
        ("stencil7", {"nx": 9, "ny": 7, "nz": 1}),
    ],
)
def test_the_border_keeps_its_values_and_nothing_else_does(name: str, case: Case) -> None:
    before, after = worked(name, case)
    border = np.ones(before["in"].shape, bool)
    border[(slice(1, -1),) * border.ndim] = False
    np.testing.assert_array_equal(before["in"] == after["out"], border)
