"""The law of total variance for x' = x + F, and branches that end in ReLU, whose conditional mean is not zero.

Of one coordinate, over the weights and, if it is random, over x. Exact at every width n.

- Var(x + F) = Var(x) + E[Var(F|x)] + Var(E[F|x]) + 2 Cov(x, E[F|x]) (`total`); the last two vanish if E[F|x] = 0
  (`centred`).
- F = eta relu(Wx), W Gaussian of variance 2/n: E||x + F||^2 / ||x||^2 = 1 + 2 eta c / sqrt(pi) + eta^2, c the cosine of
  the angle between x and the vector of ones (`relu_branch`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer, real
from theory.expectation import averaged
from theory.layer import rectifiers
from theory.rules import Rule, equal, substituting
from theory.symbols import ETA, SQUARE_NORM, N

SPREAD, CONDITIONAL, OF_MEAN, COVARIANCE = (
    sp.Symbol(name, real=True) for name in ("Var(x)", "E[Var(F|x)]", "Var(E[F|x])", "Cov(x,E[F|x])")
)


@cache
def total() -> Derivation:
    """Derive Var(x + F) from first and second moments, for any branch whose law depends on x."""
    x, f, noise, v = sp.symbols("x f e v", real=True)
    xx, xf, ff = sp.symbols("E[x^2] E[xf] E[f^2]", real=True)
    mean_x, mean_f = sp.symbols("E[x] E[f]", real=True)
    squared_mean = (mean_x + mean_f) ** 2
    raw = {x**2: xx, x * f: xf, f**2: ff, v: CONDITIONAL}
    centred = {xx: SPREAD + mean_x**2, ff: OF_MEAN + mean_f**2, xf: COVARIANCE + mean_x * mean_f}
    return (
        Derivation.begin(
            "Law of total variance for a residual block",
            "Write F = f + e with f = E[F|x]; the variance of x + F is the mean of its square less its squared mean.",
            (x + f + noise) ** 2 - squared_mean,
        )
        .then(
            "Average over the branch at fixed x: e has mean 0 and variance v = Var(F|x).",
            (x + f) ** 2 + v - squared_mean,
            averaged({noise: (1, 0, v)}),
        )
        .then(
            "Average over x, which is linear in x^2, x f, f^2 and v.",
            xx + 2 * xf + ff + CONDITIONAL - squared_mean,
            lambda before, now: substituting(raw)(sp.expand(before), now),
        )
        .then(
            "Second moments are variances and covariances plus products of means, which cancel.",
            SPREAD + CONDITIONAL + OF_MEAN + 2 * COVARIANCE,
            substituting(centred),
        )
    )


@cache
def centred() -> Derivation:
    """Derive the case of a branch with zero conditional mean."""
    return Derivation.begin(
        "Law of total variance, zero conditional mean", "The law of total variance for x + F.", total().result
    ).then(
        "If E[F|x] = 0 its variance and covariance vanish: the variance of x never decreases.",
        SPREAD + CONDITIONAL,
        substituting({OF_MEAN: 0, COVARIANCE: 0}),
    )


@cache
def relu_branch() -> Derivation:
    """Derive E||x + F||^2 / ||x||^2 for F = eta relu(Wx), W Gaussian of variance 2 / width, x fixed."""
    absolute, cosine = sp.symbols("sum(x) c", positive=True)
    pre = 2 * SQUARE_NORM / N
    first, second = ETA * rectifiers.relu_mean(pre), ETA**2 * rectifiers.relu_second_moment(pre)
    inner, square = sp.symbols(r"x^{T}F \|F\|^2", real=True)
    return (
        Derivation.begin("Growth of a block that ends in ReLU", "Expand ||x + F||^2.", SQUARE_NORM + 2 * inner + square)
        .then(
            "Average over W: every entry of F has the same mean, so x^T F is the sum of x times it.",
            SQUARE_NORM + 2 * absolute * first + N * second,
            averaged({inner: (1, absolute * first), square: (1, N * second)}),
        )
        .then(
            "The sum of x is c sqrt(n) ||x||, with c between 0 and 1 for x that comes out of a ReLU.",
            SQUARE_NORM * (1 + 2 * ETA * cosine / sp.sqrt(sp.pi) + ETA**2),
            substituting({absolute: cosine * sp.sqrt(N * SQUARE_NORM)}),
        )
        .then("Divide by the square norm.", 1 + 2 * ETA * cosine / sp.sqrt(sp.pi) + ETA**2, _divided_by(SQUARE_NORM))
    )


def _divided_by(norm: sp.Symbol) -> Rule:
    return lambda before, now: equal(before / norm, now)


def total_variance(
    variance: Value, mean_conditional_variance: Value, variance_of_mean: Value = 0, covariance: Value = 0
) -> sp.Expr:
    """Return Var(x + F) = E[Var(F|x)] + Var(x + E[F|x]), one coordinate, over the weights and, if it is random, over x.

    The arguments are Var(x), E[Var(F|x)], Var(E[F|x]) and Cov(x, E[F|x]); the last two vanish if the branch has mean 0
    given x. Exact.
    """
    values = {
        SPREAD: nonnegative("variance", variance),
        CONDITIONAL: nonnegative("mean_conditional_variance", mean_conditional_variance),
        OF_MEAN: nonnegative("variance_of_mean", variance_of_mean),
        COVARIANCE: real("covariance", covariance),
    }
    return total().at(values)


def relu_branch_conditional_mean(branch_scale: Value, square_norm: Value, width: Value) -> sp.Expr:
    """Return E[F_i | x] of one coordinate of F = branch_scale * relu(Wx), W Gaussian of variance 2 / width.

    `square_norm` is ||x||^2. Exact.
    """
    return real("branch_scale", branch_scale) * rectifiers.relu_mean(_pre_activation(square_norm, width))


def relu_branch_conditional_variance(branch_scale: Value, square_norm: Value, width: Value) -> sp.Expr:
    """Return Var(F_i | x) of one coordinate of F = branch_scale * relu(Wx), W Gaussian of variance 2 / width. Exact."""
    return real("branch_scale", branch_scale) ** 2 * rectifiers.relu_variance(_pre_activation(square_norm, width))


def relu_branch_growth(branch_scale: Value, cosine: Value) -> sp.Expr:
    """Return E||x + F||^2 / ||x||^2 = 1 + 2 eta c / sqrt(pi) + eta^2 for F = eta relu(Wx).

    W is Gaussian of variance 2 / width; `cosine` is that of the angle between x and the vector of ones, sum(x) over
    sqrt(width) ||x||. Exact at a fixed x.

    Raises
    ------
    ValueError
        If `branch_scale` is not positive or `cosine` is outside [-1, 1].
    """
    c = real("cosine", cosine)
    if (1 - abs(c)).is_negative:
        raise ValueError(f"cosine is {cosine}; expected a number from -1 to 1")
    return relu_branch().at(eta=positive("branch_scale", branch_scale), c=c)


def _pre_activation(square_norm: Value, width: Value) -> sp.Expr:
    return 2 * nonnegative("square_norm", square_norm) / positive_integer("width", width)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (total, centred, relu_branch)
