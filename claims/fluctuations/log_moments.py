"""What becomes of one deep ReLU net at initialisation, rather than of the mean: its typical size, and its death."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU, gaussian, he, measure, mlp, uniform
from simulations.engines.record import Record
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Law
from theory.domain import number
from theory.fluctuations import dying, log_moments
from theory.fluctuations import norms as fluctuations


def _net(run: Run, widths: Sequence[int], law: Law, slope: float, bias: float | None, draws: int) -> Record:
    network = mlp(widths, init=he.with_law(law), activation=LeakyReLU(slope), bias_deviation=bias)
    return measure(
        network,
        run.inputs.narrowed(widths[0]),
        draws=draws,
        rng=run.rng("net", law.__name__),
        extras=("variances", "active"),
    )


NARROW = (3, 2, 2)


@cache
def _dead() -> float:
    return number(dying.dead_probability(NARROW))


@claim(
    "C9",
    paper=HANIN,
    where="exact form derived here",
    states=r"P(x_L=0)=1-\prod_{l=1}^{L}\bigl(1-2^{-n_l}\bigr)",
    derivation=dying.DERIVATIONS,
    mutants=[
        mutant(
            "a sum",
            "The layers' probabilities added: a net that died in one layer is counted again in the next.",
            probability=lambda widths: sum(sp.Rational(1, 2**n) for n in widths),
        ),
        mutant(
            "the narrowest layer",
            "The bottleneck alone; every other layer can die as well.",
            probability=lambda widths: sp.Rational(1, 2 ** min(widths)),
        ),
        mutant(
            "independent of width",
            "One unit's 1/2 for the layer's 2^-n: all units must be inactive at once.",
            probability=lambda widths: 1 - sp.Rational(1, 2 ** len(widths)),
        ),
        mutant("biases", "A bias revives a layer above a dead one, so only the last layer counts.", bias=1.0),
        mutant("a leak", "A leaky ReLU passes negative pre-activations on and never dies.", slope=0.01),
    ],
)
def nets_die(
    run: Run,
    *,
    probability: Callable[[Sequence[int]], sp.Expr] = dying.dead_probability,
    bias: float | None = None,
    slope: float = 0.0,
) -> Finding:
    """A ReLU net is dead at initialisation unless every layer has an active unit: a product over its layers.

    The probability is over weights at a fixed input other than 0; exact at any width for any continuous symmetric law
    (normal and uniform here), without biases. Widths 3, 2, 2.
    """
    test, findings = run.share(2).count(_dead(), error=0.035), []
    claimed = _dead() if probability is dying.dead_probability else probability(NARROW)
    for law in (gaussian, uniform):
        active = run.once(_net, (3, *NARROW), law, slope, bias, test.trials).active[:, -1]
        findings.append(test(int((active == 0).sum()), len(active), expected=claimed))
    return all_of(findings)


WIDTHS = (6,) * 4


@cache
def _cumulants() -> tuple[float, float, float]:
    """The mean, variance and fourth cumulant of log ||x_L||^2, given that the net is alive."""
    exact = (log_moments.log_mean, log_moments.log_variance, log_moments.log_fourth_cumulant)
    mean_, variance, fourth = (number(cumulant(WIDTHS)) for cumulant in exact)
    return mean_, variance, fourth


@claim(
    "C7",
    paper=HANIN,
    where="Hanin & Nica 2020 for the limit; exact form derived here",
    states=r"\mathbb E\log\frac{\|x_L\|^2}{\|x_0\|^2}=\sum_l\lambda(n_l)\approx-\tfrac\beta2,\qquad"
    r"\operatorname{Var}\log\|x_L\|^2=\sum_l v(n_l)\approx\beta,\qquad\beta=5\sum_l\tfrac1{n_l}",
    derivation=[
        fluctuations.relu_logarithm,
        fluctuations.relu_squared_logarithm,
        fluctuations.relu_logarithm_wide,
        *log_moments.DERIVATIONS,
    ],
    mutants=[
        mutant(
            "median = mean",
            "The mean is kept, but by rare large draws: the typical logarithm is far below 0.",
            typical=lambda widths: sp.Integer(0),
        ),
        mutant(
            "leading order",
            "beta = 5 sum 1/n is the limit for wide layers; at width 6 the spread is far larger.",
            spread=log_moments.leading_beta,
        ),
        mutant(
            "2 sum 1/n",
            "The spread of linear layers to leading order, without that of the numbers of active units.",
            spread=lambda widths: sum(sp.Rational(2, n) for n in widths),
        ),
        mutant(
            "fitted to the moments",
            "The logarithm of E||x||^4 / (E||x||^2)^2, which is the spread of an exactly log-normal variable.",
            spread=lambda widths: sp.log(fluctuations.fourth_moment_ratio(widths)),
        ),
        mutant("no rectifier", "Linear layers where the claim is made for ReLU.", slope=1.0),
    ],
)
def log_norm_is_typical(
    run: Run,
    *,
    typical: Callable[[Sequence[int]], sp.Expr] = log_moments.log_mean,
    spread: Callable[[Sequence[int]], sp.Expr] = log_moments.log_variance,
    slope: float = 0.0,
) -> Finding:
    """The logarithm of the squared norm drifts down and spreads in every layer, though the mean norm is kept.

    Averages over Gaussian weights at fixed input, given that the net is alive; mean and variance are tested, and exact
    at any width (here four layers of 6). Only their leading orders -beta/2 and beta, as of a log-normal variable, and
    normality itself are asymptotic; neither is tested. The variance of the squared deviation is exact.
    """
    run, (drift, variance, fourth) = run.share(2), _cumulants()
    mean = run.mean(drift, variance=variance, error=0.08)
    square = run.mean(variance, variance=fourth + 2 * variance**2, error=0.08)
    draws = int(1.1 * max(mean.draws, square.draws))  # one net in 16 is dead
    logs = _logs(run.once(_net, (WIDTHS[0], *WIDTHS), gaussian, slope, None, draws))
    return all_of(
        [
            mean(logs, expected=drift if typical is log_moments.log_mean else typical(WIDTHS)),
            square((logs - drift) ** 2, expected=variance if spread is log_moments.log_variance else spread(WIDTHS)),
        ]
    )


def _logs(record: Record) -> Array:
    alive = record.active[:, -1] > 0
    logs: Array = np.log(record.square_norms[alive, -1] / record.square_norms[alive, 0])
    return logs
