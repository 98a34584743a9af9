"""Largest singular value s of a Gaussian n x n matrix W with N(0, 1/n) entries: exact at n = 2, bounded at any n.

*n = 2.* With u = ((a + d)/2, (c - b)/2) and v = ((a - d)/2, (b + c)/2), W = [[a, b], [c, d]] has the singular values
||u|| + ||v|| and | ||u|| - ||v|| | (`two_singular_values`), and u and v are independent (`two_are_independent`):
E s = sqrt(pi/2) (`mean_of_two`), Var s = 1 - pi/4 (`variance_of_two`).

*From above.* s is the largest x^T W y over unit vectors. Its increments are no larger than those of (g.x + h.y) / sqrt
n (`increments`), g and h standard normal, so neither is its mean largest value (Sudakov 1971; Fernique 1975; Chevet
1978): E s <= E (||g|| + ||h||) / sqrt n (`upper`), which is below 2 (Davidson & Szarek 2001, theorem II.13).

*From below.* Reflections turn sqrt n W, without a change of its singular values, into a bidiagonal B of independent chi
variables of n, n - 1, ... degrees of freedom on the diagonal and n - 1, n - 2, ... beside it (Silverstein 1985;
Dumitriu & Edelman 2002). The largest singular value is convex, so E s >= x^T (E B) y / sqrt n for any unit x and y;
half a wave over the first k coordinates (`lower`) makes that 2 - O(n^(-2/3)): both bounds tend to 2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import averaged, chi_square, chi_square_moments
from theory.rules import at_least, dropping, naming, numerically, substituting
from theory.symbols import VARIANCE, N

ENTRIES = sp.symbols("a b c d", real=True)
FIRST, SECOND = sp.symbols(r"\|u\| \|v\|", nonnegative=True)
TERMS, POSITION = sp.symbols("k i", integer=True, positive=True)


def _length(degrees: sp.Expr) -> sp.Expr:
    """Return the mean length of a standard normal vector."""
    return chi_square().at(a=sp.S.Half, k=degrees)


@cache
def two_singular_values() -> Derivation:
    """Derive the singular values of a 2 x 2 matrix."""
    (a, b, c, d), value = ENTRIES, sp.Symbol("lambda", real=True)
    u, v = sp.symbols(r"\|u\|^2 \|v\|^2", nonnegative=True)
    squares = {u: ((a + d) ** 2 + (c - b) ** 2) / 4, v: ((a - d) ** 2 + (b + c) ** 2) / 4}
    return (
        Derivation.begin(
            "Singular values of a 2 x 2 matrix",
            "Their squares are the roots of the characteristic polynomial of W^T W.",
            (a**2 + c**2 - value) * (b**2 + d**2 - value) - (a * b + c * d) ** 2,
        )
        .then(
            "In the lengths of u and v.",
            value**2 - 2 * (u + v) * value + (u - v) ** 2,
            naming(squares),
        )
        .then(
            "Factor: the roots are the squares of the sum and of the difference of the lengths.",
            (value - (FIRST + SECOND) ** 2) * (value - (FIRST - SECOND) ** 2),
            substituting({u: FIRST**2, v: SECOND**2}),
        )
    )


@cache
def two_are_independent() -> Derivation:
    """Derive the law of u and v, by the variance of any combination of their coordinates."""
    (a, b, c, d), weights = ENTRIES, sp.symbols("p_1:5", real=True)
    coordinates = ((a + d) / 2, (c - b) / 2, (a - d) / 2, (b + c) / 2)
    return Derivation.begin(
        "Variance of a combination of u and v",
        "Square any combination of their four coordinates.",
        sum((p * one for p, one in zip(weights, coordinates, strict=True)), sp.S.Zero) ** 2,
    ).then(
        "Average over the entries: that of independent normals of variance sigma^2 / 2.",
        VARIANCE / 2 * sum((p**2 for p in weights), sp.S.Zero),
        averaged(dict.fromkeys(ENTRIES, (1, 0, VARIANCE))),
    )


@cache
def mean_of_two() -> Derivation:
    """Derive E s of a 2 x 2 matrix."""
    return Derivation.begin(
        "Mean largest singular value of a 2 x 2 Gaussian matrix",
        "sigma^2 = 1/2: u and v are each half a pair of standard normals.",
        _length(sp.Integer(2)) / 2 + _length(sp.Integer(2)) / 2,
    ).then("Euler's integral at 3/2.", sp.sqrt(sp.pi / 2))


@cache
def variance_of_two() -> Derivation:
    """Derive Var s of a 2 x 2 matrix."""
    return (
        Derivation.begin(
            "Variance of the largest singular value of a 2 x 2 Gaussian matrix",
            "Square half the sum of two lengths.",
            (FIRST + SECOND) ** 2 / 4,
        )
        .then(
            "Average over both, of mean square 2.",
            (4 + 2 * _length(sp.Integer(2)) ** 2) / 4,
            averaged(dict.fromkeys((FIRST, SECOND), (1, _length(sp.Integer(2)), chi_square_moments(2)(1)))),
        )
        .then(
            "Take the square of the mean away.",
            1 - sp.pi / 4,
            lambda before, now: numerically(before - mean_of_two().result ** 2, now),
        )
    )


@cache
def increments() -> Derivation:
    """Derive that g.x + h.y varies at least as much as x^T sqrt(n) W y."""
    p, q = sp.symbols("p q", nonnegative=True)
    return (
        Derivation.begin(
            "Increments of a Gaussian bilinear form",
            "E (g.(x - x') + h.(y - y'))^2 for unit vectors, with p = 1 - x.x' and q = 1 - y.y'.",
            2 * p + 2 * q,
        )
        .then("Leave out a product of two that are not negative.", at_least(2 * p + 2 * q, 2 * p + 2 * q - 2 * p * q),
              dropping(2 * p * q))
        .then("That is the increment ||x y^T - x' y'^T||^2 of the bilinear form.",
              at_least(2 * p + 2 * q, 2 - 2 * (1 - p) * (1 - q)))
    )  # fmt: skip


@cache
def upper() -> Derivation:
    """Derive the upper bound on E s."""
    return Derivation.begin(
        "Upper bound on the mean largest singular value",
        "Two lengths of n standard normals, over sqrt n.",
        (_length(N) + _length(N)) / sp.sqrt(N),
    ).then("Collect.", 2 * sp.sqrt(2 / N) * sp.gamma((N + 1) / 2) / sp.gamma(N / 2))


@cache
def lower() -> Derivation:
    """Derive the lower bound on E s from half a wave over the first k coordinates."""

    def wave(position: sp.Expr) -> sp.Expr:
        return sp.sin(sp.pi * position / (TERMS + 1))

    here, beside = wave(POSITION), wave(POSITION + 1)
    product = here**2 * _length(N - POSITION + 1) + here * beside * _length(N - POSITION)
    return Derivation.begin(
        "Lower bound on the mean largest singular value",
        "x^T (E B) y / (sqrt n ||x|| ||y||) for x = y, a sine that ends at 0 beyond its k-th coordinate.",
        sp.Sum(product, (POSITION, 1, TERMS)) / (sp.sqrt(N) * sp.Sum(here**2, (POSITION, 1, TERMS))),
    ).then(
        "The squares of the sine add to half of k + 1.",
        2 / ((TERMS + 1) * sp.sqrt(N)) * sp.Sum(product, (POSITION, 1, TERMS)),
        numerically,
    )


def top_of_two() -> tuple[sp.Expr, sp.Expr]:
    """Return mean and variance of the largest singular value of a 2 x 2 matrix with N(0, 1/2) entries. Exact."""
    return mean_of_two().at(), variance_of_two().at()


def bounds(width: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return numbers between which E s lies, for a square matrix of at least 2 x 2 with N(0, 1/width) entries.

    Bounds at any width, which tend to 2. The lower one holds for a wave of any length; the one taken, of 2.7
    n^(1/3), is the best in wide layers, where it leaves 2.03 n^(-2/3).
    """
    n = positive_integer("width", width, least=2)
    terms = sp.Min(n - 1, sp.ceiling(sp.Rational(27, 10) * n ** sp.Rational(1, 3)))
    return sp.N(lower().at(n=n, k=terms).doit()), sp.N(upper().at(n=n))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    two_singular_values,
    two_are_independent,
    mean_of_two,
    variance_of_two,
    increments,
    upper,
    lower,
)
