"""The law of total variance for x' = x + F, and branches that end in ReLU, whose conditional mean is not zero.

Of one coordinate, over the weights and, if it is random, over x. Exact at every width n.

- Var(x + F) = Var(x) + E[Var(F|x)] + Var(E[F|x]) + 2 Cov(x, E[F|x]) (`total`); the last two vanish if E[F|x] = 0
  (`centred`).
- For F = eta relu(Wx), W Gaussian of variance 2/n, mean and variance given x (`relu_branch_conditional_mean`,
  `relu_branch_conditional_variance`); `theory.residual.rectified_branches` has the growth of its norm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer, real
from theory.expectation import averaged
from theory.layer import rectifiers
from theory.rules import substituting

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


def _pre_activation(square_norm: Value, width: Value) -> sp.Expr:
    return 2 * nonnegative("square_norm", square_norm) / positive_integer("width", width)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (total, centred)
