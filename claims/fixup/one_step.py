"""Fixup's aim: a step on weights moves the function by order eta at every depth; and what zeros alone do instead.

The scalar chains f = prod_l (1 + a_l1 ... a_lm) x are asked to 100,000 branches and at steps t = eta l' x of order 1,
the networks by their gradients, which are the change per learning rate as that goes to 0.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.fixup.first_step import (
    Change,
    Scales,
    all_scaled,
    chain_rounding,
    chains,
    claimed_change,
    fixup_scales,
    kernel_tests,
    nothing,
    standard,
    zeros,
)
from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from theory.domain import number
from theory.fixup import one_step
from theory.residual import tangent_kernel


def _small_steps(branches: int) -> tuple[float, float]:
    return 0.5, 0.001


def _large_steps(branches: int) -> tuple[float, float]:
    """Downhill with L t = 0.1, and uphill with L t up to 50."""
    return 0.1 / branches, -50 / (branches + 1000)


@claim(
    "F1",
    paper=FIXUP,
    where="section 3, the aim of the initialisation; constants derived here",
    states=r"\|f(x;\theta-\eta\nabla\ell)-f(x;\theta)\|=\Theta(\eta):\quad t-\tfrac{t^2}2\le1-\bigl(1-\tfrac tL\bigr)^L"
    r"\le t,\ t=\eta\,\ell'x;\qquad \mathbb E\operatorname{tr}K=\tfrac hn\ \text{at every depth}",
    derivation=[
        one_step.chain_update,
        one_step.fixup_chain,
        one_step.sandwich_above,
        one_step.sandwich_below,
        tangent_kernel.trace,
        tangent_kernel.fixup,
        tangent_kernel.block_second_moment,
    ],
    mutants=[
        mutant(
            "1/L",
            "What one branch moves by: there are L of them.",
            change=lambda branches, t: one_step.fixup_change(branches, t) / branches,
        ),
        mutant(
            "exactly -t",
            "Every branch moves by exactly t/L, but the function is their product.",
            change=lambda branches, t: -t,
        ),
        mutant(
            "the limit at every depth",
            "e^-t - 1 is reached from below: one branch moves f by t.",
            change=lambda branches, t: sp.exp(-t) - 1,
        ),
        mutant(
            "eta L",
            "The order of zeros without Fixup's scale.",
            change=one_step.zeroed_change,
        ),
        mutant(
            "standard initialisation",
            "The simulated scales are 1, the simulated layers He's and LeCun's: updates grow exponentially.",
            scales=standard,
        ),
        mutant("theta starts at 0", "Theta(eta) read as theta = 0: the simulated branches never move.", scales=nothing),
        mutant("zeros alone", "The simulated branches have zeros but no scale: order eta L.", scales=zeros),
        mutant(
            "scales alone",
            "The simulated branches are scaled and not zeroed: of the right order, with another constant.",
            scales=all_scaled,
        ),
    ],
)
def fixup_moves_the_function_alike_at_every_depth(
    run: Run, *, change: Change = one_step.fixup_change, scales: Scales = fixup_scales
) -> Finding:
    """The first step that reaches the weights of Fixup's branches moves the function by order eta at every depth.

    Through their weights alone, from 1 to 100,000 branches: the biases move it by order eta L (another claim of F1). In
    step 1 a readout of zeros, rule 1, lets nothing through; here it is 1, or random. Scalar chains with 2 and 3 layers
    a branch: exact in eta, and between t - t^2/2 and t for every L. Residual networks with two layers a branch: the
    squared gradient of the loss in the branches, averaged over Gaussian weights at fixed input, is h/n ||dl/dx_L||^2
    ||x_0||^2; exact at any width (here 4, and 6 hidden units), at 1, 8 and 64 blocks.
    """
    findings, claimed = [], claimed_change(change)
    for branches, t, change_seen in run.once(chains, scales, _small_steps):
        low, high = (number(bound) for bound in one_step.fixup_bounds(t))
        rounding, moved = chain_rounding(branches, t, 1.0), np.array(change_seen)
        findings += [
            identity(moved, claimed(branches, t), rounding=rounding, chance=False),
            inequality(np.array(high), -moved, rounding=rounding, chance=False),
            inequality(-moved, np.array(low), rounding=rounding, chance=False),
        ]
    findings += kernel_tests(run, (1, 8, 64), True, scales, lambda blocks, trace: trace)
    return all_of(findings)


@claim(
    "F7",
    paper=FIXUP,
    where="section 3, rule 1 without rule 2; derived here",
    states=r"a_m=0,\ a_{i<m}=1:\quad \frac{f_{\mathrm{new}}}{f}=(1-t)^L,\ t=\eta\,\ell'x;\qquad\text{Fixup: }"
    r"\Bigl(1-\frac tL\Bigr)^L\le e^{-t};\qquad\mathbb E\operatorname{tr}K=L\,\tfrac hn",
    derivation=[one_step.chain_update, one_step.zeroed_chain, one_step.fixup_chain, tangent_kernel.trace],
    mutants=[
        mutant(
            "zeros are enough",
            "Order eta at every depth, as with Fixup's scale: L branches that move in step add up.",
            change=one_step.fixup_change,
            order=lambda blocks, trace: trace / blocks,
        ),
        mutant(
            "linear at any size",
            "L t is the first order: the branches multiply.",
            change=lambda branches, t: -branches * t,
        ),
        mutant(
            "the root of the depth",
            "Steps of random sign would add like sqrt L.",
            change=lambda branches, t: (1 - t) ** sp.sqrt(branches) - 1,
            order=lambda blocks, trace: trace / sp.sqrt(blocks),
        ),
        mutant(
            "e^t",
            "The bound of Fixup's product taken for that of zeros alone, which is e^(t L).",
            change=lambda branches, t: sp.exp(-t) - 1,
        ),
        mutant("Fixup's scale", "The simulated branches have the scale as well.", scales=fixup_scales),
        mutant("not zeroed", "The simulated last layers are standard.", scales=standard),
    ],
)
def zeros_alone_move_the_function_with_the_depth(
    run: Run,
    *,
    change: Change = one_step.zeroed_change,
    order: Callable[[int, sp.Expr], sp.Expr] = lambda blocks, trace: trace,
    scales: Scales = zeros,
) -> Finding:
    """Zero last layers without Fixup's scale move the function by order eta L, then exponentially: (1 + eta c)^L.

    Scalar chains with 2 and 3 layers a branch and L = 1 to 100,000: exact in eta, downhill where L t is small and
    uphill (t < 0) where it is not, up to e^50. Residual networks: as for Fixup's aim, the mean squared gradient in the
    branches is L h/n; exact at any width, at 1, 8 and 64 blocks.
    """
    findings, claimed = [], claimed_change(change)
    for branches, t, moved in run.once(chains, scales, _large_steps):
        rounding = chain_rounding(branches, t, float(np.exp(-min(t, 0) * branches)))
        findings.append(identity(np.array(moved), claimed(branches, t), rounding=rounding, chance=False))
    findings += kernel_tests(run, (1, 8, 64), False, scales, order)
    return all_of(findings)
