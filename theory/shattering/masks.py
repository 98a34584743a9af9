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
from theory.written_out import WrittenOut, at_sizes, coin, matrix, normal

FIRST, SECOND, SHARED = sp.symbols(r"\|g_1\|^2 \|g_2\|^2 g_1^{T}g_2", positive=True)
"""Square norms and inner product of the masked gradients above a layer."""
NEXT_FIRST, NEXT_SECOND, NEXT_SHARED = sp.symbols(r"\|g_1'\|^2 \|g_2'\|^2 g_1'^{T}g_2'", real=True)
"""The same one layer below."""
SHORTCUT, ACTIVE = sp.Symbol("s", nonnegative=True), sp.Symbol("p", positive=True)
PLAIN_SIZES = tuple((above, width) for above in (1, 2) for width in (1, 2, 3))
SIZES = (*((*size, 0) for size in PLAIN_SIZES), (1, 1, 1), (1, 2, 1), (2, 1, 1), (2, 2, 1))
"""Widths above and within a layer, and whether it is a residual block, at which averages are computed."""


@cache
def inner_product() -> Derivation:
    """Derive the mean of g1'.g2' after a layer or a residual block with independent masks."""
    return Derivation.begin(
        "Inner product of gradients after one layer of independent masks",
        "g_a' = s g_a + h_a, where h_a is what comes through the weights and the masks at input a.",
        NEXT_SHARED,
    ).then(
        "Average over the weights and over masks that are 1 with probability p: both must be.",
        (SHORTCUT + 2 * ACTIVE**2) * SHARED,
        at_sizes(_pair, *SIZES),
    )


@cache
def square_norm() -> Derivation:
    """Derive the mean of ||g'||^2 after a layer or a residual block."""
    return Derivation.begin(
        "Square norm of a gradient after one layer of independent masks", "g' = s g + h, as above.", NEXT_FIRST
    ).then(
        "Average over the weights and over masks that are 1 with probability p.",
        (SHORTCUT + 2 * ACTIVE) * FIRST,
        at_sizes(_pair, *SIZES),
    )


@cache
def factor() -> Derivation:
    """Derive the factor by which a layer or a residual block multiplies the correlation."""
    return (
        Derivation.begin(
            "Correlation of gradients in one layer of independent masks",
            "The factor of E g1.g2 over that of E||g||^2; a shortcut counts s = 1, a plain layer has s = 0.",
            (inner_product().result / SHARED) / (square_norm().result / FIRST),
        )
        .then("Norms cancel.", (SHORTCUT + 2 * ACTIVE**2) / (SHORTCUT + 2 * ACTIVE))
        .then(
            "Half of the units are active: 1/2 for a plain layer, 3/4 for a residual block.",
            (SHORTCUT + sp.Rational(1, 2)) / (SHORTCUT + 1),
            substituting({ACTIVE: sp.Rational(1, 2)}),
        )
    )


def _pair(above: int, width: int, shortcut: int, probability: sp.Expr = ACTIVE) -> WrittenOut:
    """Write out two gradients below one layer (shortcut 0), or below one block with `width` hidden units (1)."""
    first, second = gradients(above)
    kept = [sp.symbols(f"{name}_1:{width + 1}", nonnegative=True) for name in "de"]
    weights, groups = matrix("w", above, width, normal(sp.Rational(2 - shortcut, width)))
    below = [sp.diag(*masks) * weights.T * one for masks, one in zip(kept, (first, second), strict=True)]
    if shortcut:
        inner, more = matrix("u", width, above, normal(sp.Rational(2, above)))
        below, groups = [one + inner.T * h for one, h in zip((first, second), below, strict=True)], [*groups, *more]
    groups += [coin(probability)(mask) for masks in kept for mask in masks]
    return WrittenOut(
        {
            NEXT_SHARED: below[0].dot(below[1]),
            NEXT_FIRST: below[0].dot(below[0]),
            NEXT_SECOND: below[1].dot(below[1]),
            **products(first, second),
            SHORTCUT: sp.Integer(shortcut),
            N: sp.Integer(width),
        },
        groups,
    )


def gradients(width: int) -> tuple[sp.Matrix, sp.Matrix]:
    """Return two gradients of this width."""
    return in_a_plane("g", width)


def in_a_plane(name: str, width: int) -> tuple[sp.Matrix, sp.Matrix]:
    """Return two vectors of this width, the first along the first axis, the second in the plane of the first two.

    To normal weights all planes are alike.
    """
    a, b, c = sp.symbols(f"{name}_1:4", real=True)
    return tuple(sp.Matrix(([*some, *[0] * width])[:width]) for some in ([a], [b, c]))


def products(first: sp.Matrix, second: sp.Matrix) -> dict[sp.Symbol, sp.Expr]:
    """Return what the square norms and the inner product of two gradients stand for."""
    return {FIRST: first.dot(first), SECOND: second.dot(second), SHARED: first.dot(second)}


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
    return Derivation.begin(
        "Square of the inner product after one layer of independent masks",
        "g_a' = D_a W^T g_a, the masks coins that are thrown for each input.",
        NEXT_SHARED**2,
    ).then(
        "Average over the weights, normal with variance 2/n, and the masks, 1 with probability 1/2.",
        (FIRST * SECOND + 2 * SHARED**2) / N + (N - 1) * SHARED**2 / (4 * N),
        at_sizes(_fair_pair, *PLAIN_SIZES),
    )


@cache
def product_of_squares() -> Derivation:
    """Derive E ||g1'||^2 ||g2'||^2, the masks of a layer of n units included."""
    return Derivation.begin(
        "Product of the square norms after one layer of independent masks",
        "g_a' = D_a W^T g_a, the masks coins that are thrown for each input.",
        NEXT_FIRST * NEXT_SECOND,
    ).then(
        "Average over the weights, normal with variance 2/n, and the masks, 1 with probability 1/2.",
        FIRST * SECOND + 2 * SHARED**2 / N,
        at_sizes(_fair_pair, *PLAIN_SIZES),
    )


def _fair_pair(above: int, width: int) -> WrittenOut:
    return _pair(above, width, 0, sp.Rational(1, 2))


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
    inner_product,
    square_norm,
    factor,
    decay,
    square_of_entries,
    square_of_inner_product,
    product_of_squares,
)
