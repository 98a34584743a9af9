"""One linear layer: what it does to the second moment, and what the parameters of an entry law mean."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import GLOROT, LECUN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, gaussian, lecun, measure, mlp, rademacher, uniform
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Law, truncated_gaussian
from theory.domain import number
from theory.layer import one_layer

FAN_IN, FAN_OUT = 8, 6


def _rows(run: Run) -> Array:
    """Absolute values of real rows averaged down to FAN_IN features: inputs that are correlated and have a mean."""
    return np.abs(run.inputs.narrowed(FAN_IN))


def _layer_norms(run: Run, init: Initialiser, draws: int) -> Array:
    """Squared norms before and after one layer, (draws, 2)."""
    network = mlp([FAN_IN, FAN_OUT], init=init, activation=None)
    return measure(network, _rows(run), draws=draws, rng=run.rng("layer")).square_norms


def _second_moment(fan_in: int, fan_out: int, variance: float, rows: Array) -> sp.Expr:
    """The claim as it is; a mutant may look at the fans or at the inputs in another way."""
    return one_layer.second_moment(fan_out, variance, 1)


@claim(
    "A1",
    paper=LECUN,
    where="section 4.6",
    states=r"\mathbb E\|Wx\|^2 = n_{\mathrm{out}}\,\sigma^2\,\|x\|^2",
    derivation=one_layer.linear_layer,
    mutants=[
        mutant(
            "fan-in for fan-out",
            "Summing over the layer's outputs gives n_out terms; n_in enters only per unit, when inputs have a "
            "common second moment.",
            second_moment=lambda fan_in, fan_out, variance, rows: one_layer.second_moment(fan_in, variance, 1),
        ),
        mutant(
            "standard deviation for variance",
            "A weight enters squared, so its variance counts, not its standard deviation.",
            second_moment=lambda fan_in, fan_out, variance, rows: one_layer.second_moment(
                fan_out, float(np.sqrt(variance)), 1
            ),
        ),
        mutant(
            "variance of the input for its second moment",
            "Inputs with a mean (images, outputs of a ReLU) carry it into the pre-activation: E x^2 counts, not Var x.",
            second_moment=lambda fan_in, fan_out, variance, rows: one_layer.second_moment(
                fan_out, variance, float(np.mean(rows.var(axis=1) / np.mean(rows**2, axis=1)))
            ),
        ),
        mutant(
            "weights with a mean",
            "Entries that share an offset are correlated through it: the offsets add up before they are squared.",
            laws=(lambda rng, shape: rng.standard_normal(shape) + 1, uniform, rademacher),
        ),
    ],
)
def linear_second_moment(
    run: Run,
    *,
    second_moment: Callable[[int, int, float, Array], sp.Expr] = _second_moment,
    laws: tuple[Law, ...] = (gaussian, uniform, rademacher),
) -> Finding:
    """A linear layer multiplies the squared norm by n_out times the weights' variance.

    Averages over weights at fixed input; exact at every width, for correlated inputs with a mean, and for every entry
    law with mean 0 and uncorrelated entries. For Gaussian weights the law is chi-square; for others the mean is
    tested, with the Gaussian variance, which bounds theirs because their kurtosis is below 3.
    """
    run, expected = run.share(3), number(second_moment(FAN_IN, FAN_OUT, 1 / FAN_IN, _rows(run)))
    law = run.chi_square(FAN_OUT, error=0.02)
    norms = run.once(_layer_norms, lecun.with_law(laws[0]), law.draws)
    findings = [law(norms[:, 1] / norms[:, 0] * FAN_OUT / expected)]
    mean = run.mean(FAN_OUT / FAN_IN, variance=2 * FAN_OUT / FAN_IN**2, error=0.02)
    for entries in laws[1:]:
        norms = run.once(_layer_norms, lecun.with_law(entries), mean.draws)
        findings.append(mean(norms[:, 1] / norms[:, 0], expected))
    return all_of(findings)


def _entries(run: Run, law: Law, draws: int) -> Array:
    return law(run.rng("entries"), (draws,))


@claim(
    "A4",
    paper=GLOROT,
    where="equations 1 and 16; truncation derived here",
    states=r"\operatorname{Var}U(-a,a)=\tfrac{a^2}{3},\quad a=\sqrt{3\sigma^2};\qquad "
    r"\operatorname{Var}\bigl[N(0,1)\,\big|\,|t|\le 2\bigr]=1-\tfrac{4\varphi(2)}{2\Phi(2)-1}",
    derivation=[one_layer.uniform_second, one_layer.uniform_bound_of_variance, one_layer.truncated_second],
    mutants=[
        mutant(
            "the bound is the standard deviation",
            "A uniform law on [-a, a] has standard deviation a / sqrt 3: with a = sigma the variance is a third of "
            "what was meant.",
            bound=lambda variance: sp.sqrt(variance),
        ),
        mutant(
            "the variance of U(0, 1)",
            "The variance (b - a)^2 / 12 with b - a taken as the bound instead of twice the bound.",
            bound=lambda variance: sp.sqrt(12 * variance),
        ),
        mutant(
            "truncation leaves the variance alone",
            "Cutting a normal at two standard deviations removes the tails, and with them 23 % of the variance.",
            truncated=lambda cut: sp.Integer(1),
        ),
        mutant(
            "truncated at three deviations",
            "The sampler cuts elsewhere than the formula says; 0.973 is the variance of a cut at 3.",
            cut_law=lambda rng, shape: truncated_gaussian(rng, shape, cut=3.0),
        ),
    ],
)
def uniform_and_truncated_variances(
    run: Run,
    *,
    bound: Callable[[float], sp.Expr] = one_layer.uniform_bound,
    truncated: Callable[[float], sp.Expr] = one_layer.truncated_variance,
    cut_law: Law = truncated_gaussian,
) -> Finding:
    """U(-a, a) with a = sqrt(3 v) has variance v; a normal cut at two deviations has 0.774 of its variance.

    Moments of single entries; exact. The fourth moments that the test needs are derived too.
    """
    run, cut = run.share(2), number(one_layer.truncated_variance(2))
    fourth = number(one_layer.uniform_fourth_moment(number(one_layer.uniform_bound(1.0))))
    whole = run.mean(1, variance=fourth - 1, error=0.01)
    truncated_test = run.mean(cut, variance=number(one_layer.truncated_fourth_moment(2)) - cut**2, error=0.01)
    return all_of(
        [
            whole(run.once(_entries_of_bound, number(bound(1.0)), whole.draws) ** 2),
            truncated_test(run.once(_entries, cut_law, truncated_test.draws) ** 2, expected=truncated(2)),
        ]
    )


def _entries_of_bound(run: Run, bound: float, draws: int) -> Array:
    return run.rng("uniform").uniform(-bound, bound, draws)
