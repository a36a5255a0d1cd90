"""The references of the suite `learning` against SciPy, plain loops and identities."""

import math

import numpy as np
import pytest
import scipy.cluster.vq
import scipy.special
import scipy.stats

from tests.validation.kernels.worked import worked
from validation.kernels import load


def test_softmax_is_that_of_scipy() -> None:
    buffers, expected = worked("softmax", {"rows": 3, "columns": 77, "block": 32})
    np.testing.assert_allclose(expected["y"], scipy.special.softmax(buffers["x"].astype(float), axis=1), rtol=1e-6)


@pytest.mark.parametrize(("name", "rtol"), [("layernorm", 1e-5), ("layernorm_half2", 1e-3)])
def test_layernorm_shifts_and_scales_the_z_scores(name: str, rtol: float) -> None:
    buffers, expected = worked(name, {"rows": 4, "columns": 78, "block": 64})
    scores = scipy.stats.zscore(buffers["x"].astype(float), axis=1)
    # The epsilon of 1e-5 beside a variance of 4/3 moves a score by 4e-6 of itself.
    formula = buffers["gamma"].astype(float) * scores + buffers["beta"].astype(float)
    np.testing.assert_allclose(expected["y"].astype(float), formula, rtol=rtol, atol=rtol)


def test_layernorm_of_equal_elements_is_beta() -> None:
    """The epsilon keeps a variance of 0 from dividing."""
    for name in ("layernorm", "layernorm_half2"):
        case = {"rows": 1, "columns": 6, "block": 32}
        definition = load(name).definition
        buffers = definition.inputs(case, np.random.default_rng(6))
        buffers["x"][:] = 2
        assert (definition.reference(case, buffers)["y"][0] == buffers["beta"]).all()


@pytest.mark.parametrize("causal", [0, 1])
def test_attention_weighs_the_values_of_the_visible_keys(causal: int) -> None:
    """A query at a time; with `causal` the last query sees all keys and each one before it a key fewer."""
    queries, keys = 6, 9
    buffers, expected = worked("flash_attention", {"heads": 2, "queries": queries, "keys": keys, "causal": causal})
    q, k, v = (buffers[name].astype(float) for name in "qkv")
    for head in range(2):
        for query in range(queries):
            seen = keys - (queries - 1 - query) if causal else keys
            scores = [float(q[head, query] @ k[head, key]) / 8 for key in range(seen)]
            weights = scipy.special.softmax(scores)
            mean = sum(weight * v[head, key] for key, weight in enumerate(weights))
            np.testing.assert_allclose(expected["o"][head, query].astype(float), mean, rtol=1e-3, atol=1e-6)


def test_the_tolerance_of_attention_is_finer_than_one_key_more_or_less() -> None:
    """At the greatest number of keys: a mask that is off by one shows."""
    kernel = load("flash_attention")
    keys = max(case["keys"] for case in kernel.cases)
    case = {"heads": 1, "queries": 64, "keys": keys, "causal": 0}
    buffers = kernel.definition.inputs(case, np.random.default_rng(8))
    full = kernel.definition.reference(case, buffers)["o"].astype(float)
    fewer = {**buffers, "k": buffers["k"][:, :-1], "v": buffers["v"][:, :-1]}
    short = kernel.definition.reference({**case, "keys": keys - 1}, fewer)["o"].astype(float)
    assert np.abs(full - short).max() > 2 * kernel.tolerance * np.abs(full).max()


def test_the_scale_of_attention_turns_exponentials_into_powers_of_two() -> None:
    case = {"heads": 1, "queries": 1, "keys": 1, "causal": 0}
    (step,) = load("flash_attention").definition.launches(case, {})
    scale = step.arguments[-1]
    assert isinstance(scale, np.float32)
    assert 2.0 ** float(scale) == pytest.approx(math.exp(1 / 8))


def test_kmeans_assigns_as_scipy_does() -> None:
    case = {"points": 333, "features": 34, "clusters": 16, "block": 256}
    buffers, expected = worked("kmeans", case)
    codes, _ = scipy.cluster.vq.vq(buffers["features"].T, buffers["centroids"])
    assert (expected["membership"] == codes).all()
    assert len(set(codes.tolist())) > 1


def test_no_point_of_kmeans_is_almost_between_two_centroids() -> None:
    """So that the order of float32 sums cannot change a membership; with 3 features some points were drawn again."""
    buffers, _ = worked("kmeans", {"points": 2000, "features": 3, "clusters": 24, "block": 256})
    for point in buffers["features"].T.astype(float):
        first, second = sorted(
            float(((point - centroid) ** 2).sum()) for centroid in buffers["centroids"].astype(float)
        )[:2]
        assert second - first >= 1e-3
