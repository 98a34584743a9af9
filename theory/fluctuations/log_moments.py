"""The logarithm of ||x_L||^2 of Gaussian ReLU nets: nearly normal in depth, with exact mean, variance and kurtosis.

log ||x_L||^2 is a sum of independent terms log r_l, one a layer (`theory.fluctuations.norms`), given that the net is
alive; their cumulants add, so the sum tends to the normal law in depth. n_l are the widths, beta = 5 sum 1/n_l. Over
the weights; mean, variance and fourth cumulant are exact at every width.

- E (log r - lambda)^4 of a layer as a binomial mean of polygammas (`fourth_central`), from which follows the fourth
  cumulant of the net (`log_fourth_cumulant`).
- Var log r = 5/n to leading order (`wide_variance`): the variance tends to beta (`leading_beta`) and the mean to
  -beta/2, as of a log-normal variable of mean 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import averaged, chi_square, mean
from theory.fluctuations import norms as fluctuations
from theory.fluctuations.norms import K
from theory.rules import differentiated, leading, substituting, termwise
from theory.symbols import EPSILON, ORDER, N

SHIFT = sp.Symbol("lambda", real=True)


@cache
def fourth_central() -> Derivation:
    """Derive E(log r - lambda)^4 of a ReLU layer, given that a unit is active, for any number lambda."""
    weight = sp.binomial(N, K) / (2**N - 1)
    centre = sp.digamma(K / 2) + sp.log(4 / N) - SHIFT
    spread, third, fourth = (sp.polygamma(order, K / 2) for order in (1, 2, 3))
    given_mask = centre**4 + 6 * centre**2 * spread + 4 * centre * third + 3 * spread**2 + fourth

    def over_masks(before: sp.Basic, now: sp.Basic) -> str:
        return termwise()(sp.Sum(weight * before, (K, 1, N)), now)

    return (
        Derivation.begin(
            "Fourth central moment of the logarithm of a ReLU layer",
            "The Mellin transform E (r / exp lambda)^a given k active units: r = (2/n) T, T chi-square.",
            (2 * sp.exp(-SHIFT) / N) ** ORDER * chi_square().at(k=K, a=ORDER),
        )
        .then(
            "Its fourth derivative at a = 0, in terms of the derivatives of log gamma.",
            given_mask,
            differentiated(ORDER, sp.S.Zero, 4, sp.S.One),
        )
        .then(
            "Average over the masks, given that at least one unit is active.",
            sp.Sum(weight * given_mask, (K, 1, N)),
            over_masks,
        )
    )


@cache
def wide_variance() -> Derivation:
    """Derive the leading order of Var log r of a ReLU layer as the width grows."""
    r = sp.Symbol("r", positive=True)
    moments = [sp.S.One, *(fluctuations.ratio_moment(order).result for order in range(1, 5))]
    square = sp.expand((r - 1) ** 2 - (r - 1) ** 3 + sp.Rational(11, 12) * (r - 1) ** 4)
    squared_mean = mean((r - 1) - (r - 1) ** 2 / 2 + (r - 1) ** 3 / 3 - (r - 1) ** 4 / 4, {r: moments}) ** 2
    average = sp.expand(mean(square, {r: moments}) - squared_mean)
    return (
        Derivation.begin(
            "Variance of the logarithm of a wide ReLU layer",
            "The square of log r around 1, to fourth order, less the squared mean; the mean of every later term is of "
            "order 1/n^3 or less.",
            square - squared_mean,
        )
        .then("Average with the exact moments of r.", average, averaged({r: moments}))
        .then("Write the width as 1/epsilon.", sp.expand(average.subs(N, 1 / EPSILON)), substituting({N: 1 / EPSILON}))
        .then("Keep the first order.", 5 * EPSILON, leading(EPSILON, 1))
        .then("Put the width back.", 5 / N, substituting({EPSILON: 1 / N}))
    )


def log_mean(widths: Sequence[Value]) -> sp.Expr:
    """Return E log(||x_L||^2 / E||x_L||^2) of a Gaussian ReLU net, given that it is alive. Exact."""
    return _added(fluctuations.relu_lyapunov, widths)


def log_variance(widths: Sequence[Value]) -> sp.Expr:
    """Return Var log ||x_L||^2 of a Gaussian ReLU net, given that it is alive. Exact."""
    return _added(fluctuations.relu_log_variance, widths)


def log_fourth_cumulant(widths: Sequence[Value]) -> sp.Expr:
    """Return the fourth cumulant of log ||x_L||^2 of a Gaussian ReLU net, given that it is alive. Exact."""
    return _added(_fourth_cumulant, widths)


def _fourth_cumulant(width: Value) -> sp.Expr:
    around = fourth_central().at(n=positive_integer("width", width)).doit()
    return around.subs(SHIFT, fluctuations.relu_lyapunov(width)) - 3 * fluctuations.relu_log_variance(width) ** 2


def _added(cumulant: Callable[[Value], sp.Expr], widths: Sequence[Value]) -> sp.Expr:
    return sum((count * cumulant(width) for width, count in Counter(widths).items()), sp.S.Zero)


def leading_beta(widths: Sequence[Value]) -> sp.Expr:
    """Return beta = 5 sum 1/n: to leading order in 1/n the variance of log ||x_L||^2 and -2 times its mean.

    Of the variance the error of a layer is below 40/n^2, of the mean below 6/n^2 (computed for widths up to 1,000).
    """
    return _added(lambda n: wide_variance().at(n=positive_integer("widths", n)), widths)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (fourth_central, wide_variance)
