"""Residual branches that end with a ReLU: the stream grows with the sum of the scales, not of their squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, Initialiser, LeakyReLU, Network, Residual, Sequential, he, lecun
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.residual import rectified_branches

WIDTH = 4
SCALES = (sp.Integer(1), sp.Rational(1, 10))
SOURCES = ("real", "one-hot", "flat")
Growth = Callable[[sp.Expr, sp.Symbol], sp.Expr]


def _inputs(run: Run, source: str) -> Array:
    """Inputs without negative entries, of square norm 1."""
    rows = {
        "real": np.abs(run.inputs.narrowed(WIDTH)),
        "one-hot": np.eye(WIDTH),
        "flat": np.ones((1, WIDTH)),
    }[source]
    rows = rows / rows.max(axis=1, keepdims=True)
    unit: Array = rows / norm(rows)[:, None]
    return unit


def _one_block(
    run: Run, source: str, scale: sp.Expr, init: Initialiser, rectified: bool, signed: bool, draws: int
) -> tuple[Array, Array]:
    """||x'||^2 / ||x||^2 and ||x||_1 / (sqrt n ||x||), each (draws,)."""
    rows, rng = _inputs(run, source), run.rng("one block", source, str(scale))
    dense = Dense("block", WIDTH, WIDTH, init.scaled(float(scale)))
    network = Network((Residual(Sequential((dense, LeakyReLU())) if rectified else dense),))
    x = rows[rng.integers(len(rows), size=draws)]
    if signed:
        x = x * rng.choice([-1.0, 1.0], size=x.shape)
    output = network.run(network.draw(rng, draws), x[:, None]).output
    return (output**2).sum(axis=(1, 2)), np.abs(x).sum(axis=1) / WIDTH**0.5


@claim(
    "R7",
    paper=HANIN,
    where="on residual networks, where branches end with a ReLU; constant derived here",
    states=r"x\ge0:\quad\frac{\mathbb E\|x+\eta\operatorname{relu}(Wx)\|^2}{\|x\|^2}=1+\frac{2\eta c}{\sqrt\pi}+\eta^2,"
    r"\qquad c=\frac{\|x\|_1}{\sqrt n\,\|x\|_2}",
    derivation=rectified_branches.DERIVATIONS,
    mutants=[
        mutant(
            "1 + eta^2",
            "The law of branches that end with a linear layer: their outputs have mean 0, those of a ReLU do not.",
            growth=lambda eta, c: 1 + eta**2,
        ),
        mutant(
            "amplitudes add",
            "(1 + eta)^2 takes x and the branch for parallel.",
            growth=lambda eta, c: (1 + eta) ** 2,
        ),
        mutant(
            "every input taken as flat",
            "c = 1 holds if all entries of x are equal; one-hot inputs have 1 / sqrt(n).",
            growth=lambda eta, c: rectified_branches.block_growth(eta, 1),
        ),
        mutant(
            "LeCun's mean for He's variance",
            "E relu(z) = sqrt(v / 2 pi) with v = 1/n, while the weights have 2/n.",
            growth=lambda eta, c: 1 + sp.sqrt(2 / sp.pi) * eta * c + eta**2,
        ),
        mutant(
            "no ReLU at the end",
            "The simulated branch is linear and keeps the mean square.",
            init=lecun,
            rectified=False,
        ),
        mutant(
            "inputs of both signs",
            "Below a first block that subtracts too, the entries of the simulated x have random signs.",
            signed=True,
        ),
    ],
)
def rectified_branches_grow_with_the_scale(
    run: Run,
    *,
    growth: Growth = rectified_branches.block_growth,
    init: Initialiser = he,
    rectified: bool = True,
    signed: bool = False,
) -> Finding:
    """With a ReLU at the end of its branch a block grows by 1 + 2 eta c / sqrt(pi) + eta^2: first order in the scale.

    Averages over Gaussian weights (others have another mean) at fixed inputs that are not negative: real, one-hot and
    flat; exact at any width (here 4). Scales 1, and 0.1, where nearly all growth is the linear term. Given x, the
    Gaussian Poincare inequality bounds the variance of the ratio R by (8 eta^2 / n) E R, and E R is at least 1 + eta^2.
    """
    c = sp.Symbol("c", nonnegative=True)
    run, findings = run.share(len(SCALES) * len(SOURCES)), []
    for scale in SCALES:
        truth, told = (sp.lambdify(c, one(scale, c)) for one in (rectified_branches.block_growth, growth))
        finer = min(1.0, 3 * float(scale))
        variance = number(rectified_branches.relative_variance_bound(scale, WIDTH)) / float(1 + scale**2)
        test = run.mean(1, variance=variance, error=0.04 * finer, at_most=0.06 * finer)
        for source in SOURCES:
            ratios, flatness = run.once(_one_block, source, scale, init, rectified, signed, test.draws)
            truths = truth(flatness)
            findings.append(test(ratios / truths, expected=(told(flatness) / truths).mean()))
    return all_of(findings)
