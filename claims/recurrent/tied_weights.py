"""Recurrent nets: one matrix used at every step is not a stack of independent layers."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, Initialiser, Network, lecun, measure, rademacher
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.recurrent import tied_weights

CASES = {(3, 2): 0.05, (2, 3): 0.1}
"""Units and steps, and the relative error that must be seen there."""


def _growth(run: Run, units: int, steps: int, tied: bool, init: Initialiser, draws: int) -> Array:
    """||W_t ... W_1 x||^2 / ||x||^2, with one matrix for all steps or a new one at each."""
    names = ("step" if tied else f"step{step}" for step in range(steps))
    network = Network(tuple(Dense(name, units, units, init) for name in names))
    rows, rng = run.inputs.narrowed(units), run.rng("steps", units)
    norms = measure(network, rows, draws=draws, rng=rng, engine="drawn", extras=()).square_norms
    ratios: Array = norms[:, -1] / norms[:, 0]
    return ratios


@claim(
    "N3",
    paper="Pascanu, Mikolov & Bengio 2013 (recurrent nets)",
    where="the assumption that steps are like layers of independent weights; its error derived here",
    states=r"\frac{\mathbb E\|W^2x\|^2}{\|x\|^2}=1+\frac2{n^2},\qquad\frac{\mathbb E\|W^3x\|^2}{\|x\|^2}=1+\frac{10}"
    r"{n^2}+\frac4{n^3},\qquad\frac{\mathbb E\|W_t\cdots W_1x\|^2}{\|x\|^2}=1",
    derivation=tied_weights.DERIVATIONS,
    mutants=[
        mutant(
            "as in a feedforward net",
            "1: right for independent matrices; one matrix meets powers of its own entries.",
            growth=lambda units, steps: sp.S.One,
        ),
        mutant(
            "an excess of 2 / n",
            "The relative variance of one step's square norm; what the entries have in common is of order 1 / n^2.",
            growth=lambda units, steps: 1 + sp.Rational(2, units),
        ),
        mutant(
            "an excess of 1 / n^2",
            "Half of the pairings that cross: the fourth power of an entry that meets itself has three pairings, of "
            "which two are new, not one.",
            growth=lambda units, steps: 1 + (tied_weights.growth(units, steps) - 1) / 2,
        ),
        mutant(
            "independent of the number of steps",
            "The excess of two steps for any number of them.",
            growth=lambda units, steps: tied_weights.growth(units, 2),
        ),
        mutant("independent matrices", "The simulated net has a new matrix at each step.", tied=False),
        mutant(
            "random signs for weights",
            "The excess of two steps is the kurtosis of the diagonal: entries of +-1 have none.",
            init=lecun.with_law(rademacher),
        ),
    ],
)
def tied_weights_are_not_independent_layers(
    run: Run,
    *,
    growth: Callable[[int, int], sp.Expr] = tied_weights.growth,
    tied: bool = True,
    init: Initialiser = lecun,
) -> Finding:
    """A matrix of variance 1/n that is used at every step amplifies the mean square, unlike independent ones.

    Averages over Gaussian weights at fixed input; exact at any width, and so are the variances. Two steps of width 3
    and three of width 2.
    """
    run, findings = run.share(len(CASES)), []
    for (units, steps), error in CASES.items():
        truth = number(tied_weights.growth(units, steps))
        variance = number(tied_weights.second_moment(units, steps)) - truth**2
        test = run.mean(truth, variance=variance, error=error, at_most=1.5 * error)
        findings.append(test(run.once(_growth, units, steps, tied, init, test.draws), expected=growth(units, steps)))
    return all_of(findings)
