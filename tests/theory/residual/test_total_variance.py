"""The law of total variance in a block, against a finite sample space and quadrature."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from tests.theory.averages import normal_mean
from theory.residual import total_variance


def test_against_a_finite_sample_space() -> None:
    rng = np.random.default_rng(3)
    joint = rng.dirichlet(np.ones(12)).reshape(3, 4)
    x, branch = rng.normal(size=3), rng.normal(size=(3, 4))
    marginal = joint.sum(axis=1)
    mean = (joint * branch).sum(axis=1) / marginal
    conditional = (joint * branch**2).sum(axis=1) / marginal - mean**2
    covariance = np.cov(np.vstack([x, mean]), aweights=marginal, ddof=0)
    total = x[:, None] + branch
    oracle = (joint * total**2).sum() - (joint * total).sum() ** 2
    parts = (covariance[0, 0], marginal @ conditional, covariance[1, 1], covariance[0, 1])
    assert float(total_variance.total_variance(*parts)) == pytest.approx(oracle)


def test_relu_branch() -> None:
    variance = 2 * 3.0 / 8
    mean = normal_mean(lambda z: 0.3 * max(z, 0), variance)
    square = normal_mean(lambda z: (0.3 * max(z, 0)) ** 2, variance)
    assert float(total_variance.relu_branch_conditional_mean(0.3, 3.0, 8)) == pytest.approx(mean)
    assert float(total_variance.relu_branch_conditional_variance(0.3, 3.0, 8)) == pytest.approx(square - mean**2)


@pytest.mark.slow
def test_relu_branch_growth() -> None:
    assert float(total_variance.relu_branch_growth(1, 1)) == pytest.approx(2 + 2 / math.sqrt(math.pi))
    x = np.array([1.0, 0.0, 2.0, 0.5])
    square, cosine = x @ x, x.sum() / (2 * math.sqrt(x @ x))
    moments = [normal_mean(lambda z: max(z, 0), square / 2), normal_mean(lambda z: max(z, 0) ** 2, square / 2)]
    oracle = 1 + 2 * 0.1 * x.sum() * moments[0] / square + 0.01 * 4 * moments[1] / square
    assert float(total_variance.relu_branch_growth(0.1, cosine)) == pytest.approx(oracle)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (total_variance.total_variance, (-1, 0), "variance is -1"),
        (total_variance.relu_branch_growth, (1, 1.5), "cosine is 1.5"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
