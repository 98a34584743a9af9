"""Steps with one Gaussian matrix against exact fractions, and against pairings where all entries are one."""

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp

from theory.recurrent import tied_weights


def test_known_values() -> None:
    assert [tied_weights.growth(n, steps) for n in (1, 3) for steps in (0, 1)] == [1] * 4
    assert [tied_weights.growth(n, 2) for n in (3, 6)] == [1 + Fraction(2, n**2) for n in (3, 6)]
    assert [tied_weights.growth(n, 3) for n in (3, 6)] == [Fraction(61, 27), Fraction(35, 27)]


@pytest.mark.parametrize("steps", range(1, 7))
def test_one_unit_has_moments_of_a_normal(steps: int) -> None:
    assert tied_weights.growth(1, steps) == sp.factorial2(2 * steps - 1)


@pytest.mark.parametrize("steps", [4, 5])
def test_two_units_by_entries(steps: int) -> None:
    """More steps than any derivation interpolates, averaged entry by entry."""
    assert tied_weights.growth(2, steps) == tied_weights.explicit(2, steps).result


@pytest.mark.parametrize(("units", "steps"), [(2, 2), (2, 3)])
def test_second_moment_by_quadrature(units: int, steps: int) -> None:
    """Gauss-Hermite nodes in every entry: exact for polynomials of this degree."""
    order = 2 * steps + 1
    nodes, weights = np.polynomial.hermite_e.hermegauss(order)
    weights = weights / weights.sum()
    total = 0.0
    grid = np.indices((order,) * (units**2 - 1)).reshape(units**2 - 1, -1)
    for first in range(order):
        entries = np.concatenate([np.full((1, grid.shape[1]), nodes[first]), nodes[grid]])
        matrix = entries.T.reshape(-1, units, units) / units**0.5
        column = np.linalg.matrix_power(matrix, steps)[:, :, 0]
        total += weights[first] * float((weights[grid].prod(axis=0) * (column**2).sum(axis=1) ** 2).sum())
    assert float(tied_weights.second_moment(units, steps)) == pytest.approx(total, rel=1e-9)


def test_wide_matrices_forget_that_they_are_one() -> None:
    n = sp.Symbol("n", integer=True, positive=True)
    assert sp.limit(tied_weights.growth(n, 3), n, sp.oo) == 1


def test_domains() -> None:
    with pytest.raises(ValueError, match="steps"):
        tied_weights.growth(3, 7)
    with pytest.raises(ValueError, match="units"):
        tied_weights.growth(0, 2)
