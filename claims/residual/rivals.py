"""Fixup's rivals that scale shortcut or branch by the block's depth: depth-dependent scaling and NF-ResNets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun, measure
from simulations.layers.dense import Layer
from simulations.layers.losses import EPS
from simulations.layers.scaling import Scale
from simulations.networks.rival_norms import nf_block, nf_variances
from simulations.networks.rivals import shao_block
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import rivals

WIDTH, HIDDEN = 4, 6


def _branch(block: int) -> tuple[Layer, ...]:
    """He then LeCun: a branch that keeps the mean square."""
    name = f"block{block}.layer"
    return Dense(f"{name}0", WIDTH, HIDDEN, he), LeakyReLU(), Dense(f"{name}1", HIDDEN, WIDTH, lecun)


def _second_moment(gain: sp.Expr) -> sp.Expr:
    return residual_fluctuations.block_ratio_second_moment(WIDTH, HIDDEN, gain)


SHAO_BLOCKS, OFFSET = 3, 2


def _shao(position: int) -> Residual:
    return shao_block(_branch(position), position, OFFSET)


def _swapped_roots(position: int) -> Residual:
    """Build b x + sqrt(1 - b^2) f: the two scales swapped."""
    block = _shao(position)
    assert isinstance(block.shortcut, Scale)
    return Residual(
        Sequential((*_branch(position), block.shortcut)), Scale(float(np.sqrt(1 - block.shortcut.factor**2)))
    )


def _parts(run: Run, block: Callable[[int], Residual], draws: int) -> Array:
    """||x_L||^2 and the squared norms of what x_0 and every branch put into x_L, over ||x_0||^2, (draws, L + 2)."""
    blocks = [block(position) for position in range(SHAO_BLOCKS)]
    rows, rng = run.inputs.narrowed(WIDTH), run.rng("shao")
    network = Network(tuple(blocks))
    x = rows[rng.integers(len(rows), size=draws)][:, None, :]
    states = network.run(network.draw(rng, draws), x).states
    kept = np.array([part.shortcut.factor if isinstance(part.shortcut, Scale) else 1.0 for part in blocks])
    pieces = [states[-1], np.prod(kept) * x]
    for position, (before, after) in enumerate(pairwise(states)):
        pieces.append(np.prod(kept[position + 1 :]) * (after - kept[position] * before))
    squares = np.stack([np.square(piece).sum(axis=(1, 2)) for piece in pieces], axis=1)
    shares: Array = squares / np.square(x).sum(axis=(1, 2))[:, None]
    return shares


def _shao_second_moments() -> list[float]:
    """E(||x_l||^2 / ||x_0||^2)^2 at every depth: block l + 1 has the gain b^2 / (1 - b^2), and (1 - b^2)^2 outside."""
    squares = [sp.Rational(1, position + 1 + OFFSET) for position in range(SHAO_BLOCKS)]
    moments = [sp.Integer(1)]
    for square in squares:
        moments.append(moments[-1] * (1 - square) ** 2 * _second_moment(square / (1 - square)))
    return [number(moment) for moment in moments]


@claim(
    "R16",
    paper="Shao, Hu, Wang, Xue & Raj 2020",
    where="depth-dependent scaling; shares derived here",
    states=r"x_l=\sqrt{1-b_l^2}\,x_{l-1}+b_l f_l,\ b_l^2=\tfrac1{l+c}:\quad\mathbb E\|x_L\|^2=\|x_0\|^2,\ "
    r"b_l^2\prod_{j>l}(1-b_j^2)=\tfrac1{L+c}",
    derivation=[rivals.shao_block, rivals.shao_share, rivals.shao_input_share],
    mutants=[
        mutant(
            "halves",
            "Shares that halve with every block are those of blocks divided by sqrt 2.",
            share=lambda blocks, c: sp.Rational(1, 2**blocks),
        ),
        mutant(
            "the input like a branch",
            "c / (L + c) is as much as c branches have; they are alike at c = 1.",
            start=rivals.shao_branch_share,
        ),
        mutant(
            "counted from 0",
            "b_l^2 = 1/(l - 1 + c): then every branch has 1/(L - 1 + c).",
            share=lambda blocks, c: rivals.shao_branch_share(blocks - 1, c),
        ),
        mutant(
            "scales swapped", "The simulated shortcut has the branch's b and the branch the root.", block=_swapped_roots
        ),
        mutant(
            "the shortcut left alone",
            "The simulated blocks scale the branch and not the shortcut: the stream grows.",
            block=lambda position: Residual(_shao(position).branch),
        ),
    ],
)
def depth_dependent_scaling_shares_equally(
    run: Run,
    *,
    share: Callable[[int, int], sp.Expr] = rivals.shao_branch_share,
    start: Callable[[int, int], sp.Expr] = rivals.shao_start_share,
    block: Callable[[int], Residual] = _shao,
) -> Finding:
    """With b_l^2 = 1/(l + c) the stream keeps its mean square and every branch has the same share of it, 1/(L + c).

    Averages over Gaussian weights at fixed input; exact at any width (here 4, and 6 hidden units). Three blocks, c = 2:
    the total, the three branches, and the share of the input, which is not random. A branch has E||f||^4 / ||x||^4 =
    (1 + 2/n)(1 + 5/h).
    """
    run, kurtosis = run.share(SHAO_BLOCKS + 1), (1 + 2 / WIDTH) * (1 + 5 / HIDDEN)
    *before, after = _shao_second_moments()
    total = run.mean(1, variance=after - 1, error=0.08)
    equal = number(rivals.shao_branch_share(SHAO_BLOCKS, OFFSET))
    tests = [run.mean(equal, variance=equal**2 * (kurtosis * moment - 1), error=0.08) for moment in before]
    samples = run.once(_parts, block, max(test.draws for test in (total, *tests)))
    branches = [
        test(column, expected=share(SHAO_BLOCKS, OFFSET)) for test, column in zip(tests, samples.T[2:], strict=True)
    ]
    begun = number(start(SHAO_BLOCKS, OFFSET))
    unspent = identity(samples[:, 1], begun, rounding=2 * (WIDTH + 8) * EPS)
    return all_of([total(samples[:, 0]), *branches, unspent])


NF_BLOCKS, ALPHA = 3, sp.Rational(4, 5)
Book = Callable[[float, int], Sequence[float]]


def _nf(run: Run, book: Book, swapped: bool, draws: int) -> Array:
    """||x||^2 / ||x_0||^2 after a stage, and over the book's units after a transition block behind it, (draws, 2)."""
    alpha = float(ALPHA)
    variances = book(alpha, NF_BLOCKS + 1)
    blocks = [
        nf_block(_branch(block), beta2**0.5, alpha**2) if swapped else nf_block(_branch(block), alpha, beta2)
        for block, beta2 in enumerate(variances)
    ]
    shortcut = Sequential((Scale(variances[-1] ** -0.5), Dense("transition", WIDTH, WIDTH, lecun)))
    network = Network((*blocks[:-1], Residual(blocks[-1].branch, shortcut)))
    norms = measure(network, run.inputs.narrowed(WIDTH), draws=draws, rng=run.rng("nf")).square_norms
    ratios: Array = norms[:, -2:] / norms[:, :1]
    return ratios


def _no_book(alpha: float, blocks: int) -> Sequence[float]:
    return (1.0,) * blocks


@claim(
    "R14",
    paper="Brock, De & Smith 2021 (NF-ResNets)",
    where="section 3, variance bookkeeping; exact form derived here",
    states=r"x_{l+1}=x_l+\alpha f(x_l/\beta_l),\ \beta_l^2=1+\alpha^2l:\quad \mathbb E\|x_L\|^2=(1+\alpha^2L)\|x_0\|^2;"
    r"\quad\text{after a transition block }1+\alpha^2",
    derivation=[rivals.nf_growth, rivals.nf_transition, rivals.nf_transition_second_moment],
    mutants=[
        mutant(
            "compound growth",
            "(1 + alpha^2)^L is the growth without the division by beta.",
            growth=lambda blocks, alpha: (1 + alpha**2) ** blocks,
        ),
        mutant(
            "amplitudes",
            "The branch adds alpha^2 to the variance, not alpha.",
            growth=lambda blocks, alpha: 1 + alpha * blocks,
        ),
        mutant(
            "no reset",
            "The shortcut of a transition block is divided by beta too, so the variance starts again.",
            reset=lambda alpha: rivals.nf_variance(NF_BLOCKS + 1, alpha),
        ),
        mutant(
            "reset to 1",
            "The transition block adds its own branch.",
            reset=lambda alpha: sp.Integer(1),
        ),
        mutant("no book", "The simulated blocks take beta = 1 everywhere.", book=_no_book),
        mutant(
            "the variance for its root",
            "The simulated branches are divided by the expected variance.",
            book=lambda alpha, blocks: [value**2 for value in nf_variances(alpha, blocks)],
        ),
        mutant(
            "alpha and beta swapped",
            "The letters differ between write-ups: the simulated blocks are x + beta f(x / alpha).",
            swapped=True,
        ),
    ],
)
def nf_variances_are_as_expected(
    run: Run,
    *,
    growth: Callable[[int, sp.Expr], sp.Expr] = rivals.nf_variance,
    reset: Callable[[sp.Expr], sp.Expr] = rivals.nf_reset,
    book: Book = nf_variances,
    swapped: bool = False,
) -> Finding:
    """Branches alpha f(x / beta) with beta^2 the expected variance add alpha^2 a block, and transition blocks reset it.

    Averages over Gaussian weights at fixed input; exact at any width (here 4, and 6 hidden units) for f of degree 1
    that keeps the mean square. Three blocks and a transition block, alpha = 0.8.
    """
    run, before = run.share(2), [rivals.nf_variance(block, ALPHA) for block in range(NF_BLOCKS + 1)]
    second = sp.prod(_second_moment(ALPHA**2 / variance) for variance in before[:-1])
    last = rivals.nf_reset_second_moment(WIDTH, HIDDEN, ALPHA) / before[-1] ** 2
    grown, settled = number(before[-1]), number(rivals.nf_reset(ALPHA))
    stream = run.mean(grown, variance=number(second) - grown**2, error=0.06)
    after = run.mean(settled, variance=number(second * last) - settled**2, error=0.06)
    samples = run.once(_nf, book, swapped, max(stream.draws, after.draws))
    return all_of(
        [
            stream(samples[:, 0], expected=growth(NF_BLOCKS, ALPHA)),
            after(samples[:, 1], expected=reset(ALPHA)),
        ]
    )
