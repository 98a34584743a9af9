"""Lyapunov spectrum of products of independent n x n matrices with N(0, 1/n) entries, exact at every size.

Carry an orthonormal frame along: W Q = Q' R with R upper triangular and a positive diagonal. R_ii is the length of what
is left of the i-th column of W Q off the i - 1 before it. W Q has the law of W whatever Q is, so R_ii is the length of
n - i + 1 normals, independent of the other columns and of all other matrices. The sum of log R_ii over a product is its
i-th Lyapunov exponent times the number of matrices, plus fluctuations of mean zero; the exponents add to E log|det W|
(Newman 1986).

- E log R_ii = (psi((n - i + 1)/2) + log(2/n)) / 2 (`exponent`).
- Var log R_ii = psi'((n - i + 1)/2) / 4 (`spread`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import chi_square
from theory.rules import differentiated, substituting
from theory.symbols import ORDER, N

INDEX = sp.Symbol("i", integer=True, positive=True)
LEFT = sp.Symbol("k", integer=True, positive=True)
"""Dimensions off the columns before, n - i + 1."""


@cache
def exponent() -> Derivation:
    """Derive the i-th Lyapunov exponent, E log R_ii."""
    transform = (2 / N) ** (ORDER / 2) * sp.gamma((LEFT + ORDER) / 2) / sp.gamma(LEFT / 2)
    slope = (sp.digamma(LEFT / 2) + sp.log(2) - sp.log(N)) / 2
    return (
        Derivation.begin(
            "Lyapunov spectrum of Gaussian matrices",
            "n R_ii^2 is chi-square with k degrees of freedom; the a-th moment of R_ii.",
            N ** (-ORDER / 2) * chi_square().at(k=LEFT, a=ORDER / 2),
        )
        .then("Collect.", transform)
        .then("Its derivative at a = 0 is the mean logarithm.", slope, differentiated(ORDER, 0, value=sp.S.One))
        .then(
            "The columns before leave k = n - i + 1 dimensions.",
            slope.subs(LEFT, N - INDEX + 1),
            substituting({LEFT: N - INDEX + 1}),
        )
    )


@cache
def spread() -> Derivation:
    """Derive the variance of log R_ii."""
    return (
        Derivation.begin(
            "Spread of a Lyapunov exponent per matrix",
            "The logarithm of the moments of R_ii.",
            sp.log(exponent().steps[1].statement),
        )
        .then(
            "Its second derivative at a = 0 is the variance.",
            sp.trigamma(LEFT / 2) / 4,
            differentiated(ORDER, 0, 2, sp.S.Zero),
        )
        .then("k = n - i + 1.", sp.trigamma((N - INDEX + 1) / 2) / 4, substituting({LEFT: N - INDEX + 1}))
    )


def lyapunov(width: Value, index: Value) -> sp.Expr:
    """Return the `index`-th Lyapunov exponent, 1 the largest, of matrices with N(0, 1/width) entries. Exact."""
    return exponent().at(n=positive_integer("width", width), i=_index(width, index))


def log_variance(width: Value, index: Value) -> sp.Expr:
    """Return Var log R_ii, which adds up over the matrices of a product. Exact."""
    return spread().at(n=positive_integer("width", width), i=_index(width, index))


def _index(width: Value, index: Value) -> sp.Expr:
    number = positive_integer("index", index)
    if (sp.sympify(width) - number).is_negative:
        raise ValueError(f"index is {index}; expected at most the width, {width}")
    return number


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (exponent, spread)
