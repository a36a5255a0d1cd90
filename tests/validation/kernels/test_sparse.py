"""The references of the sparse kernels against SciPy's sparse matrices and graph searches."""

import numpy as np
import pytest
from scipy import sparse
from scipy.sparse import csgraph

from tests.validation.kernels.worked import worked
from validation.kernels import Buffers, load


@pytest.mark.parametrize(("name", "rtol"), [("spmv_scalar", 1e-13), ("spmv_vector", 1e-6)])
def test_spmv_is_the_product_of_a_matrix_in_compressed_rows(name: str, rtol: float) -> None:
    before, after = worked(name, {"rows": 333, "mean": 3, "block": 128})
    matrix = sparse.csr_matrix((before["value"].astype(np.float64), before["column"], before["row_start"]))
    assert (np.diff(before["row_start"]) == 0).any(), "the case should have an empty row"
    np.testing.assert_allclose(after["y"], matrix @ before["x"].astype(np.float64), rtol=rtol)


def _graph(buffers: Buffers) -> sparse.csr_matrix:
    n, edges = len(buffers["nodes"]), buffers["edges"]
    first, count = buffers["nodes"].T
    ends = np.append(first, first[-1] + count[-1])
    return sparse.csr_matrix((np.ones(len(edges)), edges, ends), shape=(n, n))


@pytest.mark.parametrize("degree", [1, 2, 9])
def test_the_cost_of_a_node_is_its_distance_from_node_0(degree: int) -> None:
    before, after = worked("bfs", {"nodes": 301, "degree": degree, "block": 128})
    distance = csgraph.shortest_path(_graph(before), unweighted=True, indices=0)
    assert np.isinf(distance).any() == (degree < 9), "degrees 1 and 2 should leave nodes out of reach, 9 should not"
    np.testing.assert_array_equal(after["cost"], np.where(np.isinf(distance), -1, distance))
    np.testing.assert_array_equal(after["visited"], np.isfinite(distance))


def test_bfs_launches_both_kernels_once_more_than_the_farthest_node_is_away() -> None:
    case = {"nodes": 301, "degree": 2, "block": 128}
    before, _ = worked("bfs", case)
    distance = csgraph.shortest_path(_graph(before), unweighted=True, indices=0)
    functions = [step.function for step in load("bfs").definition.launches(case, before)]
    levels = int(distance[np.isfinite(distance)].max()) + 1
    assert functions == ["bfs_expand", "bfs_advance"] * levels
