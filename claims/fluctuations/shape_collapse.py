"""Nets of many shapes on one curve: the variance of log ||x_L||^2 is a sum over the widths of the layers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np
import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import measure
from simulations.numbers.arrays import Array
from simulations.sweep.cell import Cell
from simulations.sweep.networks import body, layer_widths
from theory.domain import number
from theory.fluctuations import dying, log_moments, shape_collapse
from theory.fluctuations import norms as fluctuations
from theory.fluctuations.log_moments import log_fourth_cumulant, log_mean, log_variance

SHAPES, DEPTH, WIDTH = ("taper", "widening", "pinched", "alternating"), 4, 16
"""From 16 down to 4 or up again; 16 with one layer of 2; 16 and 8 by turns."""
Spread = Callable[[Sequence[int]], float]
"""Of the widths at all positions, the input's first."""


def _cell(shape: str, activation: str = "relu") -> Cell:
    return Cell(shape, "he", activation, DEPTH, WIDTH, "digits")


def _logs(run: Run, cell: Cell, draws: int) -> Array:
    """Return log(||x_L||^2 / E||x_L||^2) of the draws that are alive, at rows of the run's inputs."""
    widths = layer_widths(cell)
    inputs, rng = run.inputs.narrowed(widths[0]), run.rng(cell.architecture, cell.activation)
    norms = measure(body(cell), inputs, draws=draws, rng=rng, engine="undrawn", extras=()).square_norms
    alive = norms[:, -1] > 0
    logs: Array = np.log(norms[alive, -1] / norms[alive, 0] * (widths[0] / widths[-1]))
    return logs


@cache
def _cumulant(of: Callable[[Sequence[int]], sp.Expr], width: int) -> float:
    """One layer's cumulant of the logarithm as a number, given that a unit is active."""
    return number(of([width]))


@cache
def _alive(widths: tuple[int, ...]) -> float:
    """Return the probability that a net of these layers is alive."""
    return 1 - number(dying.dead_probability(widths))


def _summed(of: Callable[[Sequence[int]], sp.Expr], widths: Sequence[int]) -> float:
    return sum(_cumulant(of, width) for width in widths)


@claim(
    "C19",
    paper=HANIN,
    where="Hanin & Rolnick: exponential in sum 1/n_l; exact form derived here",
    states=r"\operatorname{Var}\log\|x_L\|^2=\sum_{l=1}^{L}v(n_l)=\beta\Bigl(1+\tfrac{37}{10}\,"
    r"\frac{\sum_l n_l^{-2}}{\sum_l n_l^{-1}}+O(n^{-2})\Bigr),\qquad\beta=5\sum_{l=1}^{L}\tfrac1{n_l}",
    derivation=[
        fluctuations.relu_logarithm,
        fluctuations.relu_squared_logarithm,
        log_moments.fourth_central,
        *shape_collapse.DERIVATIONS,
    ],
    mutants=[
        mutant(
            "a common curve",
            "beta = 5 sum 1/n itself, on which shapes collapse only as all widths grow.",
            spread=lambda widths: number(log_moments.leading_beta(widths[1:])),
        ),
        mutant(
            "the mean width",
            "Layers as wide as the arithmetic mean: inverse widths add, so narrow layers count for more.",
            spread=lambda widths: _summed(log_variance, DEPTH * [round(sum(widths[1:]) / DEPTH)]),
        ),
        mutant(
            "5 L over the mean width",
            "The arithmetic mean where the harmonic one belongs, in the leading order.",
            spread=lambda widths: 5 * DEPTH**2 / sum(widths[1:]),
        ),
        mutant(
            "the last width",
            "Depth over the width of the last layer, as if all were like it.",
            spread=lambda widths: _summed(log_variance, DEPTH * [widths[-1]]),
        ),
        mutant(
            "the narrowest layer",
            "The bottleneck alone: it adds the most, but the others add too.",
            spread=lambda widths: _cumulant(log_variance, min(widths)),
        ),
        mutant(
            "the fan-ins",
            "The widths n_0 to n_{L-1}: fluctuations come from the units that a layer adds up, not from its inputs.",
            spread=lambda widths: _summed(log_variance, widths[:-1]),
        ),
        mutant(
            "2 sum 1/n",
            "The spread of linear layers, to leading order.",
            spread=lambda widths: sum(2 / n for n in widths[1:]),
        ),
        mutant("no rectifier", "Linear layers where the claim is made for ReLU.", activation="linear"),
    ],
)
def widths_add_up(
    run: Run, *, spread: Spread = lambda widths: _summed(log_variance, widths[1:]), activation: str = "relu"
) -> Finding:
    """In a ReLU net of any shape the variance of log ||x_L||^2 is a sum over the layers' widths, near 5 sum 1/n.

    Averages over Gaussian weights at fixed input, given that the net is alive: the draws that are have the conditional
    law independently, however many there are. The sum of v(n_l) is exact at every width and in any order, and is what
    is tested, for four shapes of a sweep. The collapse on 5 sum 1/n is asymptotic: n v(n) / 5 is 1.03 at width 128,
    1.14 at 32 and 2.0 at 8, 1 + 3.7/n to first order. Variances of squared deviations are exact.
    """
    run, findings = run.share(len(SHAPES)), []
    for shape in SHAPES:
        widths = layer_widths(_cell(shape))
        drift, variance, fourth = (_summed(of, widths[1:]) for of in (log_mean, log_variance, log_fourth_cumulant))
        test = run.mean(variance, variance=fourth + 2 * variance**2, error=0.08)
        logs = run.once(_logs, _cell(shape, activation), int(1.1 * test.draws / _alive(widths[1:])))
        findings.append(test((logs - drift) ** 2, expected=spread(widths)))
    return all_of(findings)
