"""Fluctuations under weights that are not normal, against enumeration and SciPy's laws."""

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from tests.theory.averages import sign_matrices
from theory.fluctuations import weight_laws

N = sp.Symbol("N", integer=True, positive=True)


@pytest.mark.parametrize("slope", [0.0, 0.3, -1.0])
@pytest.mark.parametrize("x", [(1.0, 1.0), (1.0, 0.0), (1.0, 0.3)])
def test_relative_variance_by_enumeration(x: tuple[float, float], slope: float) -> None:
    z = np.array(sign_matrices(3, 2)) @ x
    norms = (np.where(z > 0, z, slope * z) ** 2).sum(axis=1)
    r4 = sum(v**4 for v in x) / sum(v**2 for v in x) ** 2
    expected = float(weight_laws.layer_relative_variance(3, slope, 1, r4))
    assert norms.var() / norms.mean() ** 2 == pytest.approx(expected)


def test_coefficients_of_the_literature() -> None:
    assert weight_laws.layer_relative_variance(N) == 5 / N
    assert weight_laws.layer_relative_variance(N, 1) == 2 / N


def test_central_moments_by_enumeration() -> None:
    z = np.array(sign_matrices(3, 2)) @ (1.0, 0.3)
    ratios = 2 * (np.maximum(z, 0) ** 2).sum(axis=1) / (3 * 1.09)
    inputs = (1, sp.Rational(3, 10))
    square = sp.Rational(109, 100)
    raw = [
        2 ** (k - 1) * weight_laws.pre_activation_moment(2 * k, inputs, weight_laws.SIGNS) / square**k
        for k in (2, 3, 4)
    ]
    second, fourth = weight_laws.central_moments(3, raw)
    assert float(second) == pytest.approx(np.mean((ratios - 1) ** 2))
    assert float(fourth) == pytest.approx(np.mean((ratios - 1) ** 4))


def test_gaussian_fourth_central() -> None:
    """With slope 1 the ratio is chi-square over n."""
    assert float(weight_laws.gaussian_fourth_central(5, 1)) == pytest.approx(
        stats.chi2(5).expect(lambda t: (t / 5 - 1) ** 4)
    )


def test_uniform_moments() -> None:
    for order, moment in enumerate(weight_laws.UNIFORM):
        exact, _ = integrate.quad(lambda w, k=order: w**k / (2 * 3**0.5), -(3**0.5), 3**0.5)
        assert float(moment) == pytest.approx(exact, abs=1e-9)


@pytest.mark.parametrize("arguments", [(0,), (3, 0, 0.5), (3, 0, 3, 2), (3, 0, 3, 0)])
def test_domain(arguments: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="expected"):
        weight_laws.layer_relative_variance(*arguments)
