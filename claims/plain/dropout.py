"""Dropout: what its masks do to the second moment, and the variance of the weights that undoes it."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, LeakyReLU, Network, he, measure
from simulations.layers.activations import Dropout
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.plain import dropout

WIDTH, KEEP = 6, 0.5


def _norm_ratios(run: Run, inverted: bool, scale: float, draws: int) -> Array:
    """The squared norms behind the mask and behind the ReLU layer, over that of the input; (draws, 2)."""
    weights = Dense("layer", WIDTH, WIDTH, he.scaled(scale))
    network = Network((Dropout("dropout", WIDTH, KEEP, inverted), weights, LeakyReLU()))
    norms = measure(network, run.inputs.narrowed(WIDTH), draws=draws, rng=run.rng("masks")).square_norms
    ratios: Array = norms[:, [1, 3]] / norms[:, :1]
    return ratios


@claim(
    "B8",
    paper=HE,
    where="section 2.2, with inverted dropout in front of the layer",
    states=r"\mathbb E(mx)^2=\tfrac1k\,x^2\ \Longrightarrow\ \sigma^2=\tfrac{2k}{n}",
    derivation=dropout.DERIVATIONS,
    mutants=[
        mutant(
            "no effect",
            "Inverted dropout preserves the mean of every unit, but not its second moment.",
            factor=lambda keep: sp.Integer(1),
        ),
        mutant(
            "factor k",
            "That is what masks do which are not divided by k.",
            factor=lambda keep: sp.sympify(keep),
        ),
        mutant(
            "divided by k twice",
            "1/k^2 is the factor on a unit that is kept, which happens with probability k only.",
            factor=lambda keep: 1 / sp.sympify(keep) ** 2,
        ),
        mutant("plain dropout", "The simulated masks are 0 and 1, not 0 and 1/k.", inverted=False),
    ],
)
def dropout_raises_the_second_moment(
    run: Run, *, factor: Callable[[float], sp.Expr] = dropout.second_moment_factor, inverted: bool = True
) -> Finding:
    """Inverted dropout that keeps a share k multiplies the second moment by 1/k, so He's variance becomes 2k/n.

    Averages over masks and Gaussian weights at fixed input; exact at every width. Keep rate 1/2, width 6: the norm
    behind the mask, and behind a ReLU layer whose variance has been corrected. E||mx||^4 is at most 1/k times its
    squared mean, that of one feature; a ReLU layer multiplies it by 1 + 5/n.
    """
    run = run.share(2)
    truth, bound = number(dropout.second_moment_factor(KEEP)), number(dropout.masked_square_bound(KEEP))
    corrected = number(dropout.he_variance(WIDTH, KEEP))
    after_layer = bound * number(fluctuations.fourth_moment_ratio([WIDTH])) - 1
    masked = run.mean(truth, variance=(bound - 1) * truth**2, error=0.05)
    layer = run.mean(1, variance=after_layer, error=0.05)  # the corrected variance keeps the norm
    ratios = run.once(_norm_ratios, inverted, (corrected * WIDTH / 2) ** 0.5, layer.draws)
    claimed = number(factor(KEEP))
    return all_of(
        [
            masked(ratios[:, 0], expected=claimed),
            layer(ratios[:, 1], expected=claimed / truth),
        ]
    )
