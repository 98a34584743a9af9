"""He's first layer: no ReLU comes before it, so it needs no factor 2."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, Initialiser, LeakyReLU, Network, Sequential, he, lecun, measure
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.plain import first_layer

WIDTHS = (6, 10, 8, 12)
LAYERS = range(1, len(WIDTHS))


def _mean_squares(run: Run, first: Initialiser, slope: float, draws: int) -> Array:
    """Mean squares of the pre-activations of every layer over that of the input, (draws, layers)."""
    blocks = [Sequential((LeakyReLU(slope), Dense(f"layer{k}", WIDTHS[k - 1], WIDTHS[k], he))) for k in LAYERS if k > 1]
    network = Network((Dense("layer1", WIDTHS[0], WIDTHS[1], first), *blocks))
    inputs, rng = run.inputs.narrowed(WIDTHS[0]), run.rng("net", str(first is lecun))
    squares = measure(network, inputs, draws=draws, rng=rng, extras=()).square_norms / np.array(WIDTHS)
    ratios: Array = squares[:, 1:] / squares[:, :1]
    return ratios


@claim(
    "C21",
    paper=HE,
    where="section 2.2, the remark on the first layer below equation 10",
    states=r"\mathbb E z_l^2=n_0\operatorname{Var}(w_1)\,\overline{x^2}\quad\text{at every }l:\qquad"
    r"1\ \text{at}\ \tfrac1{n_0},\quad2\ \text{at}\ \tfrac2{n_0}",
    derivation=first_layer.DERIVATIONS,
    mutants=[
        mutant(
            "it compounds",
            "2^l: one layer's factor counted in each.",
            size=lambda n, variance, layer: first_layer.pre_activation(n, variance, layer) ** layer,
        ),
        mutant(
            "it is forgotten",
            "Later layers keep whatever mean square they are given; nothing draws it back to 1.",
            size=lambda n, variance, layer: sp.Integer(1) if layer > 1 else n * variance,
        ),
        mutant(
            "a ReLU before the input",
            "The half belongs to rectified inputs; those of the first layer are not.",
            size=lambda n, variance, layer: first_layer.pre_activation(n, variance, layer) / 2,
        ),
        mutant("no rectifier", "He's 2 in layers that nothing halves.", slope=1.0),
    ],
)
def the_first_layer_sets_the_scale(
    run: Run,
    *,
    size: Callable[[int, sp.Expr, int], sp.Expr] = first_layer.pre_activation,
    slope: float = 0.0,
) -> Finding:
    """He's factor 2 on the first layer as well doubles the mean square of the pre-activations, once and at every depth.

    Averages over Gaussian weights at fixed input; exact at any width. Three layers, with 1/n_0 and with 2/n_0 in the
    first and 2/n in the others. Given the input a ReLU layer has relative second moment 1 + 5/n, the last one 1 + 2/n.
    """
    run, findings = run.share(2 * len(LAYERS)), []
    for first, twice in ((lecun, 1), (he, 2)):
        variance = sp.Rational(twice, WIDTHS[0])
        tests = {}
        for layer in LAYERS:
            truth = number(first_layer.pre_activation(WIDTHS[0], variance, layer))
            moment = number(fluctuations.fourth_moment_ratio(WIDTHS[1:layer])) * (1 + 2 / WIDTHS[layer])
            tests[layer] = run.mean(truth, variance=(moment - 1) * truth**2, error=0.05)
        found = run.once(_mean_squares, first, slope, max(test.draws for test in tests.values()))
        findings += [
            tests[layer](found[:, layer - 1], expected=number(size(WIDTHS[0], variance, layer))) for layer in LAYERS
        ]
    return all_of(findings)
