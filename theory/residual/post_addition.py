"""Residual blocks with a ReLU after the addition, x' = relu(x + F(x)): how the square norm grows.

The branch F has gain g: given x, its entries are independent N(0, g ||x||^2 / n), exactly so for one Gaussian layer of
variance g/n on x >= 0, and as widths grow for "He then LeCun" (g = 1) or He on both layers (g = 2). After the first
block x is no longer negative, so the growth 1 + g of x + F is an upper bound that the ReLU never lets it reach.

- E relu(a + s t)^2 = (a^2 + s^2) P(a/s) + a s p(a/s), t standard normal of density p and distribution P (`entry`).
- From x >= 0 a block multiplies the mean square by 1 + g/2 to 1 + g (`entry_from_below`).
- Above a wide ReLU layer: by g/4 + (2 + g) (pi/2 + arctan sqrt(2/g)) / (2 pi) + sqrt(2 g) / (2 pi)
  (`rectified_gaussian`).
- In depth, wide limit, no closed form: `growths` follows the law on a grid, to `limit_growth`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, real
from theory.expectation import by_parts
from theory.rules import at_least, dropping
from theory.symbols import T

A, S = sp.Symbol("a", real=True), sp.Symbol("s", positive=True)
ENTRY, ADDED = sp.Symbol("a", nonnegative=True), sp.Symbol("v", positive=True)
GAIN = sp.Symbol("g", positive=True)

FARTHEST, STEPS = 12.0, 120
"""The grid on which the limit is found: up to 12 sqrt(1 + g) root mean squares of the block's input, in 120 steps."""


def _below(z: sp.Expr) -> sp.Expr:
    return (1 + sp.erf(z / sp.sqrt(2))) / 2


def _density(z: sp.Expr) -> sp.Expr:
    return sp.exp(-(z**2) / 2) / sp.sqrt(2 * sp.pi)


@cache
def entry() -> Derivation:
    """Derive E relu(a + s t)^2 for t ~ N(0, 1): an entry a of the stream, to which the branch adds s t."""
    density = _density(T)
    return (
        Derivation.begin(
            "Second moment of a rectified sum",
            "a + s t is positive for t above -a/s: average its square there.",
            sp.Integral((A + S * T) ** 2 * density, (T, -A / S, sp.oo)),
        )
        .then(
            "Integrate by parts: take away the derivative of -s (a + s t) times the density, which is 0 at both ends.",
            sp.Integral((A**2 + S**2 + A * S * T) * density, (T, -A / S, sp.oo)),
            by_parts(-S * (A + S * T) * density),
        )
        .then(
            "The density adds up to its distribution function, and t times the density to the density.",
            (A**2 + S**2) * _below(A / S) + A * S * _density(A / S),
        )
    )


@cache
def entry_from_below() -> Derivation:
    """Derive that a branch adds at least half of its variance to the square of an entry a >= 0."""
    spread = entry().result.subs({A: ENTRY, S: sp.sqrt(ADDED)})
    slack = sp.erf(ENTRY / sp.sqrt(2 * ADDED)) / 2
    return (
        Derivation.begin(
            "What the branch adds to an entry that is not negative",
            "Differentiate E relu(a + sqrt(v) t)^2, which is a^2 at v = 0, in the variance v of the branch.",
            sp.Derivative(spread, ADDED),
        )
        .then("Each unit of variance adds the probability that the ReLU lets it through.", sp.Rational(1, 2) + slack)
        .then(
            "For a >= 0 that is at least 1/2 (and at most 1): a block multiplies by 1 + g/2 to 1 + g.",
            at_least(sp.Rational(1, 2) + slack, sp.Rational(1, 2)),
            dropping(slack),
        )
    )


@cache
def rectified_gaussian() -> Derivation:
    """Derive the growth in a wide block whose input is relu of a Gaussian, as He's layers leave it."""
    r, theta = sp.Symbol("r", positive=True), sp.Symbol("theta", real=True)
    angle = sp.atan(sp.sqrt(2 / GAIN))
    total = sp.sqrt(2) * sp.cos(theta) + sp.sqrt(GAIN) * sp.sin(theta)
    radial = sp.Integral(r**3 * sp.exp(-(r**2) / 2), (r, 0, sp.oo))
    return (
        Derivation.begin(
            "First block above a wide ReLU layer",
            "In units of the root mean square, half of the entries are 0: there the branch adds g/2. The others are "
            "sqrt(2) z, z > 0: average (sqrt(2) z + sqrt(g) t)^2 in polar coordinates over z > 0 and positive sums.",
            GAIN / 4 + radial * sp.Integral(total**2 / (2 * sp.pi), (theta, -angle, sp.pi / 2)),
        )
        .then("The radial integral is 2.", GAIN / 4 + sp.Integral(total**2 / sp.pi, (theta, -angle, sp.pi / 2)))
        .then(
            "Integrate over the angle.",
            GAIN / 4 + (2 + GAIN) * (sp.pi / 2 + angle) / (2 * sp.pi) + sp.sqrt(2 * GAIN) / (2 * sp.pi),
        )
    )


def block_growth(entries: Value, gain: Value = 1) -> sp.Expr:
    """Return E relu(u + sqrt(gain) t)^2, u an entry of x over the root mean square of x.

    Its mean over the entries is E||x'||^2 / ||x||^2, exactly for Gaussian branches of one layer on x >= 0.
    """
    return entry().at(a=real("entries", entries), s=sp.sqrt(positive("gain", gain)))


def rectified_growth(gain: Value = 1) -> sp.Expr:
    """Return the growth in the first block above a wide ReLU layer: 1.6812 at gain 1, 2 + 1/pi at gain 2."""
    return rectified_gaussian().at(g=positive("gain", gain))


def growth_bounds(gain: Value = 1) -> tuple[sp.Expr, sp.Expr]:
    """Return the bounds 1 + gain/2 and 1 + gain of the growth in a block from x >= 0, for Gaussian branches."""
    gain = nonnegative("gain", gain)
    return 1 + gain * entry_from_below().result, 1 + gain


def growths(gain: float = 1.0, blocks: int = 1, steps: int = STEPS) -> list[float]:
    """Return the growths in successive blocks of an infinitely wide net, from an input whose entries are all equal.

    The law of X' = relu(X + sqrt(gain E X^2) t), t ~ N(0, 1): an atom at 0 and a density, followed on a grid by
    Simpson's rule. Halving the step changes gains 1 and 2 by less than 1e-5 (an agreement, not a bound).

    Raises
    ------
    ValueError
        If `gain` or `blocks` is not positive or `steps` is not a positive even number.
    """
    if not (0 < gain < math.inf and blocks >= 1 and steps >= 2 and steps % 2 == 0):
        raise ValueError(f"expected gain > 0, blocks >= 1, even steps >= 2; got {gain}, {blocks}, {steps}")
    spread, width = math.sqrt(gain), FARTHEST * math.sqrt(1 + gain) / steps
    grid = [width * i for i in range(steps + 1)]
    simpson = [width / 3 * (1 if i in (0, steps) else 4 if i % 2 else 2) for i in range(steps + 1)]
    places, masses, found = [1.0], [1.0], []
    for _ in range(blocks):
        density = [
            sum(mass * math.exp(-(((y - place) / spread) ** 2) / 2) for place, mass in zip(places, masses, strict=True))
            / (spread * math.sqrt(2 * math.pi))
            for y in grid
        ]
        at_zero = sum(
            mass * math.erfc(place / spread / math.sqrt(2)) / 2 for place, mass in zip(places, masses, strict=True)
        )
        weights = [weight * height for weight, height in zip(simpson, density, strict=True)]
        square = sum(weight * y**2 for weight, y in zip(weights, grid, strict=True))
        found.append(square)
        places = [0.0, *(y / math.sqrt(square) for y in grid)]
        masses = [at_zero, *weights]
    return found


@cache
def limit_growth(gain: float = 1.0) -> float:
    """Return the growth that blocks of an infinitely wide net tend to: 1.7441 at gain 1, 2.3989 at gain 2.

    No closed form is known. Twelve blocks, after which another changes less than the grid's 1e-5 at gains 1 and 2.
    """
    return growths(gain, 12)[-1]


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (entry, entry_from_below, rectified_gaussian)
