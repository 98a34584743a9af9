"""How the norms of one plain net vary from layer to layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding
from simulations import Initialiser, LeakyReLU, he, lecun, measure, mlp
from simulations.layers.dense import Layer
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import across_layers
from theory.fluctuations import norms as fluctuations

INPUTS, WIDTHS = 8, (24, 48, 32, 40)


def _variances(run: Run, init: Initialiser, activation: Layer | None, draws: int) -> Array:
    """The variance over layers of square norms in units of the input's mean square, (draws,)."""
    network = mlp([INPUTS, *WIDTHS], init=init, activation=activation)
    inputs, rng = run.inputs.narrowed(INPUTS), run.rng("norms")
    norms = measure(network, inputs, draws=draws, rng=rng, engine="undrawn", extras=()).square_norms
    squares = norms[:, 1:] / norms[:, :1] * INPUTS / np.array(WIDTHS)
    found: Array = squares.var(axis=1)
    return found


@claim(
    "C20",
    paper=HANIN,
    where="Hanin & Rolnick, section 1: the second failure mode, variance across layers; exact form derived here",
    states=r"\mathbb E\Bigl[\tfrac1d\sum_jM_j^2-\bigl(\tfrac1d\sum_jM_j\bigr)^2\Bigr]=\sum_{j=1}^d\frac{2j-d-1}{d^2}"
    r"\prod_{k\le j}\Bigl(1+\frac5{n_k}\Bigr),\qquad M_j=\frac{\|x_j\|^2}{\mathbb E\|x_j\|^2}",
    derivation=[partial(fluctuations.ratio_moment, 2), *across_layers.DERIVATIONS],
    mutants=[
        mutant(
            "the variance of the last layer",
            "Over nets, prod (1 + 5/n) - 1: layers of one net have most of their fluctuation in common.",
            expected=fluctuations.relative_variance,
        ),
        mutant(
            "independent layers",
            "(1 - 1/d) times the mean variance of a layer, as if norms were drawn anew at every depth.",
            expected=lambda widths: (
                sum(fluctuations.relative_variance(widths[: j + 1]) for j in range(len(widths)))
                * sp.Rational(len(widths) - 1, len(widths) ** 2)
            ),
        ),
        mutant(
            "divided by d - 1",
            "The estimate of a variance from independent samples; the paper divides by d.",
            expected=lambda widths: across_layers.expected_variance(widths) * sp.Rational(len(widths), len(widths) - 1),
        ),
        mutant("no rectifier", "Linear layers, which fluctuate by 2/n each.", init=lecun, activation=None),
    ],
)
def norms_vary_across_layers(
    run: Run,
    *,
    expected: Callable[[Sequence[int]], sp.Expr] = across_layers.expected_variance,
    init: Initialiser = he,
    activation: Layer | None = LeakyReLU(),  # noqa: B008
) -> Finding:
    """The mean variance of a ReLU net's relative square norms over its layers is sum (2 j - d - 1) P_j / d^2.

    P_j is the product of 1 + 5/n over the layers up to j. Averages over Gaussian He weights at a fixed input; exact at
    every width and in any order of them. Four layers of widths 24, 48, 32 and 40. The second moment that the test needs
    is bounded by Jensen's inequality.
    """
    truth = number(across_layers.expected_variance(WIDTHS))
    variance = number(across_layers.second_moment_bound(WIDTHS)) - truth**2
    test = run.mean(truth, variance=variance, error=0.16, at_most=0.18)
    samples = run.once(_variances, init, activation, test.draws)
    return test(samples, expected=number(expected(WIDTHS)))
