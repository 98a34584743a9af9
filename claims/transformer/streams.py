"""Residual streams of pre-LN perceptrons, and of GPT-2, whose branches are scaled by their number."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun
from simulations.attention.layer import Projections
from simulations.layers.dense import Layer
from simulations.layers.normalisation import LayerNorm
from simulations.layers.scaling import Scale
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import PRE
from simulations.transformer.stack import transformer
from theory.domain import number
from theory.transformer import random_walk, streams

XIONG = "Xiong et al. 2020 (On Layer Normalization in the Transformer Architecture)"
GPT2 = "Radford et al. 2019 (GPT-2)"
WIDTH, HIDDEN, BLOCKS = 6, 10, 3
Place = str
"""Where norms stand: pre, post or none."""


def perceptrons_of(width: int, hidden: int, blocks: int, place: Place = "pre", branch: float = 1.0) -> Network:
    """Build a stream of perceptrons, He then LeCun, with norms of epsilon 0; pre-LN has one more at the end."""
    layers: list[Layer] = []
    for block in range(blocks):
        norm = LayerNorm(f"block{block}.norm", width, 0.0)
        first = Dense(f"block{block}.layer0", width, hidden, he)
        last = Dense(f"block{block}.layer1", hidden, width, lecun)
        before, scale = (norm,) if place == "pre" else (), () if branch == 1 else (Scale(branch),)
        whole = Residual(Sequential((*before, first, LeakyReLU(), last, *scale)))
        layers.append(Sequential((whole, norm)) if place == "post" else whole)
    return Network((*layers, LayerNorm("last", width, 0.0)) if place == "pre" else tuple(layers))


def real_row(run: Run, width: int) -> Array:
    """One real row of the mean square 1, whose mean is not 0, (1, 1, width)."""
    rows = run.inputs.narrowed(width)
    rows = rows[np.ptp(rows, axis=1) > 0]
    row = rows[run.rng("row", width).integers(len(rows))]
    scaled: Array = (row / np.sqrt(np.square(row).mean()))[None, None]
    return scaled


def _states(run: Run, place: Place, branch: float, draws: int) -> Array:
    """The states behind every block, for one real row, (BLOCKS + 1, draws, WIDTH)."""
    network = perceptrons_of(WIDTH, HIDDEN, BLOCKS, place, branch)
    x = np.repeat(real_row(run, WIDTH), draws, axis=0)
    states = network.run(network.draw(run.rng("weights"), draws), x).states
    return np.stack([state[:, 0] for state in states[: BLOCKS + 1]])


Growth = Callable[[float, int, int, float], sp.Expr]


@claim(
    "V1",
    paper=XIONG,
    where="section 3.3, the pre-LN stream; exact forms derived here",
    states=r"\mathbb E\|x_L\|^2=\|x_0\|^2+L\,\eta^2d,\qquad\mathbb E\operatorname{Var}x_L=\operatorname{Var}x_0"
    r"+L\,\eta^2\Bigl(1-\frac1d\Bigr)",
    derivation=[streams.branch, streams.growth, streams.variance, streams.variance_growth, random_walk.over_sizes],
    mutants=[
        mutant(
            "it doubles",
            "The law without norms, where a branch is as large as the stream.",
            growth=lambda start, width, blocks, gain: start * (1 + gain) ** blocks,
        ),
        mutant(
            "amplitudes add",
            "The root grows by one a branch: branches are uncorrelated with the stream, so squares add.",
            growth=lambda start, width, blocks, gain: (sp.sqrt(start) + blocks * math.sqrt(gain * width)) ** 2,
        ),
        mutant(
            "variance 1 a branch",
            "A branch has the mean square 1, of which the mean over d features has 1/d.",
            variance=lambda start, width, blocks, gain: start + blocks * gain,
        ),
        mutant(
            "eta for eta^2",
            "A scale taken for a gain.",
            growth=lambda start, width, blocks, gain: streams.square_norm(start, width, blocks, math.sqrt(gain)),
        ),
        mutant("norms behind", "The simulated stream is post-LN, and stays at d.", place="post"),
        mutant("no norms", "The simulated branches see the stream as it is.", place="none"),
    ],
)
def pre_ln_streams_grow_linearly(
    run: Run,
    *,
    growth: Growth = streams.square_norm,
    variance: Growth = streams.feature_variance,
    place: Place = "pre",
) -> Finding:
    """A pre-LN stream grows by the same amount a branch: d in square norm, 1 - 1/d in variance over features.

    Averages over Gaussian weights (He, then LeCun) at one real row; exact at every width and depth, epsilon 0, with
    branches as they are and times eta^2 = 1/L, which adds d in all. Second moments and variances over features, not
    over weights. RMSNorm gives the same, as its output has the same norm. Three blocks of width 6; variances exact.
    """
    run, findings = run.share(4), []
    row = real_row(run, WIDTH)
    for branch in (1.0, BLOCKS**-0.5):
        gain = branch**2
        size, moved = (
            BLOCKS * gain,
            BLOCKS * gain**2 * 5 / HIDDEN,
        )  # the sum of branches' mean squares, and its variance
        start, spread = float(np.square(row).sum()), float(row.var())
        truth = number(streams.square_norm(start, WIDTH, BLOCKS, gain))
        norms = run.mean(truth, variance=random_walk.norm_variance(start, WIDTH, size, moved), error=0.05)
        truth = number(streams.feature_variance(spread, WIDTH, BLOCKS, gain))
        of_kept = random_walk.norm_variance(WIDTH * spread, WIDTH - 1, size, moved) / WIDTH**2
        variances = run.mean(truth, variance=of_kept, error=0.05, at_most=0.06)
        seen = run.once(_states, place, branch, max(norms.draws, variances.draws))[BLOCKS]
        squares = np.square(seen[: norms.draws]).sum(axis=1)
        findings.append(norms(squares, expected=growth(start, WIDTH, BLOCKS, gain)))
        spreads = seen[: variances.draws].var(axis=1)
        findings.append(variances(spreads, expected=variance(spread, WIDTH, BLOCKS, gain)))
    return all_of(findings)


def _scaled(run: Run, depth: int, factor: float, draws: int) -> Array:
    """Square norms of the first token behind a stack whose branches are scaled by `factor`, (draws,)."""
    projections = Projections(output=lecun.scaled(factor))
    recipe = replace(PRE, projections=projections, last=lecun.scaled(factor), affine=False, eps=0.0)
    network = transformer(WIDTH, depth, recipe, hidden=HIDDEN, positions=1, causal=True)
    x = np.repeat(real_row(run, WIDTH), draws, axis=0)
    states = network.run(network.draw(run.rng("weights", depth), draws), x).states
    squares: Array = np.square(states[-2]).sum(axis=(1, 2))
    return squares


@claim(
    "V4",
    paper=GPT2,
    where="section 2.3: the weights of residual layers are scaled by 1 / sqrt N; exact form derived here",
    states=r"\mathbb E\|x_{2N}\|^2=\|x_0\|^2+d\quad\text{for every }N,\text{ if the last layers of the }2N\text{ "
    r"branches are divided by }\sqrt{2N}",
    derivation=[streams.growth, streams.scaled_layers, random_walk.over_sizes],
    mutants=[
        mutant(
            "1 / sqrt N",
            "N counts layers of two branches each: the branches together then add 2 d.",
            factor=lambda depth: depth**-0.5,
        ),
        mutant("1 / (2N)", "A variance taken for a deviation.", factor=lambda depth: 1 / (2 * depth)),
        mutant("as they are", "The simulated branches are not scaled: 2 N d.", factor=lambda depth: 1.0),
        mutant(
            "it keeps the norm",
            "The branches add d in all, as much as a normalised stream has; nothing takes it away.",
            norm=lambda start, width: start,
        ),
        mutant("it grows e-fold", "(1 + 1/L)^L tends to e without norms; with norms the sum stays 2.",
               norm=lambda start, width: sp.E * start),
    ],
)  # fmt: skip
def scaled_branches_add_one_normalised_stream(
    run: Run,
    *,
    norm: Callable[[float, int], sp.Expr] = streams.scaled_norm,
    factor: Callable[[int], float] = lambda depth: (2 * depth) ** -0.5,
) -> Finding:
    """Branches divided by sqrt(2N), as in GPT-2, add the square norm d to a stream of N layers, whatever N.

    Averages over Gaussian weights (values LeCun, perceptrons He, then LeCun over the root) at a token that sees itself
    alone; exact at every width and depth, epsilon 0. Two layers and seven, of width 6; the variance is exact.
    """
    run, findings = run.share(2), []
    start = float(np.square(real_row(run, WIDTH)).sum())
    for depth in (2, 7):
        # Of the branches' mean squares that of attention has the variance 2/d, that of perceptrons 5/h.
        moved = (2 / WIDTH + 5 / HIDDEN) * depth / (2 * depth) ** 2
        truth = number(streams.scaled_norm(start, WIDTH))
        test = run.mean(truth, variance=random_walk.norm_variance(start, WIDTH, 1, moved), error=0.05, at_most=0.08)
        findings.append(test(run.once(_scaled, depth, factor(depth), test.draws), expected=norm(start, WIDTH)))
    return all_of(findings)
