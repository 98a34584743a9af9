"""Slopes, powers and rates against mpmath and NumPy's powers of matrices."""

import math

import mpmath
import numpy as np
import pytest
import sympy as sp

from theory.recurrent import norms


@pytest.mark.parametrize(("name", "function"), [("tanh", mpmath.tanh), ("sigmoid", lambda x: 1 / (1 + mpmath.exp(-x)))])
def test_largest_slope(name: str, function: object) -> None:
    slopes = [float(mpmath.diff(function, x)) for x in np.linspace(-3, 3, 61)]
    assert max(slopes) == pytest.approx(float(norms.largest_slope(name)), rel=1e-12)
    assert int(np.argmax(slopes)) == 30


def test_bound_multiplies() -> None:
    assert norms.jacobian_bound(sp.Rational(1, 4), 8, 3) == 8
    assert norms.jacobian_bound(sp.Rational(1, 4), 8, 0) == 1


@pytest.mark.parametrize("steps", [1, 2, 5, 20])
@pytest.mark.parametrize(("eigenvalue", "entry"), [(0.9, 5.0), (0.0, 5.0), (-0.5, 2.0)])
def test_corner(eigenvalue: float, entry: float, steps: int) -> None:
    power = np.linalg.matrix_power(np.array([[eigenvalue, entry], [0, eigenvalue]]), steps)
    assert float(norms.power_corner(eigenvalue, entry, steps)) == pytest.approx(power[0, 1], rel=1e-12)


def test_catalogue() -> None:
    assert round(float(norms.power_corner(0.9, 5, 5)), 1) == 16.4


@pytest.mark.parametrize("steps", [1, 7, 50])
def test_rates_of_random_matrices(steps: int) -> None:
    """The departure of a full matrix is what its squares have over those of its eigenvalues."""
    for matrix in np.random.default_rng(0).standard_normal((50, 2, 2)):
        eigenvalues = np.abs(np.linalg.eigvals(matrix))
        departure = math.sqrt(max(0.0, float((matrix**2).sum() - (eigenvalues**2).sum())))
        rate = math.log(np.linalg.norm(np.linalg.matrix_power(matrix, steps), 2)) / steps - math.log(eigenvalues.max())
        assert -1e-9 <= rate <= float(norms.rate_excess(eigenvalues.max(), departure, steps)) + 1e-9


def test_domains() -> None:
    with pytest.raises(ValueError, match=r"activation is 'relu'; expected one of \['sigmoid', 'tanh'\]"):
        norms.largest_slope("relu")
    with pytest.raises(ValueError, match="radius"):
        norms.rate_excess(0, 1, 3)
    with pytest.raises(ValueError, match="steps"):
        norms.power_corner(1, 1, 0)
    with pytest.raises(ValueError, match="norm"):
        norms.jacobian_bound(1, -1, 2)
