"""A layer without names, against all patterns of small layers and the textbook formula for conditional Gaussians."""

from collections import defaultdict
from fractions import Fraction
from itertools import permutations, product
from math import comb

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from theory.independence import active_units
from theory.symbols import VARIANCE

SIZES = (1, 2, 3)
"""What half of a coarse half-normal may be, each as likely."""


@pytest.mark.parametrize("units", [1, 2, 3, 4])
def test_unordered_states_are_a_binomial_number_of_positive_ones(units: int) -> None:
    """Every pattern of signs and sizes: sorted, with zeros dropped, they have the law of K sizes without names."""
    patterns = list(product((-1, 1), SIZES))
    drawn: dict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    for pattern in product(patterns, repeat=units):
        drawn[tuple(sorted(size for sign, size in pattern if sign > 0))] += Fraction(1, len(patterns) ** units)
    counted: dict[tuple[int, ...], Fraction] = defaultdict(Fraction)
    for active in range(units + 1):
        for sizes in product(SIZES, repeat=active):
            counted[tuple(sorted(sizes))] += Fraction(comb(units, active), 2**units * len(SIZES) ** active)
    assert drawn == counted
    assert sum(drawn.values()) == 1


def test_the_means_of_products_over_units_are_those_of_such_a_number() -> None:
    result = active_units.layer().at(n=5, H=sp.Rational(2, 7)).doit()
    assert result == sp.Rational(9, 14) ** 5


@pytest.mark.parametrize("c", [0.3, 2.0])
def test_a_unit_is_zero_or_a_half_normal(c: float) -> None:
    mean = integrate.quad(lambda t: np.exp(-c * max(t, 0) ** 2) * stats.norm.pdf(t), -12, 12)[0]
    half = integrate.quad(lambda t: np.exp(-c * t**2) * stats.halfnorm.pdf(t), 0, 12)[0]
    assert float(active_units.one_unit().at(c=c)) == pytest.approx(mean) == pytest.approx((1 + half) / 2)


def test_gradients_given_the_forward_pass() -> None:
    """Units that are not active are independent of the others; in any order of the units the law moves along."""
    rng, variance = np.random.default_rng(0), 0.7
    x, d = np.array([0.8, 0.3, 0.0, 1.1, 0.0]), rng.standard_normal(3)

    answers = rng.standard_normal(3)

    def law(state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the conditional mean and covariance."""
        asked, told = np.kron(state, np.eye(3)), np.kron(np.eye(5), d)
        known = asked.T @ np.linalg.inv(asked @ asked.T)
        return told @ known @ answers, variance * told @ (np.eye(15) - known @ asked) @ told.T

    mean, spread = law(x)
    np.testing.assert_allclose(mean, x * (answers @ d) / (x @ x))
    active, dead = x > 0, x == 0
    np.testing.assert_allclose(spread[np.ix_(active, dead)], 0, atol=1e-12)
    np.testing.assert_allclose(spread[np.ix_(dead, dead)], variance * d @ d * np.eye(2))
    for order in list(permutations(range(5)))[::17]:
        moved_mean, moved_spread = law(x[list(order)])
        np.testing.assert_allclose(moved_mean, mean[list(order)], atol=1e-12)
        np.testing.assert_allclose(moved_spread, spread[np.ix_(order, order)], atol=1e-12)
    pair = active_units.left_out().steps[1].statement
    values = dict(zip(active_units.STATE, (0.8, 0.3, 1.1), strict=True))
    value = pair.subs(values | {active_units.SIZE: float(np.sqrt(d @ d)), VARIANCE: variance})
    assert float(value) == pytest.approx(spread[0, 3])
