"""The gradient of ones in depth against its recursion in floating point, enumeration by SciPy, and limits."""

import math

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from theory.independence import gradient_independence, ones_in_depth


def recursion(n: int, layers: int) -> tuple[float, float]:
    """Mean and variance of a + o over n by summing over the number of active units, layer by layer."""
    active, weight = np.arange(1, n + 1), stats.binom(n, 0.5).pmf(np.arange(1, n + 1))
    normals, half = stats.chi2(n - 1), stats.halfnorm
    first, second, third, fourth = (half.moment(k) for k in (1, 2, 3, 4))
    k = active.astype(float)
    pairs, triples, quadruples = k * (k - 1), k * (k - 1) * (k - 2), k * (k - 1) * (k - 2) * (k - 3)
    square = k * second + pairs * first**2
    power = (
        k * fourth + pairs * (4 * third * first + 3 * second**2) + 6 * triples * second * first**2
        + quadruples * first**4
    )  # fmt: skip
    mean = 2 / n * np.array([weight @ square, weight @ k * normals.mean()])
    moments = (2 / n) ** 2 * np.array(
        [weight @ power, weight @ (square * k) * normals.mean(), weight @ k**2 * normals.moment(2)]
    )
    inside = [stats.beta((count - 1) / 2, (n - count) / 2) for count in range(2, n)]
    one, two = np.array([(0, 0), *((beta.mean(), beta.moment(2)) for beta in inside), (1, 1)]).T
    for _ in range(layers - 1):
        a, o = mean
        mean = 2 / n * np.array([a * weight @ k, normals.mean() * weight @ (a + one * o)])
        aa, ao, oo = moments
        moments = (2 / n) ** 2 * np.array(
            [
                aa * weight @ (k * (k + 2)),
                normals.mean() * weight @ (k * (aa + one * ao)),
                normals.moment(2) * weight @ (aa + 2 * one * ao + two * oo),
            ]
        )
    return mean.sum() / n, (moments @ [1, 2, 1]) / n**2 - (mean.sum() / n) ** 2


@pytest.mark.parametrize("width", [2, 3, 7])
@pytest.mark.parametrize("layers", [1, 2, 5])
def test_mean_and_variance(width: int, layers: int) -> None:
    mean, variance = recursion(width, layers)
    assert float(ones_in_depth.ones_growth(width, layers)) == pytest.approx(mean, rel=1e-10)
    assert float(ones_in_depth.ones_growth_variance(width, layers)) == pytest.approx(variance, rel=1e-9)


def test_one_layer_is_known() -> None:
    assert sp.simplify(ones_in_depth.ones_growth(5, 1) - gradient_independence.ones_ratio(5)) == 0
    known = float(gradient_independence.ones_ratio_variance(5))
    assert float(ones_in_depth.ones_growth_variance(5, 1)) == pytest.approx(known, rel=1e-12)


def test_limits() -> None:
    """Linear in depth while the net is wide; 1 + (n - 1) / pi in the end; one unit has nowhere to go."""
    assert float(ones_in_depth.ones_growth(10**9, 32)) == pytest.approx(1 + 63 / math.pi, rel=1e-6)
    assert float(ones_in_depth.ones_growth(8, 500)) == pytest.approx(1 + 7 / math.pi, rel=1e-12)
    assert [ones_in_depth.ones_growth(1, layers) for layers in (1, 4)] == [1, 1]


def test_domains() -> None:
    with pytest.raises(ValueError, match="layers"):
        ones_in_depth.ones_growth(4, 0)
    with pytest.raises(ValueError, match="width"):
        ones_in_depth.ones_growth_variance(1, 3)
