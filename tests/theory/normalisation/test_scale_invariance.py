"""Scale-invariant weights against differences, and their equilibrium by iterating."""

import numpy as np
import pytest
import sympy as sp

from theory.normalisation import scale_invariance


def test_against_differences() -> None:
    """The cosine of the angle to a fixed vector has the degree 0."""
    target, w, c, step = np.array([1.0, -2.0, 0.5]), np.array([0.3, 0.4, -1.1]), 3.0, 1e-6

    def slope(at: np.ndarray) -> np.ndarray:
        def f(v: np.ndarray) -> float:
            return float(v @ target / np.linalg.norm(v))

        return np.array([(f(at + step * e) - f(at - step * e)) / (2 * step) for e in np.eye(3)])

    np.testing.assert_allclose(slope(c * w), float(scale_invariance.gradient_factor(c)) * slope(w), atol=1e-8)
    assert abs(w @ slope(w)) < 1e-8


@pytest.mark.parametrize(("rate", "decay", "square"), [(0.1, 0.01, 2.0), (2.0, 0.25, 0.3), (1.5, 1.0, 7.0)])
def test_equilibrium_by_iterating(rate: float, decay: float, square: float) -> None:
    norm = 1.0
    for _ in range(20_000):
        norm = (1 - rate * decay) ** 2 * norm + rate**2 * square / norm
    assert float(scale_invariance.equilibrium_fourth_power(rate, decay, square)) == pytest.approx(norm**2, rel=1e-9)


def test_rate() -> None:
    assert scale_invariance.rate_of_direction(3, 2) == sp.Rational(3, 4)


def test_domain() -> None:
    with pytest.raises(ValueError, match="less than 2"):
        scale_invariance.equilibrium_fourth_power(2, 1, 1)
    with pytest.raises(ValueError, match="rate"):
        scale_invariance.rate_of_direction(0, 1)
    with pytest.raises(ValueError, match="scale"):
        scale_invariance.gradient_factor(-1)
