"""What the norm's fluctuation owes to the activation and to the law of the weights; its mean owes them nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import pairwise, product

import numpy as np
import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU, gaussian, he, measure, mlp, rademacher, uniform
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from simulations.weights.initialisers import Law
from theory.domain import number
from theory.fluctuations import weight_laws
from theory.plain import norms as plain

SLOPES = (0.6, 0.2)


def _leaky(run: Run, widths: Sequence[int], slope: float, simulated: float, draws: int) -> Array:
    """Squared norm after each layer over that before, over the mean for `slope`, (draws, layers)."""
    network = mlp(widths, activation=LeakyReLU(simulated))
    rows = run.inputs.narrowed(widths[0])
    norms = measure(network, rows, draws=draws, rng=run.rng("leaky", str(slope))).square_norms
    factors = [number(plain.layer_factor(n, sp.Rational(2, m), slope)) for m, n in pairwise(widths)]
    ratios: Array = norms[:, 1:] / norms[:, :-1] / factors
    return ratios


@cache
def _fourth(width: int, slope: float) -> float:
    return number(weight_laws.gaussian_fourth_central(width, slope))


@cache
def _coefficient(slope: float) -> sp.Expr:
    return weight_laws.layer_relative_variance(1, slope)


@claim(
    "C4",
    paper=HANIN,
    where="exact form for leaky ReLU derived here",
    states=r"\frac{\operatorname{Var}\|x_l\|^2}{(\mathbb E\|x_l\|^2)^2}=\frac{k(a)}{n_l},\qquad "
    r"k(a)=\frac{6(1+a^4)}{(1+a^2)^2}-1",
    derivation=weight_laws.DERIVATIONS,
    mutants=[
        mutant("5, as for ReLU", "A leak makes the squares of the two signs more alike.", k=lambda a: sp.Integer(5)),
        mutant("2, as without rectifier", "Only at slope 1 are they alike.", k=lambda a: sp.Integer(2)),
        mutant(
            "the fourth power forgotten",
            "The leak enters the fourth moment as a^4, not as the a^2 of the second.",
            k=lambda a: 6 / (1 + sp.nsimplify(a) ** 2) - 1,
        ),
        mutant(
            "the second moment not normalised",
            "6 (1 + a^4) - 1: the mean square grows with the leak as well.",
            k=lambda a: 6 * (1 + sp.nsimplify(a) ** 4) - 1,
        ),
        mutant("no rectifier", "Linear layers where the claim is made for a leaky ReLU.", simulated=1.0),
    ],
)
def leaky_relative_variance(
    run: Run, *, k: Callable[[float], sp.Expr] = _coefficient, simulated: float | None = None
) -> Finding:
    """A leaky ReLU layer of slope a adds k(a) / n to the relative variance, from 5 (ReLU) down to 2 (linear).

    Averages over Gaussian weights at fixed input, whose direction does not matter, so layers are independent; exact at
    any width. Slopes 3/5 and 1/5, two uneven layers pooled. The variance of (r - 1)^2 is exact, from eighth moments.
    """
    run, widths, findings = run.share(len(SLOPES)), (4, 6, 3), []
    for slope in SLOPES:
        truths = [number(_coefficient(slope) / n) for n in widths[1:]]
        fourths = [_fourth(n, slope) for n in widths[1:]]
        variance = max(fourth / truth**2 for fourth, truth in zip(fourths, truths, strict=True)) - 1
        test = run.mean(1, variance=variance, error=0.06)
        ratios = run.once(_leaky, widths, slope, slope if simulated is None else simulated, test.draws // 2 + 1)
        findings.append(test(((ratios - 1) ** 2 / truths).ravel(), expected=k(slope) / _coefficient(slope)))
    return all_of(findings)


MOMENTS: dict[Law, Sequence[sp.Expr]] = {uniform: weight_laws.UNIFORM, rademacher: weight_laws.SIGNS}
"""Laws of weights and their moments."""
FAN_IN, UNITS = 3, 6


def _rows(run: Run, source: str) -> Array:
    rows = {"flat": np.ones((1, FAN_IN)), "one-hot": np.eye(FAN_IN), "real": run.inputs.narrowed(FAN_IN)}[source]
    unit: Array = rows / norm(rows)[:, None]
    return unit


def _one_layer(run: Run, law: Law, source: str, draws: int) -> tuple[Array, Array]:
    """The ratio of square norms of one ReLU layer, (draws,), and the inputs of unit norm, (draws, FAN_IN)."""
    rows, rng, network = _rows(run, source), run.rng(law.__name__, source), mlp((FAN_IN, UNITS), init=he.with_law(law))
    x = rows[rng.integers(len(rows), size=draws)]
    output = network.run(network.draw(rng, draws), x[:, None]).output
    return (output**2).sum(axis=(1, 2)), x


def _relative_variance(width: int, kurtosis: sp.Expr, r4: sp.Expr) -> sp.Expr:
    return weight_laws.layer_relative_variance(width, 0, kurtosis, r4)


@cache
def _theory(law: Law) -> Callable[[Array], tuple[Array, Array]]:
    """Make the function that gives the variance and fourth central moment of the normalised ratio at inputs x."""
    x = sp.symbols(f"x_1:{FAN_IN + 1}")
    raw = [2 ** (k - 1) * weight_laws.pre_activation_moment(2 * k, x, MOMENTS[law]) for k in (1, 2, 3, 4)]
    variance, fourth = weight_laws.central_moments(UNITS, raw[1:])
    evaluate = sp.lambdify(x, [variance, fourth])
    return lambda rows: evaluate(*rows.T)


@claim(
    "C5",
    paper=HANIN,
    where="other weight laws, derived here",
    states=r"\frac{\operatorname{Var}\|x_l\|^2}{(\mathbb E\|x_l\|^2)^2}=\frac{5+2(\kappa-3)\,r_4}{n_l},\qquad "
    r"r_4=\frac{\sum_i x_i^4}{(\sum_i x_i^2)^2}",
    derivation=[weight_laws.pre_activation, weight_laws.leaky_kurtosis, weight_laws.spread],
    mutants=[
        mutant(
            "Gaussian for all laws",
            "5 / n is exact for Gaussian weights only; at narrow inputs or sparse ones the law shows.",
            relative_variance=lambda n, kurtosis, r4: weight_laws.layer_relative_variance(n),
        ),
        mutant(
            "the kurtosis of a weight for that of a unit",
            "A sum over inputs is closer to normal than its terms, unless the input is one-hot.",
            relative_variance=lambda n, kurtosis, r4: weight_laws.layer_relative_variance(n, 0, kurtosis, 1),
        ),
        mutant(
            "every input taken as flat",
            "r4 is 1 / fan_in only if all entries are of one size.",
            relative_variance=lambda n, kurtosis, r4: weight_laws.layer_relative_variance(
                n, 0, kurtosis, sp.Rational(1, 3)
            ),
        ),
        mutant(
            "the excess not doubled",
            "Rectifying half of the units doubles the kurtosis, and with it the excess.",
            relative_variance=lambda n, kurtosis, r4: (5 + (kurtosis - 3) * r4) / sp.sympify(n),
        ),
        mutant("Gaussian weights", "Drawn where the claim is made for uniform ones and random signs.", law=gaussian),
    ],
)
def weight_law_shows_in_fluctuations(
    run: Run,
    *,
    relative_variance: Callable[[int, sp.Expr, sp.Expr], sp.Expr] = _relative_variance,
    law: Law | None = None,
) -> Finding:
    """The fluctuation of the norm depends on the kurtosis of the weights and on how flat the input is.

    Averages over weights at fixed input; exact at any width. One ReLU layer of 6 units with 3 inputs, uniform weights
    and random signs, on flat, one-hot and real inputs. The variance of (r - 1)^2 is exact, from eighth moments.
    """
    run, findings = run.share(6), []
    r4 = sp.Symbol("r4")
    told = {some: sp.lambdify(r4, relative_variance(UNITS, MOMENTS[some][4], r4)) for some in MOMENTS}
    for claimed, source in product(MOMENTS, ("flat", "one-hot", "real")):
        moments = _theory(claimed)
        truths, fourths = moments(_rows(run, source))
        test = run.mean(1, variance=float((fourths / truths**2).max()) - 1, error=0.09)
        squares, x = run.once(_one_layer, law or claimed, source, test.draws)
        truths, _ = moments(x)
        expected = told[claimed]((x**4).sum(axis=1)) / truths
        ratios = squares / number(plain.layer_factor(UNITS, sp.Rational(2, FAN_IN)))
        findings.append(test((ratios - 1) ** 2 / truths, expected=np.mean(expected)))
    return all_of(findings)
