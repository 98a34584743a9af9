"""How the norm of a plain net fluctuates at finite width: its relative variance and its typical size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise

import numpy as np
import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, LeakyReLU, he, lecun, measure, mlp, rademacher
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.expectation import fourth_central_moment
from theory.fluctuations import norms as fluctuations
from theory.plain import norms as plain


def _ratios(run: Run, widths: tuple[int, ...], init: Initialiser, draws: int, slope: float = 0.0) -> Array:
    """Squared norm after each layer over that before, over its mean; NaN above a dead layer, (draws, layers)."""
    network = mlp(widths, init=init, activation=LeakyReLU(slope))
    norms = measure(network, run.inputs.narrowed(widths[0]), draws=draws, rng=run.rng("ratios", *widths)).square_norms
    ratios = np.full((len(norms), len(widths) - 1), np.nan)
    np.divide(norms[:, 1:], norms[:, :-1], out=ratios, where=norms[:, :-1] > 0)
    return ratios / [
        number(plain.layer_factor(n, init.scale**2 * init.variance(previous, n), slope))
        for previous, n in pairwise(widths)
    ]


def _relative_variance(width: int, previous: int) -> sp.Expr:
    return fluctuations.relative_variance([width])


@claim(
    "C3",
    paper=HANIN,
    where="Hanin & Rolnick, theorem 5; exact form derived here",
    states=r"\frac{\mathbb E\|x_L\|^4}{(\mathbb E\|x_L\|^2)^2}=\prod_{l=1}^{L}\Bigl(1+\frac5{n_l}\Bigr)",
    derivation=[partial(fluctuations.ratio_moment, order) for order in (2, 4)],
    mutants=[
        mutant(
            "2 / n",
            "The chi-square fluctuation of a linear layer, without that of the number of active units and their "
            "halving.",
            relative_variance=lambda width, previous: sp.Rational(2, width),
        ),
        mutant(
            "6 / n",
            "The fourth moments of n units give 6/n; the squares of their mean squares, 1/n, were not taken away.",
            relative_variance=lambda width, previous: sp.Rational(6, width),
        ),
        mutant(
            "3 / n",
            "The kurtosis of the pre-activation taken for that of the rectified unit.",
            relative_variance=lambda width, previous: sp.Rational(3, width),
        ),
        mutant(
            "the layer below",
            "The fluctuation comes from the units summed over, n_l, not from the fan-in n_{l-1}.",
            relative_variance=lambda width, previous: fluctuations.relative_variance([previous]),
        ),
        mutant(
            "independent of depth",
            "Fluctuations of order 1/n in each layer multiply up; depth is not free.",
            product=lambda widths: 1 + max(fluctuations.relative_variance([width]) for width in widths),
        ),
        mutant(
            "random signs for weights",
            "Means do not depend on the law of the weights, fluctuations do.",
            init=he.with_law(rademacher),
        ),
    ],
)
def relative_variance_of_the_norm(
    run: Run,
    *,
    relative_variance: Callable[[int, int], sp.Expr] = _relative_variance,
    product: Callable[[Sequence[int]], sp.Expr] = fluctuations.fourth_moment_ratio,
    init: Initialiser = he,
) -> Finding:
    """Every ReLU layer adds 5/n to the relative variance of the squared norm, and the factors 1 + 5/n multiply.

    Averages over Gaussian weights at fixed input; exact at finite width. The per-layer variance is pooled over two
    uneven layers, the product is tested over three.
    """
    run, widths, wide = run.share(2), (6, 4, 3), (4, 12, 9, 15)
    variance = max(number(_fourth_central(n) / fluctuations.relative_variance([n]) ** 2) - 1 for n in widths[1:])
    one = run.mean(1, variance=variance, error=0.02)
    # A layer of 4 dies in a sixteenth of the draws, which have no second ratio: the mean stands in, so that the number
    # of samples is fixed in advance.
    draws = int(1.05 * one.draws / (len(widths) - 1))
    squares = (run.once(_ratios, widths, init, draws) - 1) ** 2 / [
        number(fluctuations.relative_variance([n])) for n in widths[1:]
    ]
    alive = np.isfinite(squares)
    claimed = [number(relative_variance(n, m) / fluctuations.relative_variance([n])) for m, n in pairwise(widths)]
    truth = number(fluctuations.fourth_moment_ratio(wide[1:]))
    spread = number(sp.prod(fluctuations.relu_ratio_moment(4, n) for n in wide[1:])) - truth**2
    whole = run.mean(truth, variance=spread, error=0.1)
    products = np.nan_to_num(np.prod(run.once(_ratios, wide, init, whole.draws), axis=1)) ** 2
    return all_of(
        [
            one(np.where(alive, squares, 1.0).ravel(), expected=np.where(alive, claimed, 1.0).mean()),
            whole(products, expected=product(wide[1:])),
        ]
    )


def _fourth_central(width: int) -> sp.Expr:
    second, third, fourth = (fluctuations.relu_ratio_moment(order, width) for order in (2, 3, 4))
    return fourth_central_moment(1, second, third, fourth)


@claim(
    "C8",
    paper=HANIN,
    where="Hanin & Rolnick, section 3; exact form derived here",
    states=r"\mathbb E\log\frac{\|x_l\|^2}{\|x_{l-1}\|^2}=\psi\bigl(\tfrac n2\bigr)+\log\tfrac2n\ "
    r"\text{(linear)},\qquad"
    r"\sum_{k\ge1}\frac{\binom nk}{2^n-1}\Bigl[\psi\bigl(\tfrac k2\bigr)+\log\tfrac4n\Bigr]\ \text{(ReLU, alive)}",
    derivation=[
        fluctuations.linear_logarithm,
        fluctuations.relu_logarithm,
        fluctuations.linear_spread,
        fluctuations.relu_squared_logarithm,
    ],
    mutants=[
        mutant(
            "zero",
            "The logarithm of the mean, which He's factor makes zero, taken for the mean of the logarithm.",
            relu_exponent=lambda n: sp.Integer(0),
        ),
        mutant(
            "leading order",
            "-5 / (2n) is the limit for wide layers; at width 10 it is a fifth too small.",
            relu_exponent=fluctuations.relu_lyapunov_leading,
        ),
        mutant(
            "the linear exponent",
            "A ReLU layer loses more than a linear one: the number of active units fluctuates too.",
            relu_exponent=fluctuations.linear_lyapunov,
        ),
        mutant("no rectifier", "Linear layers where the claim is made for ReLU.", slope=1.0),
    ],
)
def typical_growth_is_negative(
    run: Run,
    *,
    linear_exponent: Callable[[int], sp.Expr] = fluctuations.linear_lyapunov,
    relu_exponent: Callable[[int], sp.Expr] = fluctuations.relu_lyapunov,
    slope: float = 0.0,
) -> Finding:
    """The mean logarithm of the squared norm falls in every layer, though its mean is preserved.

    Averages over Gaussian weights at fixed input, given that the layer is alive; exact at finite width. Width 10
    (ReLU) and 4 (linear).
    """
    run, layers, findings = run.share(2), 4, []
    for width, simulated, init, exponent, truth, spread in (
        (10, slope, he, relu_exponent, fluctuations.relu_lyapunov(10), fluctuations.relu_log_variance(10)),
        (4, 1.0, lecun, linear_exponent, fluctuations.linear_lyapunov(4), fluctuations.linear_log_variance(4)),
    ):
        test = run.mean(truth, variance=spread, error=0.05)
        ratios = run.once(_ratios, (width,) * (layers + 1), init, int(1.02 * test.draws / layers), simulated)
        logs = np.log(ratios[ratios > 0])  # given which layers are alive, independent, each of the law given alive
        findings.append(test(logs, expected=exponent(width)))
    return all_of(findings)
