"""Singular values of orthogonal and Gaussian products, and of a ReLU layer with orthogonal weights.

Orthogonal matrices keep every length. Gaussian ones with variance 1/n keep the mean square only: what fluctuates in a
column multiplies up. A rectifier cuts directions off, so with gain sqrt 2 it keeps the mean square without being an
isometry anywhere. Over the weights where anything is; exact at every width n.

- An orthogonal 2 x 2 matrix keeps lengths (`rotation`).
- E||J e||^4 = (1 + 2/n)^L for a column of a product of L Gaussian matrices, whose mean square is 1 (`column_square`).
- Squared singular values of D sqrt(2) Q, D a mask, Q orthogonal: 0 or 2 (`masked`), of mean 1 (`mean_square`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import active_moments, averaged, chi_square_moments
from theory.rules import recursion, solving, substituting
from theory.symbols import ACTIVE, L, N

GAIN = sp.Symbol("g", positive=True)


@cache
def rotation() -> Derivation:
    """Derive the square of a length after an orthogonal 2 x 2 matrix, in which every two directions look like this."""
    angle, x, y = sp.symbols("theta x y", real=True)
    first, second = x * sp.cos(angle) - y * sp.sin(angle), x * sp.sin(angle) + y * sp.cos(angle)
    return Derivation.begin(
        "Length after a rotation", "Add the squares of both coordinates.", first**2 + second**2
    ).then("The cross terms cancel, and the squares of cosine and sine add to one.", x**2 + y**2)


@cache
def column_square() -> Derivation:
    """Derive E ||J e||^4 for one column of a product of Gaussian matrices; E ||J e||^2 is 1."""
    size, s = sp.Symbol("T", nonnegative=True), sp.Function("s")
    one = 1 + 2 / N
    return (
        Derivation.begin(
            "Fourth moment of a column of a Gaussian product",
            "A matrix multiplies the squared length of a column by T/n, T chi-square with n degrees of freedom.",
            (size / N) ** 2,
        )
        .then("Average over it.", one, averaged({size: chi_square_moments(N)}))
        .then(
            "The matrices are independent: their factors multiply.",
            sp.Eq(s(L + 1), one * s(L)),
            _multiplies,
        )
        .then("Solve from a column of length 1.", sp.Eq(s(L), one**L), recursion(L, sp.S.One))
    )


def _multiplies(before: sp.Basic, now: sp.Basic) -> str:
    """Check that the recursion multiplies by the previous expression."""
    s = now.lhs.func
    return substituting({GAIN: before})(sp.Eq(s(L + 1), GAIN * s(L)), now)


@cache
def masked() -> Derivation:
    """Derive the squared singular values of a ReLU layer with weights g Q, Q orthogonal, that is not dead."""
    value, mask = sp.symbols("lambda d", nonnegative=True)
    return (
        Derivation.begin(
            "Singular values of a ReLU layer with orthogonal weights",
            "(g D Q)(g D Q)^T = g^2 D, as Q Q^T = I and D^2 = D: its eigenvalues are those of g^2 D, with d = 0 or 1.",
            sp.Eq(value / GAIN**2, mask),
        )
        .then("Solve for the eigenvalue.", sp.Eq(value, GAIN**2 * mask), solving(value))
        .then("Gain sqrt 2: an inactive unit gives 0, an active one 2.", sp.Eq(value, 2 * mask), _with_gain)
    )


def _with_gain(before: sp.Basic, now: sp.Basic) -> str:
    return substituting({GAIN: sp.sqrt(2)})(before, now)


@cache
def mean_square() -> Derivation:
    """Derive the mean square of the singular values of a ReLU layer with weights sqrt(2) Q."""
    return Derivation.begin(
        "Mean square of the singular values of a ReLU layer",
        "K active units of n give 2 each.",
        2 * ACTIVE / N,
    ).then("Half of them are active in the mean.", sp.S.One, averaged({ACTIVE: active_moments(N)}))


def column_variance(width: Value, matrices: Value) -> sp.Expr:
    """Return Var ||J e||^2 for a unit vector e and a product J of N(0, 1/width) matrices, of mean 1. Exact.

    It bounds the variance of ||J||_F^2 / width, a mean of `width` such variables of one law.
    """
    n, layers = positive_integer("width", width), positive_integer("matrices", matrices, least=0)
    return column_square().at(n=n, L=layers) - 1


def masked_square(active: Value) -> sp.Expr:
    """Return the squared singular value that a unit of a ReLU layer with weights sqrt(2) Q gives, active (1) or not."""
    mask = positive_integer("active", active, least=0)
    if (mask - 1).is_positive:
        raise ValueError(f"active is {active}; expected 0 or 1")
    return masked().at(d=mask)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (rotation, column_square, masked, mean_square)
