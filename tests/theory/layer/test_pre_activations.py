"""Moments of products and sums of weights and inputs, against enumeration and SciPy."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from theory.layer import pre_activations


def test_product_variance_by_enumeration() -> None:
    weights, values = np.array([0.0, 1.0, 4.0]), np.array([-1.0, 2.0, 5.0, 7.0])
    truth = np.multiply.outer(weights, values).var()
    claimed = pre_activations.product_variance(weights.mean(), weights.var(), values.mean(), values.var())
    assert float(claimed) == pytest.approx(truth)


def test_weights_of_mean_zero_see_the_second_moment() -> None:
    ratio = pre_activations.product_variance(0, 1, math.sqrt(1 / (2 * math.pi)), 0.5 - 1 / (2 * math.pi))
    assert float(ratio) == pytest.approx(0.5)


@pytest.mark.parametrize("x", [(1.0,), (1.0, -2.0), (0.5, 3.0, -1.0, 2.0)])
def test_fourth_moment_by_enumeration_of_signs(x: tuple[float, ...]) -> None:
    sums = [np.dot(signs, x) for signs in itertools.product((-1, 1), repeat=len(x))]
    claimed = pre_activations.fourth_moment(1, sum(v**4 for v in x), sum(v**2 for v in x))
    assert float(claimed) == pytest.approx(np.mean(np.array(sums) ** 4))


def test_fourth_moment_of_normal_and_of_single_weights() -> None:
    assert pre_activations.fourth_moment(3, 5, 2, 7) == 3 * (2 * 7) ** 2
    assert pre_activations.fourth_moment(pre_activations.uniform_kurtosis(), 1) == pytest.approx(
        stats.uniform.stats(moments="k") + 3
    )


def test_biases() -> None:
    n = 6
    entry = stats.uniform(-1 / math.sqrt(n), 2 / math.sqrt(n)).var()
    assert float(pre_activations.torch_second_moment(n, 4)) == pytest.approx(entry * n * 4 + entry)


def test_domains() -> None:
    with pytest.raises(ValueError, match="kurtosis"):
        pre_activations.fourth_moment(0.5, 1)
    with pytest.raises(ValueError, match="fan_in"):
        pre_activations.torch_second_moment(0)
    with pytest.raises(ValueError, match="variance"):
        pre_activations.product_variance(0, -1, 0, 1)
