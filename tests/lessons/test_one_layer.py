"""Lesson 2: what is measured agrees with its closed form, and closed forms with computations of their own."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest

from lessons.experiments import one_layer as lesson
from simulations.numbers.arrays import Array

ERRORS = 5
"""Standard errors allowed to an average over thousands of draws: a false alarm in a million comparisons, or so."""


@pytest.mark.parametrize("rule", ["fixed", "fan-in rule", "torch"])
@pytest.mark.parametrize("fan_in", [1, 30])
def test_sums_have_the_mean_square_of_the_closed_form(rule: str, fan_in: int) -> None:
    draws = 4000
    table = lesson.sums(rule, 0.7, fan_in, seed=1, draws=draws)
    ratio = (table.numbers("measured")[-1] / table.numbers("expected")[-1]) ** 2
    assert abs(ratio - 1) < ERRORS * math.sqrt(2 / draws)  # the kurtosis is at most 3


@pytest.mark.parametrize("kind", ["equal", "random signs", "rectified"])
@pytest.mark.parametrize("shared", [0, 0.3, 1])
def test_sums_of_correlated_weights_too(kind: str, shared: float) -> None:
    draws = 4000
    table = lesson.sums("fan-in rule", 1, 40, seed=1, kind=kind, shared=shared, draws=draws)
    expected, measured = table.numbers("expected")[1:], table.numbers("measured")[1:]
    some = expected > 1e-9  # random signs may add up to 0
    assert np.abs((measured[some] / expected[some]) ** 2 - 1)[-1] < ERRORS * math.sqrt(2 / draws)
    assert np.all(measured[~some] < 1e-9)


def test_correlated_weights_by_their_covariance_matrix() -> None:
    fan_in, shared = 7, 0.2
    covariance = (shared + (1 - shared) * np.eye(fan_in)) / fan_in
    expected = lesson.sums("fan-in rule", 1, fan_in, seed=0, shared=shared, draws=12).numbers("expected")[-1]
    assert expected == pytest.approx(math.sqrt(np.ones(fan_in) @ covariance @ np.ones(fan_in)), rel=1e-12)


@pytest.mark.parametrize(("rule", "expected"), [("fixed", 0.7 * 5), ("fan-in rule", 0.7), ("torch", 3**-0.5)])
def test_rules_of_the_weights(rule: str, expected: float) -> None:
    assert lesson.sums(rule, 0.7, 25, seed=0, draws=12).numbers("expected")[-1] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("weight_mean", "spread"), [(0, 1), (-2, 2), (1.5, 0)])
def test_products_have_the_variance_of_the_closed_form(weight_mean: float, spread: float) -> None:
    pairs = 50_000
    table = lesson.products(weight_mean, spread, seed=1, pairs=pairs)
    columns = (table.numbers(name) for name in ("mean", "expected", "measured"))
    for mean, expected, measured in zip(*columns, strict=True):
        # the fourth central moment, exactly: a polynomial of degree 4 in each of two normal variables
        grid, mass = _hermite()
        w, x = np.meshgrid(grid, spread * grid)
        centred = (weight_mean + w) * (mean + x) - weight_mean * mean
        fourth = float(np.einsum("i,j,ji->", mass, mass, centred**4))
        assert abs(measured - expected) <= ERRORS * math.sqrt(max(0, fourth - expected**2) / pairs) + 1e-12


def test_product_variance_by_enumeration() -> None:
    """A weight of -1 or 1 and an input of 1 or 3 (mean 2, variance 1): the guess of the lesson."""
    values = [w * x for w, x in product((-1, 1), (1, 3))]
    assert lesson.guessed_product() == pytest.approx(np.var(values), rel=1e-12)


@pytest.mark.parametrize("kind", ["normal", "uniform", "signs"])
@pytest.mark.parametrize("fan_in", [1, 3, 64])
def test_fourth_moment_agrees_with_its_closed_form(kind: str, fan_in: int) -> None:
    draws = 20_000
    table = lesson.law(fan_in, kind, seed=1, draws=draws)
    expected, measured = table.numbers("expected")[0], table.numbers("fourth")[0]
    eighth = 1 if kind == "signs" and fan_in == 1 else 105  # that of a normal law bounds the others'
    assert abs(measured - expected) <= ERRORS * math.sqrt((eighth - expected**2) / draws) + 1e-12


@pytest.mark.parametrize("fan_in", [1, 2, 5])
def test_fourth_moment_of_random_signs_by_enumeration(fan_in: int) -> None:
    fourth = np.mean([(sum(signs) ** 4) / fan_in**2 for signs in product((-1, 1), repeat=fan_in)])
    assert lesson.law(fan_in, "signs", seed=0, draws=12).numbers("expected")[0] == pytest.approx(fourth, rel=1e-12)


@pytest.mark.parametrize(("kind", "fan_in"), [("signs", 1), ("signs", 9), ("uniform", 2), ("normal", 3)])
def test_bars_hold_all_draws(kind: str, fan_in: int) -> None:
    table = lesson.law(fan_in, kind, seed=0, draws=1000)
    step = np.diff(table.numbers("z"))[0]
    assert table.numbers("measured").sum() * step == pytest.approx(1, abs=0.005)  # beyond 4.1: 4 in 100,000


def test_fan_in_at_which_uniform_weights_are_nearly_normal() -> None:
    """Twelve uniform numbers, the textbook's substitute for a normal one: excess kurtosis -1.2/12."""
    assert lesson.needed(9 / 5) == pytest.approx(12, rel=1e-12)


def _hermite() -> tuple[Array, Array]:
    grid, mass = np.polynomial.hermite_e.hermegauss(8)
    return grid, mass / math.sqrt(2 * math.pi)
