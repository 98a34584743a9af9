"""Lesson 4: measured columns agree with their closed forms, and these with integrals.

Seeds are fixed. Bounds are 6 standard errors: nearly normal means would break one in 5e8, and about 80 are compared.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr
from scipy.stats import norm

from lessons.experiments import gain_table, he, tanh_in_depth
from simulations.layers.activations import SELU
from theory.expectation import fourth_central_moment
from theory.fluctuations import weight_laws
from theory.layer import gains, rectifiers
from theory.mean_field import tanh_maps

BOUND = 6.0
DRAWS = 5000
"""Nets of one or two tanh layers: a gain 3 % off then shows."""


def _average(function: Any) -> float:
    halves = [quad(lambda t: function(t) * norm.pdf(t), *ends, epsabs=1e-13)[0] for ends in ((-12, 0), (0, 12))]
    return float(sum(halves))


@pytest.mark.parametrize("slope", [-0.6, 0.0, 0.3])
@pytest.mark.parametrize("init", list(he.INITS))
def test_mean_squares_in_depth(init: str, slope: float) -> None:
    table = he.depths(init, slope, 10, seed=3)
    layer = float(weight_laws.layer_relative_variance(he.WIDTH, slope))
    errors = np.sqrt(np.expm1(np.arange(11) * np.log1p(layer)) / he.DRAWS)
    off = np.abs(table.numbers("measured") / table.numbers("expected") - 1)
    assert (off <= BOUND * errors + 1e-12).all()


def test_rates_of_named_initialisations() -> None:
    assert he.depths("torch", 0, 3, 0)["expected"][-1] == pytest.approx(6.0**-3)
    assert he.depths("xavier", 0, 3, 0)["expected"][-1] == pytest.approx(2.0**-3)
    assert he.depths("leaky", 0.4, 3, 0)["expected"][-1] == pytest.approx(1)
    assert he.depths("he", 0.4, 3, 0)["expected"][-1] == pytest.approx(1.16**3)


@pytest.mark.slow
@pytest.mark.parametrize("formula", list(he.FORMULAS))
def test_units_behind_a_leaky_layer(formula: str) -> None:
    table, count = he.slopes(formula, 0.0, seed=3), len(he.units(3))
    assert table.where(chosen=1)["slope"].tolist() == [0]
    for place, slope in enumerate(table.numbers("slope").tolist()):
        first, second, third, fourth = (float(rectifiers.leaky_moment(k, slope, 1)) for k in (1, 2, 3, 4))
        factor, variance = table["gain"][place] ** 2, second - first**2
        central = float(fourth_central_moment(first, second, third, fourth))
        for column, spread in (("", fourth - second**2), (" variance", central - variance**2)):
            off = abs(table[f"measured{column}"][place] - table[f"expected{column}"][place])
            assert off <= BOUND * factor * np.sqrt(spread / count), (slope, column)


def test_a_slope_s_moments_by_quadrature() -> None:
    row = he.slopes("modulus", 0.5, seed=0).where(chosen=1)
    gain2 = 2 / 1.5
    second = _average(lambda t: (t if t > 0 else t / 2) ** 2)
    first = _average(lambda t: t if t > 0 else t / 2)
    assert row["expected"][0] == pytest.approx(gain2 * second, rel=1e-9)
    assert row["expected variance"][0] == pytest.approx(gain2 * (second - first**2), rel=1e-9)


@pytest.mark.parametrize("which", ["library", "exact"])
def test_table_of_gains(which: str) -> None:
    table, count = gain_table.named(which, 1.3, seed=3), len(he.units(3))
    functions: dict[str, Any] = {
        "relu": lambda t: max(t, 0.0),
        "tanh": np.tanh,
        "sigmoid": lambda t: 1 / (1 + np.exp(-t)),
        "GELU": lambda t: t * ndtr(t),
        "SELU": lambda t: SELU.scale * (t if t > 0 else SELU.alpha * np.expm1(t)),
    }
    for place, name in enumerate(table["activation"].tolist()):
        second = _average(lambda t, name=name: functions[name](t) ** 2)
        spread = float(gains.fourth_moment_bound(name)) - second**2
        for column, gain in (("", table["gain"][place]), ("own ", 1.3)):
            assert table[f"{column}expected"][place] == pytest.approx(gain**2 * second, rel=1e-8)
            off = abs(table[f"{column}measured"][place] - table[f"{column}expected"][place])
            assert off <= BOUND * gain**2 * np.sqrt(spread / count), name
    assert which == "library" or table.numbers("expected") == pytest.approx(1)


@pytest.mark.parametrize(("gain", "variance"), [(0.5, 0.05), (5 / 3, 1.0), (2.5, 6.2)])
def test_fast_integrals_are_theory_s(gain: float, variance: float) -> None:
    for derivation, slow in (
        (tanh_maps.length_map, tanh_maps.next_variance),
        (tanh_maps.gradient_factor, tanh_maps.gradient_growth),
    ):
        assert tanh_in_depth.average(derivation, gain, variance) == pytest.approx(slow(gain, variance), rel=1e-11)


def test_tanh_settles_where_theory_says() -> None:
    variances, factors = tanh_in_depth.wide(5 / 3, 3.0, 200)
    assert variances[-1] == pytest.approx(tanh_maps.fixed_point(5 / 3), rel=1e-9)
    assert factors[-1] ** 50 == pytest.approx(tanh_in_depth.guessed_growth(), rel=1e-6)


def test_second_variance_is_exact_at_any_width() -> None:
    gain, start = 5 / 3, 1.0
    table = tanh_in_depth.tanh(gain, start, 2, seed=3, draws=DRAWS)
    fourth, second = (_average(lambda t, k=k: np.tanh(t) ** k) for k in (4, 2))
    error = np.sqrt((fourth - second**2) / (tanh_in_depth.WIDTH * DRAWS))
    assert table["measured"][0] == pytest.approx(start)
    assert abs(table["measured"][1] - gain**2 * second) <= BOUND * gain**2 * error
    assert table["expected"][1] == pytest.approx(gain**2 * second, rel=1e-9)


def test_gradient_of_one_layer() -> None:
    """At width n the row that makes z also passes the gradient back: a part 1/n of it goes along the input."""
    gain, n = 5 / 3, tanh_in_depth.WIDTH
    table = tanh_in_depth.tanh(gain, 1.0, 1, seed=3, draws=DRAWS)
    slope, along, square = (
        _average(function)
        for function in (
            lambda t: np.cosh(t) ** -4.0,
            lambda t: t**2 * np.cosh(t) ** -4.0,
            lambda t: np.cosh(t) ** -8.0,
        )
    )
    exact = gain**2 * ((n - 1) * slope + along) / n
    # At most three times the squared slope of each unit, as of a normal variable.
    error = np.sqrt((3 * square / slope**2 - 1) / (n * DRAWS))
    assert abs(10 ** table["measured gradient"][0] / exact - 1) <= BOUND * error
    assert abs(10 ** table["expected gradient"][0] / exact - 1) <= 1 / n
