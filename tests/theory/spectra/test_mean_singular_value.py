"""Mean singular values against quadrature and quoted numbers."""

import numpy as np
import pytest
import sympy as sp
from scipy import integrate

from theory.spectra import mean_singular_value


def test_quoted() -> None:
    assert float(mean_singular_value.wide_mean()) == pytest.approx(0.8488, abs=5e-5)
    assert float(mean_singular_value.wide_mean(sp.Rational(1, 3))) == pytest.approx(0.4901, abs=5e-5)
    assert float(mean_singular_value.mean_at_two()) == pytest.approx(0.8102, abs=5e-5)


def test_the_quarter_circle_is_a_law_of_mean_square_one() -> None:
    for power, expected in ((0, 1.0), (2, 1.0)):
        value, _ = integrate.quad(lambda s, power=power: s**power * np.sqrt(4 - s * s) / np.pi, 0, 2)
        assert value == pytest.approx(expected)


def test_two_from_the_larger_of_two_lengths() -> None:
    rng = np.random.default_rng(0)
    lengths = np.hypot(*rng.normal(scale=0.5, size=(2, 2, 200_000))).max(axis=0)
    assert lengths.mean() == pytest.approx(float(mean_singular_value.mean_at_two()), rel=0.005)
    assert lengths.var() == pytest.approx(float(mean_singular_value.variance_at_two()), rel=0.03)


def test_the_variance_bound_needs_a_width() -> None:
    with pytest.raises(ValueError, match="width is 0"):
        mean_singular_value.variance_bound(0)
