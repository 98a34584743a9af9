"""Logits against all matrices of random signs, and laws against SciPy's."""

import itertools

import numpy as np
import pytest
from scipy import stats

from tests.theory.averages import sign_matrices
from theory.attention import logits

X, Y, OTHER = np.array([1.0, 0.3]), np.array([-0.4, 2.0]), np.array([0.7, -1.1])


def _pairs(head: int) -> list[tuple[np.ndarray, np.ndarray]]:
    return list(itertools.product(sign_matrices(head, 2, 0.5), sign_matrices(head, 2, 2.0)))


def test_second_moment_kurtosis_and_covariance_by_enumeration() -> None:
    found = np.array([[(q @ X) @ (k @ Y), (q @ OTHER) @ (k @ X)] for q, k in _pairs(2)])
    square = float(logits.mean_square(2, 0.25, 4, X @ X, Y @ Y))
    assert np.mean(found[:, 0] ** 2) == pytest.approx(square)
    assert np.mean(found[:, 0]) == pytest.approx(0)
    of_query, of_key = (logits.query_kurtosis(1, float((v**4).sum() / (v @ v) ** 2)) for v in (X, Y))
    assert np.mean(found[:, 0] ** 4) / square**2 == pytest.approx(float(logits.logit_kurtosis(2, of_query, of_key)))
    covariance = logits.mean_product(2, 0.25, 4, X @ OTHER, Y @ X)
    assert np.mean(found[:, 0] * found[:, 1]) == pytest.approx(float(covariance))


def test_gaussian_kurtosis() -> None:
    assert [logits.logit_kurtosis(head, 3, 3) for head in (1, 2, 6)] == [9, 6, 4]


def test_one_matrix_for_queries_and_keys() -> None:
    """Quoted: 2.520 and 14.24 were measured to 0.008 and 0.07 at d_k = 3 (mean -2.513, variance 14.19)."""
    values = {logits.HEAD: 3, logits.QUERY: 0.5, logits.FIRST: X @ X, logits.SECOND: Y @ Y, logits.INNER: X @ Y}
    rng = np.random.default_rng(5)
    drawn = rng.normal(0, 0.5**0.5, (200_000, 3, 2))
    found = np.einsum("nij,j,nik,k->n", drawn, X, drawn, Y)
    mean, variance = (float(one().result.subs(values)) for one in (logits.tied_mean, logits.tied_square))
    assert found.mean() == pytest.approx(mean, abs=6 * (variance / 200_000) ** 0.5)
    assert found.var() == pytest.approx(variance, rel=0.05)


@pytest.mark.parametrize("at", [-3.0, -0.2, 0.0, 0.7, 4.0])
def test_a_head_of_two_has_laplace_logits(at: float) -> None:
    assert float(logits.laplace_cdf(at)) == pytest.approx(stats.laplace.cdf(at))


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="head is 0"):
        logits.mean_square(0, 1, 1, 1, 1)
    with pytest.raises(ValueError, match="key is -1"):
        logits.mean_square(1, 1, -1, 1, 1)
