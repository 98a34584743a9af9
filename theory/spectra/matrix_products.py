"""Products P of independent n x n matrices M with N(0, 1) entries: what is typical of them, and what is average.

||Mx||^2 / ||x||^2 is chi-square with n degrees of freedom, whatever x is, so the factors of a product are independent.
Over the matrices; exact at every size.

- Typical: E log(||Mx|| / ||x||) = (psi(n/2) + log 2) / 2 (`exponent`), of variance psi'(n/2) / 4 (`exponent_spread`).
- Average: E||Mx||^2 / ||x||^2 = n (`mean_square`), so E||P||^2 grows by log(n)/2 a matrix in the logarithm of the norm
  (`annealed`), more than is typical.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import chi_square
from theory.rules import differentiated, equal
from theory.symbols import ORDER, N


@cache
def exponent() -> Derivation:
    """Derive the mean log growth of a vector's norm per matrix."""
    transform = 2 ** (ORDER / 2) * sp.gamma((N + ORDER) / 2) / sp.gamma(N / 2)
    return (
        Derivation.begin(
            "Typical growth in a product of Gaussian matrices",
            "||Mx||^2 / ||x||^2 is chi-square with n degrees of freedom, whatever x is; the a-th moment of its root.",
            chi_square().at(k=N, a=ORDER / 2),
        )
        .then("Collect.", transform)
        .then(
            "Its derivative at a = 0 is the mean logarithm.",
            (sp.digamma(N / 2) + sp.log(2)) / 2,
            differentiated(ORDER, 0, value=sp.S.One),
        )
    )


@cache
def exponent_spread() -> Derivation:
    """Derive the variance of the log growth per matrix."""
    return Derivation.begin(
        "Spread of the growth in a product of Gaussian matrices",
        "The logarithm of the moments of ||Mx|| / ||x||.",
        sp.log(exponent().steps[1].statement),
    ).then(
        "Its second derivative at a = 0 is the variance.",
        sp.trigamma(N / 2) / 4,
        differentiated(ORDER, 0, 2, sp.S.Zero),
    )


@cache
def mean_square() -> Derivation:
    """Derive the factor on the mean square norm per matrix, whose half logarithm is what E||P||^2 suggests."""
    return Derivation.begin(
        "Mean-square growth in a product of Gaussian matrices",
        "The second moment of ||Mx|| / ||x||.",
        exponent().steps[1].statement.subs(ORDER, 2),
    ).then("The gamma function shifts by one: n unit variances add.", N, _gamma_shift)


def _gamma_shift(before: sp.Basic, now: sp.Basic) -> str:
    return equal(sp.gammasimp(before), now)


def lyapunov(width: Value) -> sp.Expr:
    """Return E log(||Mx|| / ||x||) of a width x width matrix with N(0, 1) entries: the top Lyapunov exponent. Exact."""
    return exponent().at(n=positive_integer("width", width))


def lyapunov_variance(width: Value) -> sp.Expr:
    """Return Var log(||Mx|| / ||x||); the logarithms of the matrices of a product are independent. Exact."""
    return exponent_spread().at(n=positive_integer("width", width))


def annealed(width: Value) -> sp.Expr:
    """Return half the logarithm of E||Mx||^2 / ||x||^2, always above `lyapunov`: the growth of rare, large products."""
    return sp.log(mean_square().at(n=positive_integer("width", width))) / 2


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (exponent, exponent_spread, mean_square)
