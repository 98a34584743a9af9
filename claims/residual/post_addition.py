"""Residual nets with a ReLU after the addition, as in ResNet v1 and in Fixup's released code."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, Initialiser, LeakyReLU, Network, Residual, Sequential, he, lecun, measure
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.residual import post_addition

GAINS: dict[int, Initialiser] = {1: lecun, 2: he}
"""The last layer of a branch, and with it the gain of the branch."""
NARROW, WIDE, BLOCKS, SPARE = 4, 16, 4, 20
COARSEST = 0.06
"""The growths of gains 1 and 2, and those of their wrong versions, are too close for larger errors at quick effort."""


def _network(width: int, blocks: int, last_layer: Initialiser, rectified: bool = True) -> Network:
    """Blocks relu(x + W x); as x is not negative, W x is W relu(x), a branch of one layer."""
    layers = [Residual(Dense(f"block{block}", width, width, last_layer)) for block in range(blocks)]
    return Network(tuple(Sequential((layer, LeakyReLU())) if rectified else layer for layer in layers))


def _rows(run: Run, source: str) -> Array:
    """Inputs that are not negative, with a root mean square of 1."""
    rows = {
        "real": np.abs(run.inputs.narrowed(NARROW)),
        "one-hot": np.eye(NARROW),
        "all ones": np.ones((1, NARROW)),
    }[source]
    scaled: Array = np.sqrt(NARROW) * rows / norm(rows)[:, None]
    return scaled


def _one_block(
    run: Run, source: str, gain: int, last_layer: Initialiser, rectified: bool, draws: int
) -> tuple[Array, Array]:
    """||x'||^2 / ||x||^2 in one block, (draws,), and the inputs x, (draws, NARROW)."""
    rows, rng = _rows(run, source), run.rng("one block", source, gain)
    network = _network(NARROW, 1, last_layer, rectified)
    x = rows[rng.integers(len(rows), size=draws)]
    output = network.run(network.draw(rng, draws), x[:, None]).output
    return (output**2).sum(axis=(1, 2)) / NARROW, x


Entry = Callable[[sp.Symbol, int], sp.Expr]


@claim(
    "R5",
    paper=FIXUP,
    where="released code and ResNet v1; derived here",
    states=r"\frac{\mathbb E\|x'\|^2}{\|x\|^2}=\frac1n\sum_{i=1}^{n}\Bigl[(u_i^2+g)\,"
    r"\Phi\bigl(\tfrac{u_i}{\sqrt g}\bigr)+u_i\sqrt g\,\varphi\bigl(\tfrac{u_i}{\sqrt g}\bigr)\Bigr],"
    r"\qquad x'=\operatorname{relu}(x+F),\quad "
    r"u_i=\frac{\sqrt n\,x_i}{\|x\|}",
    derivation=[post_addition.entry, post_addition.entry_from_below],
    mutants=[
        mutant(
            "1 + g",
            "Doubling (or tripling) holds before the last ReLU, which takes away what falls below zero.",
            entry=lambda u, gain: u**2 + gain,
        ),
        mutant(
            "half of it",
            "(1 + g)/2 presumes that x + F is symmetric about 0, but x is not negative.",
            entry=lambda u, gain: (u**2 + gain) / 2,
        ),
        mutant(
            "the branch halved",
            "1 + g/2 is the bound from below: an entry that is 0 lets half of the branch through, larger ones more.",
            entry=lambda u, gain: u**2 + sp.Rational(gain, 2),
        ),
        mutant(
            "every input taken as flat",
            "2 Phi(1) + phi(1) = 1.9247 at g = 1 is the growth from entries that are all equal.",
            entry=lambda u, gain: u**2 * post_addition.block_growth(1, gain),
        ),
        mutant(
            "the boundary term forgotten",
            "(u^2 + g) Phi is what comes of multiplying by the probability to be positive.",
            entry=lambda u, gain: (u**2 + gain) * (1 + sp.erf(u / sp.sqrt(2 * gain))) / 2,
        ),
        mutant("no ReLU after the addition", "The simulated block ends with the sum.", rectified=False),
        mutant(
            "the other last layer", "He where the claim is made for LeCun, and LeCun where it is for He.", swap=True
        ),
    ],
)
def one_block_after_the_addition(
    run: Run, *, entry: Entry = post_addition.block_growth, rectified: bool = True, swap: bool = False
) -> Finding:
    """With a ReLU after the addition a block's growth depends on its input and lies between 1 + g/2 and 1 + g.

    Averages over Gaussian weights at fixed non-negative input (real, one-hot and flat); exact at any width (here 4) for
    a branch of one layer of gain g, 1 (LeCun) or 2 (He). Given x, the Gaussian Poincare inequality bounds the variance
    of the ratio R by 4 (g/n) E R, and E R is at least 1 + g/2.
    """
    sources, u, findings = ("real", "one-hot", "all ones"), sp.Symbol("u", real=True), []
    run = run.share(len(GAINS) * len(sources))
    for gain in GAINS:
        truth = sp.lambdify(u, post_addition.block_growth(u, gain), "scipy")
        told = sp.lambdify(u, entry(u, gain), "scipy")
        variance = 4 * gain / NARROW / number(post_addition.growth_bounds(gain)[0])
        test = run.mean(1, variance=variance, error=0.04, at_most=COARSEST)
        for source in sources:
            ratios, x = run.once(_one_block, source, gain, GAINS[3 - gain if swap else gain], rectified, test.draws)
            truths = truth(x).mean(axis=1)
            findings.append(test(ratios / truths, expected=(told(x).mean(axis=1) / truths).mean()))
    return all_of(findings)


def _last_ratio(run: Run, gain: int, last_layer: Initialiser, draws: int) -> Array:
    """||x_L||^2 / ||x_{L-1}||^2 in the last block; NaN above a dead one."""
    network, rows = _network(WIDE, BLOCKS, last_layer), np.abs(run.inputs.narrowed(WIDE))
    norms = measure(network, rows, draws=draws, rng=run.rng("deep", gain)).square_norms[:, -2:]
    ratios = np.full(len(norms), np.nan)
    np.divide(norms[:, 1], norms[:, 0], out=ratios, where=norms[:, 0] > 0)
    return ratios


@claim(
    "R5",
    paper=FIXUP,
    where="released code and ResNet v1; limit found numerically here",
    states=r"\frac{\mathbb E\|x_{l+1}\|^2}{\mathbb E\|x_l\|^2}\to1.7441\ (g=1),\quad2.3989\ (g=2),\qquad "
    r"X_{l+1}=\operatorname{relu}\bigl(X_l+\sqrt{g\,\mathbb E X_l^2}\,t\bigr),\quad t\sim\mathcal N(0,1)",
    derivation=[post_addition.entry, post_addition.entry_from_below, post_addition.rectified_gaussian],
    exact=False,
    mutants=[
        mutant(
            "2 and 3",
            "The growth of x + F without a ReLU after it.",
            growth=lambda gain: 1.0 + gain,
        ),
        mutant(
            "1 + g/2",
            "Half of the branch let through: true of entries at 0 only.",
            growth=lambda gain: 1 + gain / 2,
        ),
        mutant(
            "half of 2 and of 3",
            "A ReLU halves the mean square of symmetric sums; this stream is not negative.",
            growth=lambda gain: (1 + gain) / 2,
        ),
        mutant(
            "the first block for all",
            "1.9247 and 2.7201: the growth from a flat input, which deeper blocks no longer have.",
            growth=lambda gain: number(post_addition.block_growth(1, gain)),
        ),
        mutant(
            "the other last layer", "He where the claim is made for LeCun, and LeCun where it is for He.", swap=True
        ),
    ],
)
def growth_after_the_addition(
    run: Run, *, growth: Callable[[int], float] = post_addition.limit_growth, swap: bool = False
) -> Finding:
    """With a ReLU after the addition wide nets grow by 1.7441 a block with a LeCun last layer, 2.3989 with He's.

    Averages over Gaussian weights and non-negative inputs, for branches of one layer; asymptotic in width and depth.
    Tested in the fourth block at width 16. At infinite width, from a flat input, that is 0.4 % above the limit
    (computed); what the width adds has no derived bound. Both together were below 1 % where measured (real inputs),
    and the error stated is 6 %. The variance of the ratio is at most 4 g (1 + g)/n given the stream (Gaussian Poincare
    inequality), plus g^2/16 between streams, since every one makes the mean ratio lie between 1 + g/2 and 1 + g.
    """
    run, findings = run.share(len(GAINS)), []
    for gain in GAINS:
        truth = post_addition.limit_growth(gain)
        low, high = map(number, post_addition.growth_bounds(gain))
        variance = 4 * gain * high / WIDE + (high - low) ** 2 / 4
        test = run.mean(truth, variance=variance, error=0.06, at_most=COARSEST)
        # A block dies with a probability below 2^-16, and has no ratio then: a few draws more make up for it.
        ratios = run.once(_last_ratio, gain, GAINS[3 - gain if swap else gain], test.draws + SPARE)
        findings.append(test(ratios[np.isfinite(ratios)], expected=growth(gain)))
    return all_of(findings)
