"""The gradient of the sum of a deep ReLU net's outputs, exact at any width n and depth: where independence fails most.

All layers have He weights, N(0, 2/n), and n units. Nets without biases are homogeneous, so <g_l, h_l> is the sum of the
outputs at every layer: along the state h_l the gradient g_l has a fixed sign, and across it no direction of its own.
Let a be the square of g_l along h_l and o that across. Going down through a layer with K ~ Bin(n, 1/2) active units,
with T and X chi-square of K and n - 1 degrees of freedom and b the share of o on K - 1 of n - 1 dimensions,

    a' = (2/n) T a,    o' = (2/n) (a + b o) X,    o' = 0 if K = 0.

Over the weights at a fixed input, dead nets included. The first layer is in
`theory.independence.gradient_independence`.

- E a', E o', E a'^2, E a' o' and E o'^2, linear in a and o (`along`, `across`, `along_squared`, `crossed`,
  `across_squared`).
- E||g||^2 / n below 1 + l layers is 1 + (n-1)/(pi n) (1 + (n-1)(1 - (1 - 2 (1 - 2^-n)/n)^l)) (`in_depth`), where
  independence says 1; it tends to 1 + (n-1)/pi (`deep`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import active_moments, chi_square_moment, chi_square_moments, mean
from theory.independence import gradient_independence
from theory.rules import equal, limit, recursion, substituting
from theory.symbols import ACTIVE, DEPTH, N

ALONG, ACROSS = sp.symbols("a o", nonnegative=True)
ALIVE = sp.Symbol("A", nonnegative=True)
"""1 if any unit of a layer is active."""
LIVES = 1 - sp.Rational(1, 2) ** N
GROWN, NORMALS, SHARE = sp.symbols("T X b", nonnegative=True)


def _share_moment(order: int) -> sp.Expr:
    return chi_square_moment(order, ACTIVE - 1) / chi_square_moment(order, N - 1)


def _given_mask(polynomial: sp.Expr) -> sp.Expr:
    sizes = {GROWN: chi_square_moments(ACTIVE), NORMALS: chi_square_moments(N - 1), SHARE: _share_moment}
    return mean(polynomial, sizes)


def _over_masks(given: sp.Expr) -> sp.Expr:
    """Average a polynomial in K and A; where A = 0, so is K, and A K = K."""
    total = sp.S.Zero
    for (alive, active), coefficient in sp.Poly(given, ALIVE, ACTIVE).terms():
        total += coefficient * (active_moments(N)(active) if active else LIVES if alive else 1)
    return total


def _step(title: str, says: str, statement: sp.Expr) -> Derivation:
    given = _given_mask(statement)
    return (
        Derivation.begin(title, says, statement)
        .then("Average over T, X and b given the mask.", given, lambda before, now: equal(_given_mask(before), now))
        .then(
            "Average over the masks: K units are active, and none with probability 2^-n.",
            sp.expand(_over_masks(given)),
            lambda before, now: equal(_over_masks(before), now),
        )
    )


A_NEXT, O_NEXT = 2 * GROWN * ALONG / N, 2 * ALIVE * (ALONG + SHARE * ACROSS) * NORMALS / N


@cache
def along() -> Derivation:
    """Derive the mean square along the state, one layer down."""
    return _step("Square of the gradient along the state", "What the inner product leaves of it.", A_NEXT)


@cache
def across() -> Derivation:
    """Derive the mean square across the state, one layer down."""
    return _step("Square of the gradient across the state", "What passes the mask meets new weights.", O_NEXT)


@cache
def along_squared() -> Derivation:
    """Derive E a'^2."""
    return _step("Fourth power of the gradient along the state", "The square of a'.", sp.expand(A_NEXT**2))


@cache
def crossed() -> Derivation:
    """Derive E a' o'."""
    return _step("Square along times square across", "The product of a' and o'.", sp.expand(A_NEXT * O_NEXT))


@cache
def across_squared() -> Derivation:
    """Derive E o'^2."""
    square = sp.expand(O_NEXT**2).subs(ALIVE**2, ALIVE)
    return _step("Fourth power of the gradient across the state", "The square of o', and A^2 = A.", square)


@cache
def in_depth() -> Derivation:
    """Derive E||g||^2 / n below a first layer and l more."""
    start, o = 1 + (N - 1) / sp.pi, sp.Function("o")
    ratio = 1 - 2 * LIVES / N
    next_across = across().result.subs({ALONG: start, ACROSS: o(DEPTH)}, simultaneous=True)
    solution = (N - 1) * (1 + (N - 1) / sp.pi * (1 - ratio**DEPTH))
    return (
        Derivation.begin(
            "Gradient of the sum of the outputs in depth",
            "The square along the state has the mean 1 + (n-1)/pi at every layer; the square across follows from it.",
            sp.Eq(o(DEPTH + 1), next_across),
        )
        .then("From n - 1 below the first layer.", sp.Eq(o(DEPTH), solution), recursion(DEPTH, N - 1))
        .then(
            "Add the square along the state, over n.",
            1 + (N - 1) / (sp.pi * N) * (1 + (N - 1) * (1 - ratio**DEPTH)),
            lambda before, now: equal((start + before.rhs) / N, now),
        )
    )


@cache
def deep() -> Derivation:
    """Derive the limit in depth."""
    ratio = sp.Symbol("r", positive=True)
    return (
        Derivation.begin("Gradient of the sum of the outputs of a very deep net", "In depth.", in_depth().result)
        .then(
            "Below 1, the power of 1 - 2 (1 - 2^-n) / n vanishes, from two units on.",
            1 + (N - 1) / (sp.pi * N) * (1 + (N - 1) * (1 - ratio)),
            substituting({(1 - 2 * LIVES / N) ** DEPTH: ratio}),
        )
        .then("All that is left.", 1 + (N - 1) / sp.pi, limit(ratio, sp.S.Zero))
    )


def ones_growth(width: Value, layers: Value) -> sp.Expr:
    """Return E||g||^2 / n at the input of `layers` ReLU layers of `width` = n units, g = 1 at the output. Exact.

    Independent backward weights would give 1. At any input but 0; averages include nets that are dead.
    """
    layers = positive_integer("layers", layers)
    return in_depth().at(n=_size(positive_integer("width", width)), l=layers - 1)


def _size(width: sp.Expr) -> sp.Expr:
    """Return a large width as a number of 30 digits: an exact 2^-n would have n digits."""
    return sp.Float(width, 30) if width.is_Integer and width > 100 else width


@cache
def ones_growth_variance(width: int, layers: int) -> sp.Expr:
    """Return the variance of ||g||^2 / n, whose mean is `ones_growth`, for a width of at least 2. Exact."""
    n, layers = positive_integer("width", width, least=2), positive_integer("layers", layers)
    size = _size(n)
    first = {k: gradient_independence.active_sum(k).result for k in (2, 4)}
    scale = 4 / n**2
    squares, cross, others = (
        scale * mean(sp.expand(power), {ACTIVE: active_moments(n)})
        for power in (first[4], first[2] * ACTIVE * (n - 1), ACTIVE**2 * (n**2 - 1))
    )
    # The steps are linear in a^2, a o and o^2, of which these are the means.
    rules = [sp.Poly(one().at(n=size), ALONG, ACROSS) for one in (along_squared, crossed, across_squared)]
    for _ in range(int(layers) - 1):
        means = {(2, 0): squares, (1, 1): cross, (0, 2): others}
        squares, cross, others = (sum(c * means[powers] for powers, c in rule.terms()) for rule in rules)
    return (squares + 2 * cross + others) / n**2 - ones_growth(n, layers) ** 2


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    along,
    across,
    along_squared,
    crossed,
    across_squared,
    in_depth,
    deep,
)
