"""Residual blocks whose branch ends with a ReLU, x' = x + eta relu(Wx), x >= 0: growth of first order in eta.

W is square with independent N(0, 2/n) entries (He), so relu(Wx) has on average the square norm of x. But its mean is
not 0, and x is not negative either, so the two do not average out. Hanin and Rolnick 2018 state their condition with
the sum of the scales eta_l, not of their squares, for such branches. c is ||x||_1 / (sqrt(n) ||x||_2). Over the weights
at fixed x; exact at every width, but for the bound.

- E relu(w.x) = ||x|| / sqrt(pi n) (`rectified_mean`).
- E||x'||^2 / ||x||^2 = 1 + 2 eta c / sqrt(pi) + eta^2 (`growth`).
- Var(||x'||^2 / ||x||^2) is at most 8 eta^2/n times that (`variance_bound`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import gaussian
from theory.rules import DerivationError, Rule, at_most, cited, equal, substituting
from theory.symbols import SQUARE_NORM, N, T
from theory.written_out import WrittenOut, at_sizes, rectified

ETA, FLATNESS = sp.symbols("eta c", nonnegative=True)
"""The scale of the branch, and ||x||_1 / (sqrt(n) ||x||_2): 1 for a flat x, 1 / sqrt(n) for one entry."""

OUTPUT, INNER, ENTRIES = sp.symbols(r"\|r\|^2 x^{T}r sum(x)", real=True)
STREAM, MASKS = sp.symbols("x_1:4", nonnegative=True), sp.symbols("d_1:4", nonnegative=True)
NORMALS, SPREAD = sp.symbols("t_1:4", real=True), sp.Symbol("s", positive=True)
VARIANCE_AFTER, AFTER = sp.Symbol(r"Var(\|x'\|^2)", nonnegative=True), sp.Symbol(r"\|x'\|^2", nonnegative=True)
relu = sp.Function("r", nonnegative=True)


@cache
def rectified_mean() -> Derivation:
    """Derive the mean of relu(z) for a pre-activation z of a He-initialised layer."""
    spread = sp.sqrt(2 * SQUARE_NORM / N)
    return Derivation.begin(
        "Mean of a rectified pre-activation",
        "A pre-activation of a He layer is spread t, t standard normal, with variance 2 ||x||^2 / n; its ReLU averages "
        "it over t > 0.",
        gaussian(spread * T, T, 0, sp.oo),
    ).then("Integrate.", sp.sqrt(SQUARE_NORM / (sp.pi * N)))


@cache
def growth() -> Derivation:
    """Derive E||x + eta relu(Wx)||^2 / ||x||^2 for x >= 0."""
    return (
        Derivation.begin(
            "Growth of the square norm with a ReLU at the end of the branch",
            "Expand ||x + eta r||^2, r = relu(Wx), and divide by ||x||^2.",
            (SQUARE_NORM + 2 * ETA * INNER + ETA**2 * OUTPUT) / SQUARE_NORM,
        )
        .then(
            "Average over W: the entries of r are independent rectified normals of variance 2 ||x||^2 / n.",
            (SQUARE_NORM + 2 * ETA * rectified_mean().result * ENTRIES + ETA**2 * SQUARE_NORM) / SQUARE_NORM,
            at_sizes(_rectified_block, (1,), (2,), (3,)),
        )
        .then(
            "The sum of the entries of x is c sqrt(n) ||x||: width and norm cancel.",
            1 + 2 * ETA * FLATNESS / sp.sqrt(sp.pi) + ETA**2,
            substituting({ENTRIES: FLATNESS * sp.sqrt(N * SQUARE_NORM)}),
        )
    )


def _rectified_block(width: int) -> WrittenOut:
    x, r = (sp.symbols(f"{name}_1:{width + 1}", positive=True) for name in "xr")
    norm = sp.Add(*(entry**2 for entry in x))
    stands_for = {
        SQUARE_NORM: norm,
        ENTRIES: sp.Add(*x),
        INNER: sp.Add(*(a * b for a, b in zip(x, r, strict=True))),
        OUTPUT: sp.Add(*(entry**2 for entry in r)),
        N: sp.Integer(width),
    }
    return WrittenOut(stands_for, [rectified(2 * norm / width)(entry) for entry in r])


@cache
def variance_bound() -> Derivation:
    """Derive a bound of the variance of ||x'||^2 over ||x||^4, as a multiple of ||x'||^2 over ||x||^2, for 3 units.

    More units add terms of the same kind.
    """
    after = [x + ETA * SPREAD * relu(t) for x, t in zip(STREAM, NORMALS, strict=True)]
    square = sum(entry**2 for entry in after)
    slopes = [sp.diff(square, t).subs(sp.diff(relu(t), t), mask) for t, mask in zip(NORMALS, MASKS, strict=True)]
    dead = sum(4 * ETA**2 * SPREAD**2 * entry**2 * (1 - mask**2) for entry, mask in zip(after, MASKS, strict=True))
    bound = 4 * ETA**2 * SPREAD**2 * square
    return (
        Derivation.begin(
            "Variance of the square norm with a ReLU at the end of the branch",
            "x'_i = x_i + eta spread relu(t_i), t_i standard normal, spread^2 = 2 ||x||^2 / n.",
            VARIANCE_AFTER,
        )
        .then(
            "The variance of a function of standard normals is at most the mean square of its gradient, whose squares "
            "are these; d_i, 0 or 1, is the slope of relu(t_i).",
            at_most(VARIANCE_AFTER, sum(slope**2 for slope in slopes)),
            cited("Gaussian Poincaré inequality"),
        )
        .then(
            "Dead units add nothing: with all alive it is a multiple of ||x'||^2.",
            at_most(VARIANCE_AFTER, bound),
            _adding(dead),
        )
        .then(
            "Put the spread in and divide by ||x||^4: a multiple of ||x'||^2 / ||x||^2.",
            8 * ETA**2 / N * (AFTER / SQUARE_NORM),
            lambda before, now: equal(
                (before.rhs / square * AFTER / SQUARE_NORM**2).subs(SPREAD, sp.sqrt(2 * SQUARE_NORM / N)), now
            ),
        )
    )


def _adding(dead: sp.Expr) -> Rule:
    """Return the rule: the bound is the previous one plus `dead`, whose terms are not negative for masks of 0 or 1."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        for masks in product((0, 1), repeat=len(MASKS)):
            put = dict(zip(MASKS, masks, strict=True))
            if not dead.subs(put).is_nonnegative:
                raise DerivationError(f"{dead} may be negative at the masks {masks}")
        return equal(at_most(before.lhs, before.rhs + dead), now)

    return rule


def block_growth(scale: Value, flatness: Value) -> sp.Expr:
    """Return E||x + eta relu(Wx)||^2 / ||x||^2 for x >= 0, W Gaussian with variance 2/n, at any n; exact.

    Raises
    ------
    ValueError
        If `scale` is negative or `flatness`, which is ||x||_1 / (sqrt(n) ||x||_2), lies outside 0 to 1.
    """
    flatness = nonnegative("flatness", flatness)
    if (flatness - 1).is_positive and flatness.is_number and float(flatness) > 1 + 1e-12:  # rounding is forgiven
        raise ValueError(f"flatness is {flatness}; expected a number from 0 to 1")
    return growth().at(eta=nonnegative("scale", scale), c=flatness)


def relative_variance_bound(scale: Value, width: Value) -> sp.Expr:
    """Return a bound of Var(R) / E R for R = ||x'||^2 / ||x||^2 at a fixed x >= 0: 8 eta^2 / n."""
    return variance_bound().at(
        {AFTER: SQUARE_NORM},
        eta=nonnegative("scale", scale),
        n=positive_integer("width", width),
    )


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (rectified_mean, growth, variance_bound)
