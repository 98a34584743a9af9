"""Shattered gradients in residual nets: what one block does to the gradients and the states of two inputs."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from claims.mean_field.angles import turned
from claims.registry import claim, mutant
from claims.run import Run
from claims.shattering.masks import BALDUZZI
from evidence import Finding, all_of
from simulations import LeakyReLU, residual_mlp
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import rademacher
from theory.domain import number
from theory.mean_field import angles
from theory.shattering import residual_pairs

WIDTH = 8
ANGLES = (sp.pi / 3, 2 * sp.pi / 3)
Law = Callable[[sp.Expr], sp.Expr]


def _block(run: Run, angle: sp.Expr, slope: float, draws: int) -> tuple[Array, Array]:
    """Inner products of gradients and of states at two inputs of norm 1, below and above one block, over the mean 2."""
    rng, pairs = run.rng("block", str(angle)), turned(run.inputs.narrowed(WIDTH), float(angle))
    network = residual_mlp(WIDTH, 1, activation=LeakyReLU(slope))
    passed = network.run(network.draw(rng, draws), pairs[rng.integers(len(pairs), size=draws)])
    v = np.repeat(rademacher(rng, (draws, 1, WIDTH)) / WIDTH**0.5, 2, axis=1)
    gradients, states = passed.backward(v)[0], passed.output
    of_gradients, of_states = (np.einsum("di,di->d", *one.swapaxes(0, 1)) / 2 for one in (gradients, states))
    return of_gradients, of_states


@cache
def _spread(angle: sp.Expr) -> tuple[float, float]:
    bounds = residual_pairs.overlap_variance_bound, residual_pairs.cosine_variance_bound
    first, second = (number(bound(angle, WIDTH)) for bound in bounds)
    return first, second


@claim(
    "G3",
    paper=BALDUZZI,
    where="the theorem on residual nets, without the assumption of independent masks; derived here",
    states=r"\frac{\mathbb E\langle g_1,g_2\rangle}{\mathbb E\|g\|^2}=1-\frac\theta{2\pi},\qquad "
    r"\frac{\mathbb E\langle x_1',x_2'\rangle}{\mathbb E\|x'\|^2}=\frac{c+c'}2\quad\text{in one block}",
    derivation=residual_pairs.DERIVATIONS,
    mutants=[
        mutant(
            "(3/4)^L in a real net",
            "A block's 3/4 needs independent masks, or orthogonal inputs: those of deeper blocks are no longer so.",
            overlap=lambda angle: sp.Rational(3, 4),
        ),
        mutant(
            "the law of a plain net",
            "1 - theta/pi: the gradient that takes the shortcut, which no mask touches, forgotten.",
            overlap=angles.mask_overlap,
        ),
        mutant(
            "no decay",
            "The identity path keeps gradients alike; but half of the mean square comes through the branch.",
            overlap=lambda angle: sp.Integer(1),
        ),
        mutant(
            "angles of a plain net",
            "The branch's cosine alone, which a shortcut averages with the one before.",
            cosine=angles.next_cosine,
        ),
        mutant("angles are kept", "The cosine that takes the shortcut alone.", cosine=sp.cos),
        mutant("no rectifier", "The simulated branch is linear.", slope=1.0),
    ],
)
def residual_blocks_shatter_half_as_much(
    run: Run,
    *,
    overlap: Law = residual_pairs.block_overlap,
    cosine: Law = residual_pairs.block_cosine,
    slope: float = 0.0,
) -> Finding:
    """A residual block multiplies the correlation of two gradients by 1 - theta / (2 pi), and moves the angle less.

    Averages over Gaussian weights at two fixed inputs of one norm, below a fixed cotangent; exact at any width. One
    block of width 8, "He then LeCun", at 60 and 120 degrees; errors of states are absolute. Given the hidden states,
    the variances are exact but for inequalities of Cauchy and Schwarz.
    """
    run, findings = run.share(2 * len(ANGLES)), []
    for angle in ANGLES:
        truths, units = (residual_pairs.block_overlap(angle), residual_pairs.block_cosine(angle)), (None, 1)
        gradients, states = (
            run.mean(truth, variance=variance, error=0.035, at_most=0.05, unit=unit)
            for truth, variance, unit in zip(truths, _spread(angle), units, strict=True)
        )
        samples = run.once(_block, angle, slope, max(gradients.draws, states.draws))
        findings.append(gradients(samples[0][: gradients.draws], expected=overlap(angle)))
        findings.append(states(samples[1][: states.draws], expected=cosine(angle)))
    return all_of(findings)
