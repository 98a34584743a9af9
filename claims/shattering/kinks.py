"""How often the gradient of a deep net jumps around a circle of inputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp
from numpy.typing import NDArray

from claims.mean_field.angles import turned
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.experiments.kinks import kinks
from theory.domain import number
from theory.shattering import kinks as shattering_kinks
from theory.shattering import whiteness

ROLNICK = "Hanin & Rolnick 2019 (few activation patterns)"
FEATURES, UNITS = 4, 2
BELOW = (3, 4)
"""Widths of the first layer, below one of UNITS units."""
Switches = Callable[[int], sp.Expr]


def _counts(run: Run, below: int, slope: float, draws: int) -> NDArray[np.int64]:
    circles = turned(run.inputs.narrowed(FEATURES), np.pi / 2)
    return kinks((FEATURES, below, UNITS), circles, draws=draws, rng=run.rng("circles", below), slope=slope)


@claim(
    "G8",
    paper=ROLNICK,
    where="number of regions along a line, to leading order; exact mean around a circle derived here",
    states=r"\mathbb E\,\#\{\varphi:z_{l,i}(x\cos\varphi+y\sin\varphi)=0\}=2\prod_{k<l}\Bigl(1-"
    r"\frac{n_k+1}{2^{n_k}}\Bigr)\quad\Rightarrow\quad\text{jumps of the gradient}\approx2\sum_ln_l",
    derivation=[*shattering_kinks.DERIVATIONS, *whiteness.DERIVATIONS],
    mutants=[
        mutant(
            "as many as there are pieces",
            "Every piece of the layer below bends again with probability 1/2, so that jumps multiply: 2^L for 2 L.",
            switches=lambda below: sp.Integer(below),
        ),
        mutant(
            "wide layers",
            "2 for every unit, in any layer: right where layers have many units, and states hardly ever stand still.",
            switches=lambda below: sp.Integer(2),
        ),
        mutant(
            "while a unit is active",
            "2 (1 - 2^-n): with one active unit a state is alive, and grows and shrinks, but it does not turn.",
            switches=lambda below: 2 * (1 - sp.Rational(1, 2) ** below),
        ),
        mutant("a leak", "The simulated units leak, and states never stand still.", slope=0.2),
    ],
)
def gradients_jump_linearly_often(
    run: Run,
    *,
    switches: Switches = lambda below: shattering_kinks.unit_switches([below]),
    slope: float = 0.0,
) -> Finding:
    """Around a circle of inputs a unit of a deep ReLU net switches at most twice on average, so jumps grow like 2 L n.

    Averages over Gaussian weights, on circles around 0 in a given plane; exact at every width, without biases, switches
    of a unit being counted where the layer below is alive. All are found, not those of a grid. Tested in the second
    layer, above 3 and 4 units (1 and 1.375 switches); in the first every unit switches twice in every draw. A unit has
    one zero at most on each piece below, which bounds the variance. What follows for whiteness is derived for wide nets
    and not measured: at inputs at the angle t/L gradients keep the correlation (1 + t / (3 pi))^-3.
    """
    run, findings = run.share(len(BELOW)), []
    for below in BELOW:
        truth = number(shattering_kinks.unit_switches([below]))
        test = run.mean(truth, variance=2 * below * truth - truth**2, error=0.22, at_most=0.22)
        counts = run.once(_counts, below, slope, test.draws)
        findings.append(test(counts[:, 1] / UNITS, expected=switches(below)))
        findings.append(identity(counts[:, 0] / below, number(shattering_kinks.unit_switches([])), rounding=0.0))
    return all_of(findings)
