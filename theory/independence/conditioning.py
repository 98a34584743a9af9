"""Gaussian weights of which products are known: what that leaves open about other products.

W has independent N(0, sigma^2) entries. All products are jointly Gaussian with mean 0, so their law is that of their
covariances, and it is enough to look at one pair of directions at a time. p and q are unit vectors, c = q W p^T known,
z a fresh N(0, sigma^2). Over what is not yet known; exact at every width: the ground of undrawn weights.

- c cos theta + z sin theta, at the angle theta to p, has variance sigma^2 (`answer`) and covariance sigma^2 cos theta
  with c (`answer_and_known`), as for W drawn.
- Products of one column with rows at an angle delta have covariance sigma^2 cos delta: none at a right angle
  (`orthogonal`).
- Mean squared gradient on the K open units of a state x, rho = <x W, d>:
  rho^2 / ||x||^2 + sigma^2 ||d||^2 (K - 1) (`open_square`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer, real
from theory.expectation import averaged, chi_square_moments
from theory.rules import substituting
from theory.symbols import SQUARE_NORM, VARIANCE

KNOWN, FRESH = sp.symbols("c z", real=True)
ANGLE = sp.Symbol("theta", real=True)
ENTRIES = {sp.Symbol(name, real=True): (1, 0, VARIANCE) for name in ("w_1", "w_2")}
ACTIVE = sp.Symbol("K", integer=True, positive=True)
INNER, SPREAD, REST = sp.Symbol("rho", real=True), sp.Symbol(r"\|d\|^2", nonnegative=True), sp.Symbol("T")
NORMALS = {KNOWN: (1, 0, VARIANCE), FRESH: (1, 0, VARIANCE)}


@cache
def answer() -> Derivation:
    """Derive the variance of a new answer qW in any direction, where another side's answer tells of one, p."""
    return (
        Derivation.begin(
            "Variance of an answer without entries",
            "In a direction at the angle theta to p, qW = (q W p^T) p + z (1 - p^T p) has the known c = q W p^T on p "
            "and a fresh normal z across.",
            (KNOWN * sp.cos(ANGLE) + FRESH * sp.sin(ANGLE)) ** 2,
        )
        .then(
            "Average over both, each of variance sigma^2 and independent.",
            VARIANCE * sp.cos(ANGLE) ** 2 + VARIANCE * sp.sin(ANGLE) ** 2,
            averaged(NORMALS),
        )
        .then("It is sigma^2 in every direction, as for W drawn.", VARIANCE)
    )


@cache
def answer_and_known() -> Derivation:
    """Derive the covariance of that answer with what is known."""
    return Derivation.begin(
        "Covariance of an answer without entries with what is known",
        "The answer at the angle theta to p, times the known c = q W p^T.",
        (KNOWN * sp.cos(ANGLE) + FRESH * sp.sin(ANGLE)) * KNOWN,
    ).then(
        "Average: sigma^2 times the cosine of the angle, as for W drawn.", VARIANCE * sp.cos(ANGLE), averaged(NORMALS)
    )


@cache
def orthogonal() -> Derivation:
    """Derive that products of one column of W with orthogonal rows are uncorrelated, and so independent."""
    first, second = ENTRIES
    row = sp.cos(ANGLE) * first + sp.sin(ANGLE) * second
    tilt = sp.Symbol("delta", real=True)
    turned = sp.cos(ANGLE + tilt) * first + sp.sin(ANGLE + tilt) * second
    return (
        Derivation.begin(
            "Covariance of two products with one matrix",
            "One column of W, times a unit row and another at the angle delta to it, in their plane.",
            row * turned,
        )
        .then(
            "Average over the entries.",
            VARIANCE * (sp.cos(ANGLE) * sp.cos(ANGLE + tilt) + sp.sin(ANGLE) * sp.sin(ANGLE + tilt)),
            averaged(ENTRIES),
        )
        .then("The bracket is the cosine of the angle between them.", VARIANCE * sp.cos(tilt))
        .then(
            "At a right angle nothing is left, which is what a fresh answer to a new row needs.",
            sp.S.Zero,
            substituting({tilt: sp.pi / 2}),
        )
    )


@cache
def open_square() -> Derivation:
    """Derive the mean squared gradient on the K open units of a state, given all norms."""
    return Derivation.begin(
        "Squared gradient on open units",
        "d W^T has the inner product rho = <x, d W^T> = <x W, d> with the state x, which is known, and orthogonally "
        "to x independent N(0, sigma^2 ||d||^2): T is chi-square with K - 1 degrees of freedom.",
        INNER**2 / SQUARE_NORM + VARIANCE * SPREAD * REST,
    ).then(
        "Average over T.",
        INNER**2 / SQUARE_NORM + VARIANCE * SPREAD * (ACTIVE - 1),
        averaged({REST: chi_square_moments(ACTIVE - 1)}),
    )


def gradient_square(inner: Value, square_norm: Value, variance: Value, spread: Value, active: Value) -> sp.Expr:
    """Return the mean squared norm of d W^T on the open units of a state x, given x W and d.

    Parameters
    ----------
    inner : number or symbol
        The inner product of x W and d.
    square_norm : number or symbol
        ||x||^2, not 0.
    spread : number or symbol
        ||d||^2.
    active : int or symbol
        Number of open units, of which x has all its weight.
    """
    return open_square().at(
        {
            INNER: real("inner", inner),
            SQUARE_NORM: positive("square_norm", square_norm),
            VARIANCE: nonnegative("variance", variance),
            SPREAD: nonnegative("spread", spread),
            ACTIVE: positive_integer("active", active),
        }
    )


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (answer, answer_and_known, orthogonal, open_square)
