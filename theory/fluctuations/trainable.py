r"""The probability that a deep ReLU net can be trained at the start: alive, with gradients of a reasonable size.

L ReLU layers and a linear readout without biases, all of width n, weights normal with variance sigma_w^2 / n; v is the
cotangent of the output. G = ||dW_l||^2 / (||x_0||^2 ||v||^2) is the squared gradient of any of the L + 1 matrices: the
state below it carries the l - 1 layers that it has passed, the cotangent above it the others, each with a factor
(sigma_w^2 / n) T, T chi-square with K degrees of freedom and K ~ Bin(n, 1/2) active units (`theory.fluctuations.norms`,
`theory.plain.jacobian_entries`). So every G has one law, that of a product of L such factors. Over the weights at a
fixed input; exact at every width.

- E G^a over the nets that are alive is the L-th power of a binomial sum of gamma functions (`transform`), at a = 0
  the probability (1 - 2^-n)^L of being alive (`alive`).
- The integral of 2 sin(b t) cos(s t) / t over t > 0 is pi where |s| < b, and 0 beyond (`indicator`). Over pi and
  averaged over s = log G it is the probability of 1/g <= sqrt G <= g, with b = 2 log g and the transform at a = i t
  (`probability`).
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from functools import cache

import mpmath
import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import number, positive, positive_integer
from theory.expectation import chi_square
from theory.fluctuations.norms import K
from theory.rules import DerivationError, equal, termwise
from theory.symbols import ORDER, N

GAIN = sp.Symbol("sigma_w", positive=True)
T = sp.Symbol("t", positive=True)
INSIDE, SIGNED = sp.Symbol("u", positive=True), sp.Symbol("w", real=True, nonzero=True)
"""b + s and b - s, of which the second is negative outside; s may be taken as positive, as the cosine is even."""
TAIL, TURN = 1e-16, 40
"""The transform of a net at which the integral is cut off, and by how many radians a piece of it may turn."""


@cache
def transform() -> Derivation:
    """Derive the mean of one layer's factor to the power a, over the draws in which a unit is active."""
    weight = sp.binomial(N, K) / 2**N
    given_mask = (2 * GAIN**2 / N) ** ORDER * sp.gamma(K / 2 + ORDER) / sp.gamma(K / 2)

    def over_masks(before: sp.Basic, now: sp.Basic) -> str:
        return termwise()(sp.Sum(weight * before, (K, 1, N)), now)

    return (
        Derivation.begin(
            "Transform of a layer's factor",
            "The power a of (sigma_w^2 / n) T, T chi-square with as many degrees of freedom as units are active.",
            (GAIN**2 / N) ** ORDER * chi_square().at(k=K, a=ORDER),
        )
        .then("Collect the powers.", given_mask)
        .then(
            "Average over the masks; a layer without active units has no gradient and is left out.",
            sp.Sum(weight * given_mask, (K, 1, N)),
            over_masks,
        )
    )


@cache
def alive() -> Derivation:
    """Derive the probability that a layer has an active unit, which is the transform at a = 0."""
    powers = transform().result.function.subs(ORDER, 0)
    return Derivation.begin(
        "Probability that a layer has an active unit", "The transform at a = 0.", sp.Sum(powers, (K, 1, N))
    ).then("The binomial theorem, without the term k = 0.", 1 - 2**-N, _at_widths)


def _at_widths(before: sp.Basic, now: sp.Basic) -> str:
    for width in range(1, 7):
        equal(before.subs(N, width).doit(), now.subs(N, width))
    return "6 sizes"


@cache
def indicator() -> Derivation:
    """Derive that an integral of sines and cosines says whether s lies between -b and b."""
    b, s = (INSIDE + SIGNED) / 2, (INSIDE - SIGNED) / 2
    return (
        Derivation.begin(
            "Whether a logarithm lies in a band",
            "With b + s = u and b - s = w; the cosine of s t will be averaged.",
            sp.Integral(2 * sp.sin(b * T) * sp.cos(s * T) / T, (T, 0, sp.oo)),
        )
        .then(
            "A product of sine and cosine is half the sum of two sines.",
            sp.Integral((sp.sin(INSIDE * T) + sp.sin(SIGNED * T)) / T, (T, 0, sp.oo)),
            termwise(sp.expand_trig),
        )
        .then(
            "Each sine gives pi / 2 times the sign of its rate: together pi inside the band and 0 outside.",
            sp.pi * (1 + sp.sign(SIGNED)) / 2,
            _dirichlet,
        )
    )


def _dirichlet(before: sp.Basic, now: sp.Basic) -> str:
    """Integrate the sines one by one, with w positive and with w negative."""
    size = sp.Symbol("|w|", positive=True)
    for signed in (size, -size):
        terms = sp.expand(before.function.subs(SIGNED, signed)).args
        if sum(sp.integrate(term, (T, 0, sp.oo)) for term in terms) != now.subs(SIGNED, signed):
            raise DerivationError(f"{now} is not the integral at w = {signed}")
    return "exact"


def alive_probability(width: Value, layers: Value) -> sp.Expr:
    """Return (1 - 2^-width)^layers, the probability that a net is alive. Exact."""
    return alive().at(n=positive_integer("width", width)) ** positive_integer("layers", layers)


def probability(gain: Value, width: Value, layers: Value, bound: Value) -> float:
    """Return P(1/bound <= ||dW|| / (||x_0|| ||v||) <= bound) for any one matrix of a ReLU net. Exact but for rounding.

    Parameters
    ----------
    gain : number
        sigma_w: the weights are normal with variance gain^2 / width; He's is sqrt 2.
    width, layers : int
        Of the ReLU layers, the input as wide as they.
    bound : number
        By which factor the gradient may be too small or too large, above 1.

    Raises
    ------
    ValueError
        If an argument is outside its domain.
    """
    variance = number(positive("gain", gain)) ** 2
    n, depth = int(positive_integer("width", width)), int(positive_integer("layers", layers))
    band = 2 * number(sp.log(positive("bound", bound)))
    if band <= 0:
        raise ValueError(f"bound is {bound}; expected a number above 1")
    shares, rate = [math.comb(n, k) / 2**n for k in range(1, n + 1)], math.log(2 * variance / n)

    def layer(t: float) -> complex:
        ratios: list[complex] = [mpmath.fp.gamma(complex(0.5, t)) / math.sqrt(math.pi), mpmath.fp.gamma(complex(1, t))]
        for k in range(3, n + 1):
            ratios.append(ratios[-2] * complex(1, t / (k / 2 - 1)))  # Gamma(z + 1) = z Gamma(z)
        turned: complex = cmath.exp(1j * rate * t)
        return turned * sum((share * one for share, one in zip(shares, ratios, strict=False)), 0j)

    def density(t: mpmath.mpf) -> float:
        return 2 * band / math.pi * float(mpmath.sinc(band * t)) * (layer(float(t)) ** depth).real

    end = 1.0
    while abs(layer(end)) ** depth > TAIL:
        end *= 2
    turns = end * (band + depth * (abs(rate) + math.log(n + end + 1)))
    pieces = mpmath.linspace(0, end, 4 + int(turns / TURN))
    return float(mpmath.quad(density, pieces, method="gauss-legendre", maxdegree=5))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (transform, alive, indicator)
