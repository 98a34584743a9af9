"""Gradients of two inputs under independent masks: how their correlation would decay if masks were thrown as coins.

The gradients g_a = W_1^T D_1a W_2^T D_2a ... v of a net at inputs x_a share the weights, Gaussian with variance 2/n,
and differ in the masks D; s = 1 with shortcuts, 0 without. Over weights and masks, exact at every width n for masks
that are independent coins. Those of a real net are not: see `theory.mean_field.angles` and
`theory.shattering.two_layers`.

- A layer multiplies E g1.g2 / E||g||^2 by (s + 1/2) / (s + 1) (`factor`), L of them by its power (`decay`): 2^-L, or
  (3/4)^L with shortcuts.
- One layer, for the variance: E (g1'.g2')^2 (`square_of_inner_product`) and E||g1'||^2 ||g2'||^2 (`product_of_squares`)
  in terms of those above; `independent_variance` iterates them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import STANDARD_NORMAL, averaged
from theory.rules import recursion, substituting
from theory.symbols import L, N, T

FIRST, SECOND, SHARED = sp.symbols(r"\|g_1\|^2 \|g_2\|^2 g_1^{T}g_2", positive=True)
"""Square norms and inner product of the masked gradients above a layer."""
SHORTCUT = sp.Symbol("s", nonnegative=True)


@cache
def factor() -> Derivation:
    """Derive the factor by which a layer or a residual block multiplies the correlation."""
    active = sp.Symbol("p", positive=True)
    return Derivation.begin(
        "Correlation of gradients in one layer of independent masks",
        "Weights of variance 2 / n multiply E g1.g2 by 2 P(active at both) and E||g||^2 by 2 P(active); a shortcut "
        "adds s = 1 to each, a plain layer s = 0.",
        (SHORTCUT + 2 * active**2) / (SHORTCUT + 2 * active),
    ).then(
        "Half of the units are active: 1/2 for a plain layer, 3/4 for a residual block.",
        (SHORTCUT + sp.Rational(1, 2)) / (SHORTCUT + 1),
        substituting({active: sp.Rational(1, 2)}),
    )


@cache
def decay() -> Derivation:
    """Derive the correlation in depth."""
    c, ratio = sp.Function("c"), factor().result
    return Derivation.begin(
        "Correlation of gradients under independent masks",
        "Every layer has new weights and new masks, so the factors multiply.",
        sp.Eq(c(L + 1), ratio * c(L)),
    ).then(
        "Solve from one gradient above the net.",
        sp.Eq(c(L), ratio**L),
        recursion(L, sp.S.One),
    )


@cache
def square_of_entries() -> Derivation:
    """Derive E z1^2 z2^2 for entries of W^T g1 and W^T g2, in units of the variance of the weights."""
    u = sp.Symbol("u", real=True)
    slope, rest = SHARED / sp.sqrt(FIRST), sp.sqrt(SECOND - SHARED**2 / FIRST)
    return Derivation.begin(
        "Fourth moment of two correlated normals",
        "z1 is normal of variance ||g1||^2; z2 is a multiple of it plus an independent normal.",
        sp.expand(FIRST * T**2 * (slope * T + rest * u) ** 2),
    ).then(
        "Average over both.",
        FIRST * SECOND + 2 * SHARED**2,
        averaged({T: STANDARD_NORMAL, u: STANDARD_NORMAL}),
    )


@cache
def square_of_inner_product() -> Derivation:
    """Derive E (g1'.g2')^2, the masks of a layer of n units included."""
    one, two = sp.symbols("q m", positive=True)
    return Derivation.begin(
        "Square of the inner product after one layer of independent masks",
        "A unit adds 2/n z1 z2 if it is active at both inputs, with probability 1/4: square the sum over n units.",
        4 / N**2 * (N * one / 4 + N * (N - 1) * (two / 4) ** 2),
    ).then(
        "z1 z2 has the mean g1.g2 and the mean square from above.",
        (FIRST * SECOND + 2 * SHARED**2) / N + (N - 1) * SHARED**2 / (4 * N),
        substituting({one: square_of_entries().result, two: SHARED}),
    )


@cache
def product_of_squares() -> Derivation:
    """Derive E ||g1'||^2 ||g2'||^2, the masks of a layer of n units included."""
    one, two = sp.symbols("q m", positive=True)
    return Derivation.begin(
        "Product of the square norms after one layer of independent masks",
        "One unit is active at both inputs, or two different ones are at one each, with probability 1/4.",
        4 / N**2 * (N * one / 4 + N * (N - 1) * two / 4),
    ).then(
        "z1^2 z2^2 has the mean from above, or the product of the variances for different units.",
        FIRST * SECOND + 2 * SHARED**2 / N,
        substituting({one: square_of_entries().result, two: FIRST * SECOND}),
    )


def independent_correlation(layers: Value, shortcut: Value = 0) -> sp.Expr:
    """Return E g1.g2 / E||g||^2 under independent masks: 2^-layers, or (3/4)^layers with shortcuts (1). Exact."""
    return decay().at(L=positive_integer("layers", layers, least=0), s=positive_integer("shortcut", shortcut, least=0))


def independent_variance(width: Value, layers: int) -> sp.Expr:
    """Return the variance of g1.g2 / E||g||^2 at the input of a plain net under independent masks. Exact.

    All layers and the input have this width; the top cotangent is Gaussian.
    """
    n = positive_integer("width", width)
    product, square = sp.S.One, sp.S.One  # of one normal vector v, before its masks
    for _ in range(positive_integer("layers", layers)):
        # The derivations are linear in ||g1||^2 ||g2||^2 and (g1.g2)^2, of which these are the means.
        means = {FIRST: product, SECOND: sp.S.One, SHARED: sp.sqrt(square)}
        product, square = (one().at(means, n=n) for one in (product_of_squares, square_of_inner_product))
    entries = square_of_entries().at({FIRST: product, SECOND: sp.S.One, SHARED: sp.sqrt(square)})
    return entries / n + square * (1 - 1 / n) - independent_correlation(layers) ** 2


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    factor,
    decay,
    square_of_entries,
    square_of_inner_product,
    product_of_squares,
)
