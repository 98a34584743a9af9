"""Entries of the Jacobian against the law of a row."""

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from theory.plain import jacobian_entries


def test_kurtosis() -> None:
    assert float(jacobian_entries.jacobian_kurtosis([12, 10, 8])) == pytest.approx(3 * 17 / 12 * 1.5 * 13 / 8)
    assert jacobian_entries.jacobian_second_moment(sp.Rational(1, 6), 8, 6) == sp.Rational(1, 8)


def test_row_of_one_entry_has_the_moments_of_its_law() -> None:
    """J^2 is g^2 r: eighth over squared fourth moments, 105 / 9 times those of r = (2/n) chi-square of K."""
    units = np.arange(7)
    weights = stats.binom.pmf(units, 6, 0.5)
    second, fourth = (weights @ [stats.chi2(k).moment(order) if k else 0.0 for k in units] for order in (2, 4))
    expected = 105 / 9 * fourth / second**2 - 1
    assert float(jacobian_entries.row_fourth_moment_relative_variance([6], 1)) == pytest.approx(expected)
