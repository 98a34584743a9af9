"""Fixup's recipe to the letter: what each of the first three steps moves, and by which order in the depth."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.fixup.first_step import Scales, fixup_scales, zeros
from claims.fixup.scale import sizes_of_inputs
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations.experiments import scalar_branch
from simulations.layers.losses import EPS
from theory.fixup import recipe

BRANCHES, RATE, TARGET = (1, 10, 100, 1000), 0.4, 1.5
Output = Callable[[sp.Expr, sp.Expr, Sequence[sp.Expr], sp.Expr], sp.Expr]
Share = Callable[[sp.Expr, int, sp.Expr], sp.Expr]
L, X, FIRST, SECOND, ETA, T = sp.symbols("L x s_1 s_2 eta t", positive=True)


@dataclass(frozen=True)
class Steps:
    """Outputs before each of three steps, the loss's slopes in them, and the inner weights' share of step 3."""

    outputs: tuple[float, ...]
    slopes: tuple[float, ...]
    share: float


def _taken(run: Run, scales: Scales, readout: float, branches: int, m: int, x: float) -> Steps:
    """Take three steps on the loss (z - TARGET)^2 / 2 of z = v prod (1 + branch) x."""
    inner, last = scales(branches, m)
    a, v = np.full((branches, m), inner), readout
    a[:, -1] = last
    outputs, slopes, gradient = [], [], a
    for _ in range(3):
        stream = float(scalar_branch.forward(a, x))
        outputs.append(v * stream)
        slopes.append(v * stream - TARGET)
        gradient = v * scalar_branch.gradient(a, x)
        a, v = a - RATE * slopes[-1] * gradient, v - RATE * slopes[-1] * stream
    squares = np.square(gradient).sum(axis=0)
    return Steps(tuple(outputs), tuple(slopes), float(squares[:-1].sum() / squares[-1]))


@claim(
    "F17",
    paper=FIXUP,
    where="section 3, rules 1 and 2 in the first steps; derived here",
    states=r"z_1=-\eta\ell'_1x^2,\qquad z_2=-\eta(\ell'_1+\ell'_2)x^2\Bigl(1+\frac tL\Bigr)^L,\ "
    r"t=\eta^2\ell'_1\ell'_2x^2,\qquad \frac{\sum_{i<m}g_i^2}{g_m^2}=(m-1)\,t^2L^{-\frac{m-2}{m-1}}\text{ in step 3}",
    derivation=recipe.DERIVATIONS,
    mutants=[
        mutant(
            "one step moves it all",
            "Rule 1 zeroes the classifier too: in step 1 no gradient passes it, and branches stay at 0.",
            output=lambda branches, x, slopes, rate: (
                recipe.output_after(branches, x, slopes, rate) * (sp.exp(rate * x) if len(slopes) == 1 else 1)
            ),
        ),
        mutant(
            "branches add up",
            "1 + t for (1 + t/L)^L: a branch sees what the others have added; the two agree at L = 1.",
            output=lambda branches, x, slopes, rate: recipe.output_after(1, x, slopes, rate),
        ),
        mutant(
            "inner layers keep pace",
            "A share of (m - 1) t^2 at every depth is the truth at m = 2, where it is usually looked at.",
            share=lambda branches, m, t: recipe.inner_gradient_share(1, m, t),
        ),
        mutant(
            "inner layers fall like 1/L",
            "The exponent is -(m - 2)/(m - 1): it tends to -1 for many layers a branch.",
            share=lambda branches, m, t: recipe.inner_gradient_share(1, m, t) / branches,
        ),
        mutant("rule 2 dropped", "The simulated inner weights are 1: L branches move by (1 + t)^L.", scales=zeros),
        mutant("a classifier of one", "The simulated classifier does not start at 0.", readout=1.0),
    ],
)
def first_steps_of_the_recipe(
    run: Run,
    *,
    output: Output = recipe.output_after,
    share: Share = recipe.inner_gradient_share,
    scales: Scales = fixup_scales,
    readout: float = 0.0,
) -> Finding:
    """Fixup's step 1 moves the classifier alone, step 2 the branches by order 1 together, step 3 the inner layers.

    Nothing is averaged; exact in eta at every depth. Scalar nets with 2, 3 and 4 layers a branch and L = 1 to 1000,
    the squared loss, real sizes of inputs; weights alone, without Fixup's biases. The inner layers' squared gradients
    are of order 1 beside the last layers' for m = 2, and vanish with the depth for m = 3 and more.
    """
    after = [
        sp.lambdify([L, X, FIRST, SECOND], output(L, X, slopes, sp.Float(RATE)))
        for slopes in ((FIRST,), (FIRST, SECOND))
    ]
    findings = []
    for m in (2, 3, 4):
        claimed = sp.lambdify([L, T], share(L, m, T))
        for branches, x in zip(BRANCHES, sizes_of_inputs(run, len(BRANCHES)), strict=True):
            seen = run.once(_taken, scales, readout, branches, m, float(x))
            first, second, _ = seen.slopes
            move = RATE**2 * first * second * x**2
            rounding = (6 * branches + 60) * EPS  # 1 + a product, of L factors; and what t itself rounds
            steps = [(seen.outputs[i + 1], float(after[i](branches, x, first, second))) for i in (0, 1)]
            steps.append((seen.share, float(claimed(branches, move))))
            findings += [
                identity(found, told, rounding=rounding * (1 + abs(move)) * abs(told), chance=False)
                for found, told in steps
            ]
    return all_of(findings)
