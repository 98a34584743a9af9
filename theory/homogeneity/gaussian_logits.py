"""Mean loss, and loss less entropy, for c independent N(0, s^2) logits, as numbers.

If G_i are independent standard Gumbel variables, max(z_i + G_i) given z has the mean log-sum-exp(z) + gamma, gamma
Euler's constant (`gumbel_maximum`). Over z its distribution function is F(y)^c, F(y) = P(z_1 + G_1 <= y), and a Gumbel
variable alone has exp(-exp(-y)) and mean gamma; so E lse is the integral of exp(-exp(-y)) - F(y)^c. The loss has that
mean, as the label's logit has mean 0 (`expected_loss`), and E[l - H] = E p^T z = s d/ds E lse
(`expected_loss_minus_entropy`). Exact law over the logits, integrated numerically to about 1e-11.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.domain import nonnegative, positive_integer
from theory.rules import Rule, equal, opened


@cache
def gumbel_maximum() -> Derivation:
    """Derive the mean of the largest of Gumbel variables shifted by the logits."""
    y, u = sp.Symbol("y", real=True), sp.Symbol("u", positive=True)
    total = sp.Symbol("B", positive=True)
    cdf = sp.exp(-total * sp.exp(-y))
    return (
        Derivation.begin(
            "Mean of the largest of shifted Gumbel variables",
            "The distribution functions exp(-exp(z_i - y)) multiply to exp(-B exp(-y)), B the sum of exp(z_i): "
            "average y over it.",
            sp.Integral(y * sp.diff(cdf, y), (y, -sp.oo, sp.oo)),
        )
        .then(
            "Substitute u = B exp(-y).",
            sp.Integral((sp.log(total) - sp.log(u)) * sp.exp(-u), (u, 0, sp.oo)),
            lambda before, now: equal(opened(before)[0].subs(y, sp.log(total / u)) / u, opened(now)[0]),
        )
        .then(
            "The density integrates to 1 and the mean of -log u is Euler's constant, minus the derivative of gamma at"
            " 1.",
            sp.log(total) + sp.EulerGamma,
            _log_moment(u, total),
        )
    )


def _log_moment(u: sp.Symbol, total: sp.Symbol) -> Rule:
    """Split the integral of (log B - log u) exp(-u) by derivatives of Euler's integral for the gamma function at 1."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        power, gamma = sp.Symbol("power"), sp.gamma(sp.Symbol("power"))
        moments = [sp.diff(gamma, power, k).subs(power, 1) for k in (0, 1)]
        polynomial = sp.expand(opened(before)[0] * sp.exp(u))
        coefficients = sp.Poly(polynomial, sp.log(u)).all_coeffs()[::-1]
        return equal(sum(c * m for c, m in zip(coefficients, moments, strict=True)), now)

    return rule


def expected_loss(classes: int, scale: float) -> float:
    """Return E l = E log sum exp(z) for c independent N(0, scale^2) logits and a label independent of them.

    The step of two nested trapezoidal rules, of analytic integrands, is halved until two values agree within 1e-11 (1 +
    scale). The rules converge exponentially, so the last value is closer than that; an estimate, not a proven bound.

    Raises
    ------
    ValueError
        If `classes` is not a positive integer or `scale` is negative.
    ArithmeticError
        If steps down to 1/16 do not agree.
    """
    return _expectations(*_checked(classes, scale))[0]


def expected_loss_minus_entropy(classes: int, scale: float) -> float:
    """Return E[l - H] = scale^2 (1 - E||p||^2) in the setting, and with the accuracy, of `expected_loss`."""
    return _expectations(*_checked(classes, scale))[1]


def _checked(classes: int, scale: float) -> tuple[int, float]:
    return int(positive_integer("classes", classes)), float(nonnegative("scale", scale))


@cache
def _expectations(classes: int, scale: float) -> tuple[float, float]:
    if scale == 0:
        return math.log(classes), 0.0
    step, now = 0.5, (math.inf, math.inf)
    while step > 1 / 32:
        previous, now = now, _integrals(classes, scale, step)
        if max(abs(a - b) for a, b in zip(now, previous, strict=True)) <= 1e-11 * (1 + scale):
            return now
        step /= 2
    raise ArithmeticError(f"classes {classes}, scale {scale}: {now} and {previous} differ by more than 1e-11")


def _integrals(classes: int, scale: float, step: float) -> tuple[float, float]:
    """Integrate over y; the reference exp(-exp(-y/w)) has mean w gamma and varies no faster than F."""
    wide = max(1.0, scale)
    low, high = -5 * wide - 9 * scale, 40 + min(scale**2 / 2, 9 * scale) + math.log(classes) + 40 * (wide - 1)
    losses, slopes = [], []
    for i in range(math.floor(low / (step * wide)), math.ceil(high / (step * wide)) + 1):
        y = i * step * wide
        above, slope = _survival(y, scale, step)
        power = classes * math.log1p(-above) if above < 1 else -math.inf
        losses.append(math.expm1(-math.exp(-y / wide)) - math.expm1(power))
        slopes.append(classes * math.exp(power) / max(1 - above, 1e-300) * slope)
    loss = step * wide * math.fsum(losses) + (wide - 1) * float(sp.EulerGamma)
    return loss, scale * step * wide * math.fsum(slopes)


def _survival(y: float, scale: float, step: float) -> tuple[float, float]:
    """Return 1 - F(y) and its derivative in s, averaged over the smoother variable: logit if s < 1, else Gumbel."""
    above, slope, (first, last) = 0.0, 0.0, (-9, 9) if scale < 1 else (-4, 40)
    for i in range(math.floor(first / step), math.ceil(last / step) + 1):
        t = i * step
        if scale < 1:
            weight, rate = math.exp(-(t**2) / 2) / math.sqrt(2 * math.pi), math.exp(scale * t - y)
            above -= weight * math.expm1(-rate)
            slope += weight * t * rate * math.exp(-rate)
        else:
            weight, u = math.exp(-t - math.exp(-t)), (y - t) / scale
            above += weight * math.erfc(u / math.sqrt(2)) / 2
            slope += weight * u * math.exp(-(u**2) / 2) / (scale * math.sqrt(2 * math.pi))
    return above * step, slope * step


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (gumbel_maximum,)
