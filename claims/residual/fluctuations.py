"""Residual streams: what they are made of when blocks are divided by sqrt 2, and how much their norm spreads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import numpy as np
import sympy as sp

from claims.papers import FIXUP, HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Initialiser, Network, he, lecun, measure, residual_mlp
from simulations.layers.losses import EPS
from simulations.layers.scaling import Scale
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.residual import branch_gains
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import norms as residual

WIDTH = 4


def _parts_of_the_stream(run: Run, factor: float, last_layer: Initialiser, draws: int) -> Array:
    """||x_2||^2 and the squared norms of what x_0, the first and the second branch put into it, over ||x_0||^2."""
    block = residual_mlp(WIDTH, 2, last_layer=last_layer).layers
    network = Network((block[0], Scale(factor), block[1], Scale(factor)))
    rows, rng = run.inputs.narrowed(WIDTH), run.rng("parts")
    x = rows[rng.integers(len(rows), size=draws)][:, None, :]
    start, first, between, second, end = network.run(network.draw(rng, draws), x).states
    kept = factor**2
    pieces = (end, kept * start, kept * (first - start), factor * (second - between))
    squares = np.stack([np.square(piece).sum(axis=(1, 2)) for piece in pieces], axis=1)
    shares: Array = squares / np.square(start).sum(axis=(1, 2))[:, None]
    return shares


@claim(
    "R11",
    paper=FIXUP,
    where="section 4, the baseline with sqrt(1/2) scaling",
    states=r"x_{l+1}=\tfrac{x_l+F_l}{\sqrt2}:\quad \mathbb E\|x_L\|^2=\|x_0\|^2,\text{ of which }x_0\text{ has }2^{-L}"
    r"\text{ and branch }i\text{ has }2^{-(L-i)}",
    derivation=[branch_gains.halved, branch_gains.share, residual_fluctuations.ratio_second_moment],
    mutants=[
        mutant(
            "equal shares",
            "That the total is constant does not make its parts alike: every block halves what came before.",
            share=lambda blocks: sp.Rational(1, 3),
        ),
        mutant(
            "the first branch dominates",
            "Shares in the reverse order: it is the last branch that has half of the stream.",
            share=lambda blocks: branch_gains.share_after(3 - blocks),
        ),
        mutant(
            "amplitudes",
            "1/sqrt 2 a block divides the amplitude; shares of the mean square halve.",
            share=lambda blocks: sp.sqrt(branch_gains.share_after(blocks)),
        ),
        mutant("no scaling", "The simulated blocks are not divided by sqrt 2, and the stream doubles.", factor=1.0),
        mutant("an average", "The simulated blocks are divided by 2: the stream halves.", factor=0.5),
        mutant("He on the last branch layer", "The simulated branches are twice as large.", last_layer=he),
    ],
)
def root_half_forgets_the_input(
    run: Run,
    *,
    share: Callable[[int], sp.Expr] = branch_gains.share_after,
    factor: float = float(np.sqrt(0.5)),
    last_layer: Initialiser = lecun,
) -> Finding:
    """Blocks divided by sqrt 2 keep the mean square, and each of them halves the share of everything before it.

    Averages over Gaussian weights at fixed input; exact at any width (here 4). Two blocks: the total, and the shares of
    the input (which is not random), of the first and of the second branch.
    """
    run = run.share(3)
    second = number(residual_fluctuations.block_ratio_second_moment(WIDTH, WIDTH))
    # A branch has E||F||^4 / ||x||^4 = (1 + 2/n)(1 + 5/n), what the ratio's E R^2 has beyond 1 + 2 + 4/n.
    branch = second - 3 - 4 / WIDTH
    total, first, last = (
        run.mean(truth, variance=fourth - truth**2, error=0.07)
        for truth, fourth in ((1.0, (second / 4) ** 2), (0.25, branch / 16), (0.5, branch * second / 16))
    )
    samples = run.once(_parts_of_the_stream, factor, last_layer, max(test.draws for test in (total, first, last)))
    return all_of(
        [
            total(samples[:, 0]),
            first(samples[:, 2], expected=share(2)),
            last(samples[:, 3], expected=share(1)),
            identity(samples[:, 1], number(share(2)), rounding=2 * (WIDTH + 8) * EPS),
        ]
    )


NARROW, HIDDEN = 2, 12


def _block_ratios(run: Run, gain: float, blocks: int, last_layer: Initialiser, draws: int) -> Array:
    """||x_{l+1}||^2 / ||x_l||^2 of every block of every draw, (draws * blocks,)."""
    network = residual_mlp(NARROW, blocks, hidden=HIDDEN, last_layer=last_layer.scaled(gain**0.5))
    norms = measure(network, run.inputs.narrowed(NARROW), draws=draws, rng=run.rng("ratios", blocks)).square_norms
    ratios: Array = (norms[:, 1:] / norms[:, :-1]).ravel()
    return ratios


@cache
def _spread(gain: sp.Expr) -> tuple[float, float, float]:
    """E R, Var R and a bound on Var((R - E R)^2 / Var R), by E R^3 >= (E R^2)^2 / E R (Cauchy and Schwarz)."""
    one = number(residual.block_growth(gain))
    two, four = (number(branch_gains.block_ratio_moment(order, NARROW, HIDDEN, gain)) for order in (2, 4))
    spread = two - one**2
    fourth = four - 4 * two**2 + 6 * two * one**2 - 3 * one**4
    return one, spread, fourth / spread**2 - 1


def _second_moment(width: int, hidden: int, gain: sp.Expr) -> sp.Expr:
    return residual_fluctuations.block_ratio_second_moment(width, hidden, gain)


@claim(
    "R9",
    paper=HANIN,
    where="Hanin & Rolnick, theorem 6; exact form derived here",
    states=r"\frac{\mathbb E\|x_L\|^4}{(\mathbb E\|x_L\|^2)^2}=\prod_l\Bigl(1+\frac{4\eta^2/n+\eta^4[(1+\frac2n)"
    r"(1+\frac5h)-1]}{(1+\eta^2)^2}\Bigr),\quad \eta^2=\tfrac1L:\ \to e^{4/n}",
    derivation=[
        residual_fluctuations.ratio_second_moment,
        branch_gains.calm,
        partial(branch_gains.ratio_moment, 4),
    ],
    mutants=[
        mutant(
            "a plain net's 5 / n",
            "The fluctuation of a net without shortcuts, which grows with depth whatever the scale of its branches.",
            second=lambda n, h, gain: (1 + gain) ** 2 * (1 + sp.Rational(5, n)),
        ),
        mutant(
            "the branch alone",
            "4 eta^2 / n, the spread of twice the inner product of stream and branch, left out: its mean is 0.",
            second=lambda n, h, gain: _second_moment(n, h, gain) - 4 * gain / n,
        ),
        mutant(
            "width and hidden width swapped",
            "5 belongs to the hidden ReLU layer, 2 and 4 to the linear last one; alike at equal widths.",
            second=lambda n, h, gain: _second_moment(h, n, gain),
        ),
        mutant("He on the last branch layer", "The simulated branches have twice the gain.", last_layer=he),
    ],
)
def residual_norms_spread_little(
    run: Run,
    *,
    second: Callable[[int, int, sp.Expr], sp.Expr] = _second_moment,
    last_layer: Initialiser = lecun,
) -> Finding:
    """A residual net's relative variance is set by its branches' scale and width, and free of depth at eta^2 = 1/L.

    Averages over Gaussian weights at fixed input; exact at finite width (here 2, and 12 hidden units). The spread of
    the ratio of a block, whose law depends on nothing below, is pooled over the blocks: eta^2 = 1/4 in 4, 1 in 2.
    """
    run, findings = run.share(2), []
    for gain, blocks in ((sp.Rational(1, 4), 4), (sp.Integer(1), 2)):
        one, spread, variance = _spread(gain)
        test = run.mean(1, variance=variance, error=0.1)
        ratios = run.once(_block_ratios, float(gain), blocks, last_layer, -(-test.draws // blocks))
        claimed = number(second(NARROW, HIDDEN, gain) - one**2) / spread
        findings.append(test((ratios - one) ** 2 / spread, expected=claimed))
    return all_of(findings)
