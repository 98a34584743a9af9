"""Residual streams of batch-normalised branches: how their variance grows."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun
from simulations.layers.dense import Layer
from simulations.layers.normalisation import BatchNorm
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.normalisation import branches as normalised

BLOCKS, BATCH, CHANNELS, START = 3, 6, 4, 0.1
Branch = Callable[[int], tuple[Layer, ...]]


def _trailing(block: int) -> tuple[Layer, ...]:
    """Build linear-BN-ReLU-linear-BN."""
    first, last = (Dense(f"block{block}.layer{part}", CHANNELS, CHANNELS, lecun) for part in (0, 1))
    norms = [BatchNorm(f"block{block}.norm{part}", CHANNELS, eps=0.0) for part in (0, 1)]
    return first, norms[0], LeakyReLU(), last, norms[1]


def _without_last(block: int) -> tuple[Layer, ...]:
    return _trailing(block)[:-1]


def _unnormalised(block: int) -> tuple[Layer, ...]:
    first, _, relu, last, _ = _trailing(block)
    return first, relu, last


def _variances(run: Run, branch: Branch, draws: int) -> Array:
    """Mean variance of a channel over a batch of real rows that begins at START, (draws, BLOCKS + 1)."""
    network = Network(tuple(Residual(Sequential(branch(block))) for block in range(BLOCKS)))
    rng = run.rng("stream")
    rows = rng.permutation(np.unique(run.inputs.narrowed(CHANNELS), axis=0))
    starts = rng.integers(len(rows), size=draws)
    x = rows[(starts[:, None] + np.arange(BATCH)) % len(rows)]
    x = (x - x.mean(axis=1, keepdims=True)) * np.sqrt(START / x.var(axis=1).mean(axis=1))[:, None, None]
    states = network.run(network.draw(rng, draws), x).states
    return np.stack([state.var(axis=1).mean(axis=1) for state in states], axis=1)


WIDE = 8


def _rectified(run: Run, normal: bool, draws: int) -> Array:
    """What BN-ReLU-linear(He) adds to the mean variance of a channel of normal inputs, (draws,)."""
    norm = (BatchNorm("norm", WIDE, eps=0.0),) if normal else ()
    network, rng = Network((Residual(Sequential((*norm, LeakyReLU(), Dense("last", WIDE, WIDE, he)))),)), run.rng("pre")
    before, after = network.run(network.draw(rng, draws), 2 * rng.normal(size=(draws, BATCH, WIDE))).states
    added: Array = after.var(axis=1).mean(axis=1) - before.var(axis=1).mean(axis=1)
    return added


@claim(
    "R12",
    paper="De & Smith 2020; Balduzzi et al. 2017",
    where="normalised residual branches; exact forms derived here",
    states=r"\mathbb E\operatorname{Var}x_L=\operatorname{Var}x_0+L\ \text{(a trailing BN)};\quad"
    r"\text{BN-ReLU-linear: }+1-\tfrac1{2B}\bigl[1+(B-1)M_B\bigr]\to1-\tfrac1\pi",
    derivation=[normalised.stream, normalised.rectified_batch],
    mutants=[
        mutant(
            "it doubles",
            "The law of branches as large as the stream; these have variance 1 whatever the stream has.",
            growth=lambda start, blocks: start * 2**blocks,
        ),
        mutant(
            "1 - 1/pi with a trailing norm",
            "The slope of the layout without one: a trailing norm makes it 1.",
            growth=lambda start, blocks: start + blocks * normalised.rectified_limit(),
        ),
        mutant(
            "1 without a trailing norm",
            "He keeps the second moment, and the part 1/pi of it is the mean of each channel.",
            slope=lambda batch: sp.Integer(1),
        ),
        mutant(
            "1 - 2/pi",
            "The variance of |z| for twice that of a ReLU.",
            slope=lambda batch: 1 - 2 / sp.pi,
        ),
        mutant("no trailing norm", "The simulated branches end in a linear layer.", branch=_without_last),
        mutant("no norms", "The simulated branches have none: each has as much as its stream.", branch=_unnormalised),
        mutant(
            "no norm first", "The simulated second layout has no norm: four times as much of variance 4.", normal=False
        ),
    ],
)
def normalised_branches_grow_linearly(
    run: Run,
    *,
    growth: Callable[[float, int], sp.Expr] = normalised.stream_variance,
    slope: Callable[[int], sp.Expr] = normalised.rectified_variance,
    branch: Branch = _trailing,
    normal: bool = True,
) -> Finding:
    """A stream of branches that end in a batch norm gains variance 1 a block, one of BN-ReLU-linear(He) 1 - 1/pi.

    Variances over a batch (here of 6), the mean over channels, eps = 0. The first is an average over Gaussian weights
    at a fixed real batch, exact at any width and depth (width 4, three blocks): blocks add 1 + 2 Cov(x, F), of which
    only the mean covariance is random, with mean 0 and variance at most Var x / n given the past. The second averages
    over normal inputs as well, exact for one block at any batch and width; later blocks tend to it with the width.
    """
    run = run.share(BLOCKS + 1)
    truths = [number(normalised.stream_variance(START, block)) for block in range(BLOCKS + 1)]
    tests = {
        block: run.mean(truths[block], variance=4 / CHANNELS * sum(truths[:block]), error=0.07)
        for block in range(1, BLOCKS + 1)
    }
    seen = run.once(_variances, branch, max(test.draws for test in tests.values()))
    findings = [test(seen[:, block], expected=growth(START, block)) for block, test in tests.items()]
    # Given the activations a channel of F is normal of mean variance t <= 2 (ReLU contracts), Var(Var F) <= 2 t^2;
    # t is the mean of WIDE independent ones, and the covariance has variance Var x t / WIDE with Var x = 4 (B - 1) / B.
    truth = number(normalised.rectified_variance(BATCH))
    test = run.mean(truth, variance=(4 * truth + truth * (2 - truth) + 4 * 4 * truth) / WIDE, error=0.07)
    return all_of([*findings, test(run.once(_rectified, normal, test.draws), expected=slope(BATCH))])
