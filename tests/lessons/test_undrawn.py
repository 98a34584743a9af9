"""Lesson 9: undrawn answers have the law of drawn ones, and the closed forms are those of normal vectors."""

from __future__ import annotations

import math

import numpy as np
import pytest

from figures.tools.costs import count
from lessons.experiments import undrawn, undrawn_cost

FALSE_ALARM = 1e-6
"""Of each of the tests of two samples; a sample against a closed form has half of that."""
STANDARD_ERRORS = 5.5
"""4e-8 for one normal statistic, two-sided; 12 such statistics below."""


def _bound(samples: float) -> float:
    """Dvoretzky, Kiefer, Wolfowitz (with Massart's constant) and, for two samples, Wei and Dudley."""
    return math.sqrt(math.log(2 / FALSE_ALARM) / samples)


SEEDS = 8


@pytest.mark.parametrize("width", [1, 8, 64])
def test_first_answers_have_the_normal_law(width: int) -> None:
    """Pooled over seeds: a deviation 10 % off is 0.024 away, and the bound is 0.011."""
    tables = [undrawn.answers(width, "gaussian", seed) for seed in range(SEEDS)]
    drawn, bare = (np.mean([one.numbers(name) for one in tables], axis=0) for name in ("drawn", "undrawn"))
    expected, samples = tables[0].numbers("expected"), SEEDS * undrawn.DRAWS
    assert np.abs(drawn - bare).max() < _bound(samples)
    for one in (drawn, bare):
        assert np.abs(one - expected).max() < _bound(2 * samples)


def test_other_laws_show_at_small_widths_and_not_at_large_ones() -> None:
    """Powers above 0.999: coin tosses are 0.34 from the normal law at width 1, and 0.06 at width 64."""
    far = [undrawn.distance(undrawn.answers(n, "rademacher", seed=1), "drawn", "expected") for n in (1, 64)]
    assert far[0] > 0.3
    assert 0.03 < far[1] < 0.08
    assert undrawn.distance(undrawn.answers(1, "rademacher", 1), "drawn", "undrawn") > undrawn.critical()


def test_the_conditional_law_is_that_of_a_normal_vector() -> None:
    assert undrawn.conditional(60) == pytest.approx((0.5, math.sqrt(0.75)))
    assert undrawn.conditional(0) == pytest.approx((1, 0))
    assert undrawn.conditional(90) == pytest.approx((0, 1), abs=1e-15)


@pytest.mark.parametrize("degrees", [30, 75, 90])
def test_second_answers_have_the_conditional_law(degrees: int) -> None:
    """The slope has the variance deviation^2 / N, the deviation about deviation^2 / (2 N), up to 1/N of either."""
    table = undrawn.again(6, degrees, "gaussian", "remembers", seed=2)
    slope, deviation = undrawn.conditional(degrees)
    for kind in ("drawn", "undrawn"):
        found_slope, found_deviation = undrawn.line_of(table, kind)
        error = 1.02 * STANDARD_ERRORS * deviation / math.sqrt(undrawn.PAIRS)
        assert abs(found_slope - slope) < error
        assert abs(found_deviation - deviation) < error / math.sqrt(2)


def test_the_same_question_has_the_same_answer() -> None:
    table = undrawn.again(6, 0, "gaussian", "remembers", seed=2)
    np.testing.assert_allclose(table.numbers("first"), table.numbers("second"), atol=2e-9)


def test_a_matrix_that_forgets_shows() -> None:
    slope, _ = undrawn.line_of(undrawn.again(6, 30, "gaussian", "forgets", seed=2), "undrawn")
    assert abs(slope) < STANDARD_ERRORS / math.sqrt(undrawn.PAIRS) * 1.02


def test_two_coin_tosses_are_uncorrelated_and_not_independent() -> None:
    table = undrawn.again(2, 90, "rademacher", "remembers", seed=2).where(kind="drawn")
    first, second = table.numbers("first"), table.numbers("second")
    np.testing.assert_allclose(first**2 + second**2, 2, atol=1e-8)
    assert undrawn.on_squares(table, "drawn") == pytest.approx(-1)


def test_bytes_and_numbers_are_those_of_the_engine() -> None:
    table = undrawn_cost.cost(3, seed=0)
    widths = table.numbers("width")
    np.testing.assert_array_equal(widths, [10, 100, 1000])
    np.testing.assert_array_equal(table["undrawn bytes"], 4 * 8 * widths)
    np.testing.assert_array_equal(table["drawn bytes"], 8 * widths**2)
    counted = (count("undrawn", 100, 6, 0) - count("undrawn", 100, 2, 0)) / 2 / 4
    assert table["undrawn numbers"][1] == counted == 200
    assert undrawn_cost.laptops() == 500


def test_left_open_is_one_minus_the_square_of_the_cosine() -> None:
    assert undrawn.left_open(0.6, 2) == pytest.approx(4 * 0.64)
