"""Constants and gains in front of branches: what they make of the first step at every depth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.attention.heads import tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Network, he, lecun, zero
from simulations.layers.dense import Dense, Gradients, Layer
from simulations.layers.network import Residual, Sequential
from simulations.layers.scaling import Scale
from simulations.networks.blocks import RELU
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.transformer import branch_scales as theory

YANG = "Yang et al. 2023 (Tensor Programs VI: depth-muP)"
BACHLECHNER = "Bachlechner et al. 2020 (ReZero)"
WIDTH, HIDDEN, BRANCHES = 8, 8, 3


@dataclass(frozen=True)
class Constant:
    """A constant in front of the branches of a net of so many."""

    depth: int
    value: sp.Expr


CONSTANTS = (
    Constant(4, 1 / sp.sqrt(4)),
    Constant(16, 1 / sp.sqrt(16)),
    Constant(4, sp.S.One),
    Constant(16, sp.Rational(1, 16)),
)
"""1/sqrt L at two depths, 1, and 1/L."""


def _passed(run: Run, network: Network, name: str, draws: int) -> tuple[Gradients, Array]:
    """Gradients of v^T x_L by name for a real token and a random v, and ||v||^2 ||x||^2, (draws,)."""
    x = tokens(run, name, draws, 1, WIDTH)
    x /= np.linalg.norm(x, axis=2, keepdims=True)
    readout, into = run.rng("readout", name).standard_normal(x.shape), Gradients()
    network.run(network.draw(run.rng("weights", name), draws), x).backward(readout, into)
    return into, np.square(readout).sum(axis=(1, 2))


def _trace(run: Run, depth: int, scale: float, draws: int) -> Array:
    """The trace over branches of one layer times `scale`, over ||v||^2 ||x||^2: (draws,)."""

    def block(number: int) -> Layer:
        return Residual(Sequential((Dense(f"block{number}", WIDTH, WIDTH, lecun), Scale(scale))))

    into, size = _passed(run, Network(tuple(map(block, range(depth)))), f"{depth} {scale}", draws)
    return np.asarray(sum((one.square_norm for one in into.values()), np.zeros(draws)) / size)


def _spread(constant: Constant) -> float:
    """A bound on the relative variance of the trace, by Minkowski's inequality over its terms.

    A term is a product of two independent square norms. Each block has E R^2 = (1 + s^2)^2 + (4 s^2 + 2 s^4) / d.
    """
    square = float(constant.value**2)
    ratio = 1 + (4 * square + 2 * square**2) / WIDTH / (1 + square) ** 2
    return float(ratio ** (constant.depth - 1) - 1)


Trace = Callable[[int, sp.Expr], sp.Expr]


@claim(
    "V16",
    paper=YANG,
    where="abstract: blocks of one layer (the trace derived here)",
    states=r"\frac{\mathbb E\operatorname{tr}K}{\|v\|^2\|x\|^2}=Ls^2(1+s^2)^{L-1}:\quad "
    r"s=\tfrac1{\sqrt L}:\ \Bigl(1+\frac1L\Bigr)^{L-1}\to e,\qquad s=1:\ L\,2^{L-1},\qquad s=\tfrac1L:\ O(1/L)",
    derivation=[theory.trace, theory.by_root, theory.by_depth, theory.root_limit],
    mutants=[
        mutant(
            "the limit",
            "e for 1/sqrt L at every depth; four branches have not got there.",
            trace=lambda depth, scale: sp.E if scale**2 * depth == 1 else theory.kernel_trace(depth, scale),
        ),
        mutant(
            "branches add up",
            "L s^2: each branch sees what those before have added, and is seen through those behind.",
            trace=lambda depth, scale: depth * scale**2,
        ),
        mutant(
            "1/L keeps the step",
            "1/L keeps the output at its first size; the first step vanishes like 1/L.",
            trace=lambda depth, scale: sp.S.One if scale * depth == 1 else theory.kernel_trace(depth, scale),
        ),
        mutant(
            "2^L",
            "A branch's own doubling is not in its gradient: L - 1 others are.",
            trace=lambda depth, scale: theory.kernel_trace(depth, scale) * (1 + scale**2),
        ),
        mutant("no constant", "The simulated branches are added as they are.", used=lambda scale: 1.0),
    ],
)
def root_of_depth_keeps_the_first_step(
    run: Run, *, trace: Trace = theory.kernel_trace, used: Callable[[float], float] = float
) -> Finding:
    """With 1/sqrt L before branches of one linear layer the first step stays between 1 and e times one branch's.

    The trace of the tangent kernel over L branches, (1 + 1/L)^(L - 1) in units of ||v||^2 ||x||^2; it grows like
    L 2^(L - 1) without the constant and falls like 1/L with 1/L. Averages over weights; exact at every width and depth.
    m = 1, for which Fixup's exponent is singular. Variances of the tests are bounds for Gaussian weights.
    """
    run, findings = run.share(len(CONSTANTS)), []
    for one in CONSTANTS:
        truth = number(theory.kernel_trace(one.depth, one.value))
        test = run.mean(1, variance=_spread(one), error=0.15, at_most=0.2)
        found = run.once(_trace, one.depth, used(float(one.value)), test.draws)
        findings.append(test(found / truth, expected=number(trace(one.depth, one.value)) / truth))
    return all_of(findings)


def _gains(run: Run, draws: int) -> Array:
    """Squared slopes in the gains of all branches, one a branch and one a channel, over ||v||^2 ||x||^2: (2, draws).

    Both are seen in a matrix of zeros behind the branch: one gain moves along its diagonal as a whole, one a channel
    along each entry of it.
    """

    def block(number: int) -> Layer:
        layers = (Dense(f"first{number}", WIDTH, HIDDEN, he), RELU, Dense(f"last{number}", HIDDEN, WIDTH, lecun))
        return Residual(Sequential((*layers, Dense(f"gain{number}", WIDTH, WIDTH, zero))))

    into, size = _passed(run, Network(tuple(map(block, range(BRANCHES)))), "gains", draws)
    slopes = np.stack([into[f"gain{i}.weight"].array.diagonal(axis1=1, axis2=2) for i in range(BRANCHES)])
    return np.stack([np.square(slopes.sum(axis=2)).sum(axis=0), np.square(slopes).sum(axis=(0, 2))]) / size


Gain = Callable[[int, int, int], sp.Expr]


@claim(
    "V17",
    paper=BACHLECHNER,
    where="the gain of a branch, beside that of Touvron et al. 2021 (LayerScale); compared here",
    states=r"\mathbb E\sum_l(v^{\mathsf T}F_l)^2=\mathbb E\sum_l\sum_iv_i^2F_{l,i}^2=\frac{\|v\|^2}d\sum_l\mathbb "
    r"E\|F_l\|^2",
    derivation=[theory.rezero, theory.layer_scale],
    mutants=[
        mutant(
            "d gains move d times as much",
            "Each hears of its own channel only, which has a d-th of the branch.",
            many=lambda readout, branch, width: width * theory.gain_trace(readout, branch, width),
        ),
        mutant(
            "one gain hears less",
            "The squared sum of d terms of random sign is the sum of their squares in mean, not a d-th of it.",
            one=lambda readout, branch, width: theory.gain_trace(readout, branch, width) / width,
        ),
        mutant(
            "one gain hears the sum",
            "||v||^2 ||F||^2, as if v and the branch had one direction.",
            one=lambda readout, branch, width: width * theory.gain_trace(readout, branch, width),
        ),
    ],
)
def a_gain_a_channel_moves_no_more_than_one(
    run: Run, *, one: Gain = theory.gain_trace, many: Gain = theory.gain_trace
) -> Finding:
    """Gains that start at 0, one a branch or one a channel, have the same squared slopes in mean.

    So LayerScale's d gains move the output no more at the first step than ReZero's one. Averages over the last layer
    of each branch; exact at every width. LayerScale as published starts at a small number, here at 0.
    """
    run = run.share(2)
    spread = (3 * (1 + 5 / HIDDEN) - 1) / BRANCHES  # of (v.F)^2 with Gaussian weights; of a mean of channels less
    test = run.mean(1, variance=spread, error=0.15, at_most=0.25)
    found, truth = run.once(_gains, test.draws), number(theory.gain_trace(1, 1, WIDTH))
    return all_of(
        test(samples / (BRANCHES * truth), expected=number(told(1, 1, WIDTH)) / truth)
        for samples, told in zip(found, (one, many), strict=True)
    )
