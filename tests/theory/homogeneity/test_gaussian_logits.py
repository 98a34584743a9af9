"""Mean losses at normal logits against quadrature, limits and quoted numbers."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import integrate, special, stats

from theory.homogeneity import gaussian_logits, maximum, softmax


@pytest.mark.parametrize("scale", [0.5, 2.0])
def test_two_classes_by_quadrature(scale: float) -> None:
    """Two classes depend on the difference of the logits alone, a normal variable of variance 2 scale^2."""
    law = stats.norm(scale=scale * math.sqrt(2))
    square = integrate.quad(lambda d: (1 + math.exp(2 * d)) / (1 + math.exp(d)) ** 2 * law.pdf(d), -60, 60)[0]
    loss = integrate.quad(lambda d: math.log1p(math.exp(d)) * law.pdf(d), -60, 60, limit=200)[0]
    value = gaussian_logits.expected_loss_minus_entropy(2, scale)
    assert value == pytest.approx(float(softmax.mean_loss_minus_entropy(scale, square)), abs=1e-7)
    assert gaussian_logits.expected_loss(2, scale) == pytest.approx(loss, abs=1e-7)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_three_classes_by_gauss_and_hermite(scale: float) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(120)
    weights /= weights.sum()
    # The part of the logits along (1, 1, 1) has mean 0: what is left is a plane with two normal coordinates.
    u, v = scale * nodes[:, None] / math.sqrt(2), scale * nodes[None, :] / math.sqrt(6)
    logits = np.stack([u + v, v - u, -2 * v + 0 * u])
    loss = weights @ special.logsumexp(logits, axis=0) @ weights
    assert gaussian_logits.expected_loss(3, scale) == pytest.approx(float(loss), abs=1e-9)


def _by_panels(classes: int, scale: float) -> float:
    """E log-sum-exp from the integrals of 1 - F^c and F^c over both half-lines, in Gauss-Legendre panels."""
    nodes, weights = np.polynomial.legendre.leggauss(20)

    def panels(low: float, high: float, count: int) -> tuple[np.ndarray, np.ndarray]:
        edges = np.linspace(low, high, count + 1)
        half = np.diff(edges)[:, None] / 2
        return ((edges[:-1, None] + half) + half * nodes).ravel(), (half * weights).ravel()

    gumbel, mass = panels(-5, 80, 60)
    mass = mass * np.exp(-gumbel - np.exp(-gumbel))
    total = 0.0
    for low, high, sign in ((-12 * scale - 40, 0.0, -1), (0.0, 12 * scale + 100, 1)):
        y, width = panels(low, high, 200)
        above = special.ndtr(-(y[:, None] - gumbel) / scale) @ mass
        power = classes * np.log1p(-np.minimum(above, 1 - 1e-16))
        total += sign * float(width @ (-np.expm1(power) if sign > 0 else np.exp(power)))
    return total - np.euler_gamma


@pytest.mark.parametrize(
    ("classes", "scale"), [(2, 3), (10, 1), (10, 30), (1000, 10), (32_128, 768**0.5), (32_128, 1), (10**9, 50)]
)
def test_many_classes_by_another_rule(classes: int, scale: float) -> None:
    expected = _by_panels(classes, scale)
    assert gaussian_logits.expected_loss(classes, scale) == pytest.approx(expected, abs=1e-10 * (1 + scale))


def test_a_vocabulary_with_large_logits() -> None:
    assert gaussian_logits.expected_loss(32_128, 768**0.5) == pytest.approx(114.5727, abs=5e-5)


@pytest.mark.parametrize("classes", [1, 2, 10, 32_128, 10**9, 10**15])
@pytest.mark.parametrize("scale", [1e-3, 0.999, 1.0, 8.0, 1e3, 1e6])
def test_the_mean_lies_between_its_bounds(classes: int, scale: float) -> None:
    """Jensen: at most log c + s^2 / 2; the largest logit, which log-sum-exp exceeds by log c at most."""
    loss, tolerance = gaussian_logits.expected_loss(classes, scale), 1e-11 * (1 + scale)
    assert math.log(classes) - tolerance <= loss <= math.log(classes) + scale**2 / 2 + tolerance
    # The largest of c normal variables is at most sqrt(2 log c) on average (Massart), and log c more is a bound.
    assert loss <= scale * math.sqrt(2 * math.log(classes)) + math.log(classes) + tolerance
    if 1 < classes < 10**6:
        assert loss >= scale * float(maximum.expected_maximum(classes)) - tolerance


def test_the_slope_is_loss_less_entropy() -> None:
    """E[l - H] is s times the derivative in s of the mean loss, also where both are large."""
    scale = 768**0.5
    up, down = (gaussian_logits.expected_loss(32_128, scale + gap) for gap in (1e-2, -1e-2))
    slope = gaussian_logits.expected_loss_minus_entropy(32_128, scale)
    assert slope == pytest.approx(scale * (up - down) / 2e-2, rel=1e-6)


def test_quoted() -> None:
    values = [gaussian_logits.expected_loss_minus_entropy(10, scale) for scale in (0.1, 1, 10)]
    assert values == pytest.approx([0.0090, 0.8053, 15.249], abs=6e-4)
    assert gaussian_logits.expected_loss(10, 0.1) == pytest.approx(2.3071, abs=5e-5)
    assert gaussian_logits.expected_loss(10, 3) == pytest.approx(5.08, abs=6e-3)


def test_limits() -> None:
    assert gaussian_logits.expected_loss_minus_entropy(10, 1e-3) == pytest.approx(9e-7, rel=1e-5)
    assert gaussian_logits.expected_loss_minus_entropy(10, 0) == 0
    assert gaussian_logits.expected_loss(7, 0) == pytest.approx(math.log(7))
    assert gaussian_logits.expected_loss(1, 2.0) == pytest.approx(0, abs=1e-11)
    wide = gaussian_logits.expected_loss_minus_entropy(10, 30) / 30
    assert wide == pytest.approx(float(maximum.expected_maximum(10)), rel=2e-3)


def test_the_bound_of_theorem_2_lies_below() -> None:
    for scale in (0.1, 1, 3, 10):
        bound = scale * float(maximum.expected_maximum(10)) - math.log(10)
        gap = gaussian_logits.expected_loss_minus_entropy(10, scale) - bound
        assert 0 < gap < math.log(10)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (gaussian_logits.expected_loss, (10, -1), "scale is -1"),
        (gaussian_logits.expected_loss, (10, 2e6), "tested up to"),
        (gaussian_logits.expected_loss_minus_entropy, (10**16, 1), "tested up to"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
