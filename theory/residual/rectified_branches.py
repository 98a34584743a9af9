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

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import averaged, gaussian
from theory.plain import norms as plain
from theory.symbols import SQUARE_NORM, N, T

ETA, FLATNESS = sp.symbols("eta c", nonnegative=True)
"""The scale of the branch, and ||x||_1 / (sqrt(n) ||x||_2): 1 for a flat x, 1 / sqrt(n) for one entry."""


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
    output, inner = sp.symbols(r"\|r\|^2 x^{T}r", real=True)
    entries = FLATNESS * sp.sqrt(N * SQUARE_NORM)
    aligned = rectified_mean().result * entries
    return (
        Derivation.begin(
            "Growth of the square norm with a ReLU at the end of the branch",
            "Expand ||x + eta r||^2, r = relu(Wx), and divide by ||x||^2.",
            (SQUARE_NORM + 2 * ETA * inner + ETA**2 * output) / SQUARE_NORM,
        )
        .then(
            "Average over W: every entry of r has the same mean, so x.r has that times the sum of the entries of x, "
            "which is c sqrt(n) ||x||; a He layer with n units keeps the mean square norm.",
            (SQUARE_NORM + 2 * ETA * aligned + ETA**2 * plain.layer_factor(N, 2 / N) * SQUARE_NORM) / SQUARE_NORM,
            averaged({inner: (1, aligned), output: (1, plain.layer_factor(N, 2 / N) * SQUARE_NORM)}),
        )
        .then("Width and norm cancel.", 1 + 2 * ETA * FLATNESS / sp.sqrt(sp.pi) + ETA**2)
    )


@cache
def variance_bound() -> Derivation:
    """Derive a bound of the variance of ||x'||^2 over ||x||^4, as a multiple of the mean of ||x'||^2 over ||x||^2."""
    output = sp.Symbol(r"\|x'\|^2", nonnegative=True)
    spread = 2 * SQUARE_NORM / N
    return Derivation.begin(
        "Variance of the square norm with a ReLU at the end of the branch",
        "Gaussian Poincare inequality: the variance is at most the mean squared gradient of ||x'||^2 in the standard "
        "normals t_i, sum of (2 x'_i eta spread 1[t_i > 0])^2, so at most 4 eta^2 spread^2 ||x'||^2; over ||x||^4.",
        4 * ETA**2 * spread * output / SQUARE_NORM**2,
    ).then("Put the spread in: a multiple of the growth.", 8 * ETA**2 / N * (output / SQUARE_NORM))


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
        {sp.Symbol(r"\|x'\|^2", nonnegative=True): SQUARE_NORM},
        eta=nonnegative("scale", scale),
        n=positive_integer("width", width),
    )


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (rectified_mean, growth, variance_bound)
