"""Gains, slopes and growth factors of activations against closed forms, SciPy's quadrature and differences."""

import math
from itertools import pairwise

import pytest
from scipy import integrate, stats

from theory.layer import gain_stability, gains, selu
from theory.mean_field import tanh_maps

NAMES = list(gain_stability.ACTIVATIONS)
QUOTED = {  # gain, slope and chi at 1
    "tanh": (1.5925, 0.461, 1.178),
    "SELU": (1.0, 0.783, 1.072),
    "ELU": (1.2452, 0.891, 1.036),
    "Mish": (1.4868, 1.076, 1.059),
    "GELU": (1.5335, 1.144, 1.072),
    "SiLU": (1.6765, 1.173, 1.067),
    "sine": (1.5209, 0.313, 1.313),
}


@pytest.mark.parametrize("name", QUOTED)
def test_quoted(name: str) -> None:
    found = (gain_stability.gain(name), gain_stability.length_slope(name), gain_stability.gradient_factor(name))
    assert found == pytest.approx(QUOTED[name], abs=6e-4)


@pytest.mark.parametrize("q", [1e-4, 0.25, 1.0, 4.0, 1e3])
@pytest.mark.parametrize("name", [name for name in NAMES if name != "sine"])
def test_second_moments_by_another_quadrature(name: str, q: float) -> None:
    unit, _ = gain_stability.named(name)

    def integrand(t: float) -> float:
        return float(unit(math.sqrt(q) * t) ** 2 * stats.norm.pdf(t))

    points = [0.0, 1e-3, 0.01, 0.1, 1.0, 10.0]
    expected = sum(
        integrate.quad(integrand, *sorted((sign * low, sign * high)), epsabs=1e-14, epsrel=1e-11)[0]
        for sign in (1, -1)
        for low, high in pairwise(points)
    )
    assert gain_stability.second_moment(name, q) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("q", [0.01, 1.0, 30.0])
def test_closed_forms(q: float) -> None:
    assert gain_stability.second_moment("sine", q) == pytest.approx((1 - math.exp(-2 * q)) / 2, rel=1e-12)
    squared_slope = q * (1 + math.exp(-2 * q)) / (1 - math.exp(-2 * q))
    assert gain_stability.gradient_factor("sine", q) == pytest.approx(squared_slope, rel=1e-12)
    gain = gain_stability.gain("tanh", q)
    assert tanh_maps.next_variance(gain, q) == pytest.approx(q, rel=1e-12)
    assert tanh_maps.gradient_growth(gain, q) == pytest.approx(gain_stability.gradient_factor("tanh", q), rel=1e-12)


@pytest.mark.parametrize("name", ["tanh", "sigmoid", "GELU", "SELU"])
def test_the_table_of_gains_at_variance_1(name: str) -> None:
    assert gain_stability.gain(name) == pytest.approx(float(gains.gain(name)), rel=1e-12)


def test_the_constants_of_selu() -> None:
    assert pytest.approx(gain_stability.ALPHA, rel=1e-15) == float(selu.alpha())
    assert pytest.approx(gain_stability.LAMBDA, rel=1e-15) == float(selu.scale())


@pytest.mark.parametrize("q", [0.25, 1.0, 4.0])
@pytest.mark.parametrize("name", NAMES)
def test_slopes_are_those_of_the_map(name: str, q: float) -> None:
    assert gain_stability.secant(name, 1e-3, q) == pytest.approx(gain_stability.length_slope(name, q), abs=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_derivatives(name: str) -> None:
    unit, slope = gain_stability.named(name)
    for z in (-3.0, -0.4, 0.7, 2.5):
        assert slope(z) == pytest.approx((unit(z + 1e-6) - unit(z - 1e-6)) / 2e-6, abs=1e-8)


@pytest.mark.parametrize("name", ["GELU", "SiLU"])
def test_no_gain_of_a_gated_unit_is_stable(name: str) -> None:
    found = [gain_stability.second_moment(name, 2.0**k) / 2.0**k for k in range(-12, 13)]
    assert found == sorted(found)
    assert found[0] > 1 / 4
    assert found[-1] < 1 / 2
    assert all(gain_stability.length_slope(name, 2.0**k) > 1 for k in range(-12, 13))


def test_swish_is_silu_at_another_variance() -> None:
    """phi(b z) / b at q has the gain of phi at b^2 q."""
    b, q = 1.7, 0.8
    square = gain_stability.mean(lambda z: (z / (1 + math.exp(-b * z))) ** 2, q)
    assert math.sqrt(q / square) == pytest.approx(gain_stability.gain("SiLU", b**2 * q), rel=1e-12)


def test_what_it_cannot_do_it_refuses() -> None:
    with pytest.raises(ValueError, match="activation is 'swish'; expected one of tanh"):
        gain_stability.gain("swish")
    with pytest.raises(ValueError, match="variance is 0"):
        gain_stability.gain("SiLU", 0)
    with pytest.raises(ValueError, match="gap is 1"):
        gain_stability.secant("SiLU", 1)
    with pytest.raises(ArithmeticError, match="a smaller variance may do"):
        gain_stability.second_moment("sine", 1e8)
