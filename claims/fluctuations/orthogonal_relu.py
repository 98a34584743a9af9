"""Orthogonal weights with ReLU: the mean square is kept, and fluctuates less than with Gaussian weights."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU, he, measure, mlp
from simulations.numbers.arrays import Array
from simulations.weights.orthogonal import haar
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.fluctuations import orthogonal_relu


def _second_moment(width: int) -> sp.Expr:
    return orthogonal_relu.orthogonal_ratio_moment(2, width)


def _orthogonal(run: Run, width: int, slope: float, draws: int) -> Array:
    network = mlp((width,) * 3, init=he.with_law(haar), activation=LeakyReLU(slope))
    norms = measure(network, run.inputs.narrowed(width), draws=draws, rng=run.rng("orthogonal")).square_norms
    ratios: Array = norms[:, -1] / norms[:, 0]
    return ratios


@claim(
    "C6",
    paper="Saxe, McClelland & Ganguli 2014",
    where="orthogonal weights; with ReLU derived here",
    states=r"\frac{\mathbb E\|x_L\|^4}{(\mathbb E\|x_L\|^2)^2}=\Bigl(\frac{n+5}{n+2}\Bigr)^L,\qquad"
    r"\mathbb E\|x_L\|^2=\|x_0\|^2",
    derivation=orthogonal_relu.DERIVATIONS,
    mutants=[
        mutant(
            "as with Gaussian weights",
            "1 + 5 / n has the fluctuation of ||Wx|| as well, which an orthogonal W does not.",
            second=lambda n: fluctuations.relu_ratio_moment(2, n),
        ),
        mutant(
            "an isometry",
            "Q preserves the norm, the rectifier does not: how much it cuts off fluctuates.",
            second=lambda n: sp.Integer(1),
        ),
        mutant(
            "only the masks fluctuate",
            "1 + 1 / n: the number of active units counted, their sizes taken as equal.",
            second=lambda n: 1 + sp.Rational(1, n),
        ),
        mutant("no rectifier", "sqrt 2 without a ReLU doubles the mean square.", slope=1.0),
    ],
)
def orthogonal_weights_fluctuate_less(
    run: Run,
    *,
    second: Callable[[int], sp.Expr] = _second_moment,
    slope: float = 0.0,
) -> Finding:
    """With orthogonal weights times sqrt 2 the mean square is kept and a ReLU layer adds 3/(n + 2), not 5/n.

    Averages over Haar-distributed square weights at fixed input; exact at any width. Two layers of width 4, dead nets
    included; the variances are exact.
    """
    run, width = run.share(2), 4
    truth, fourth = (number(orthogonal_relu.orthogonal_ratio_moment(k, width)) ** 2 for k in (2, 4))
    mean = run.mean(1, variance=truth - 1, error=0.06)
    square = run.mean(truth, variance=fourth - truth**2, error=0.06)
    ratios = run.once(_orthogonal, width, slope, max(mean.draws, square.draws))
    return all_of([square(ratios**2, expected=number(second(width)) ** 2), mean(ratios)])
