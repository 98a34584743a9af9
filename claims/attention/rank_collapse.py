"""How attention draws tokens together, with and without a skip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from claims.attention.heads import WIDTH, head, tokens, unlike
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import lecun, zero
from simulations.attention.attend import attend, split
from simulations.attention.layer import Attention, Projections
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.attention import rank_collapse as theory
from theory.domain import number

DONG = "Dong, Cordonnier & Loukas 2021 (rank collapse)"
NOCI = "Noci et al. 2022 (signal propagation in Transformers)"
DRAWS, POSITIONS, BLOCKS = 128, 5, 3
STEP = 2.0**-7
"""Sizes of the differences are multiples of this, for tokens of norm 1."""
NODES = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
"""Multiples of STEP at which outputs are asked."""


def _centred(x: Array) -> Array:
    return np.asarray(x - x.mean(axis=1, keepdims=True))


def _at(run: Run, size: float) -> tuple[Array, Array]:
    """Differences of one head's outputs for tokens that differ by `size`, and what the cubic law says over size^3."""
    layer = head(WIDTH, POSITIONS)
    parameters, rows = layer.draw(run.rng("weights"), DRAWS), tokens(run, "collapse", DRAWS, POSITIONS + 1)
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    moved, query, key, value = _centred(rows[:, 1:]), *(parameters[part.weight] for part in layer.parts[:3])
    x = rows[:, :1] + size * moved
    vectors = [split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:3]]
    both = query @ key.mT / WIDTH**0.5
    told = _centred(moved @ both @ moved.mT @ moved @ value) / POSITIONS
    return _centred(attend(vectors[0], vectors[1], vectors[2])[0][:, 0, 0]), told


def _coefficients(run: Run, step: float) -> Array:
    """Taylor coefficients of orders 1, 2 and 3 by differences at 8 nodes: (3, draws, positions, width)."""
    seen = np.stack([_at(run, step * node)[0] for node in NODES])
    powers = np.vander(NODES * step, 9, increasing=True)[:, 1:]  # order 0 vanishes: equal tokens differ in nothing
    return np.tensordot(np.linalg.inv(powers), seen, axes=1)[:3]


@claim(
    "Q12",
    paper=DONG,
    where="theorem 1 and corollary; the expansion derived here",
    states=r"P\,\mathrm{SA}(\mathbf1\bar x^{\mathsf T}+\varepsilon R)=\frac{\varepsilon^3}{T}PRBR^{\mathsf T}RW_V"
    r"+O(\varepsilon^4),\qquad B=W_QW_K^{\mathsf T}/\sqrt{d_k}",
    derivation=theory.cubic,
    mutants=[
        mutant(
            "linear",
            "A layer that averages tokens, as of fixed weights: but what queries share of their weights they share of "
            "their outputs.",
            order=1,
        ),
        mutant("quadratic", "Logits of queries differ by eps^2 indeed; and the values they weigh by eps.", order=2),
        mutant("without 1/T", "Weights are near 1/T, and so is what logits change of them.", factor=float(POSITIONS)),
    ],
)
def without_a_skip_differences_are_cubed(run: Run, *, order: int = 3, factor: float = 1.0) -> Finding:
    """The differences between one head's outputs are of the third order in those between its tokens.

    No average: every draw, at every width, to the first order that does not vanish. Coefficients are taken by
    differences at eight sizes; their remainder is bounded by how far they differ at twice the sizes, where it is 64
    times as large.
    """
    found, coarse = (run.once(_coefficients, size) for size in (STEP, 2 * STEP))
    weights = np.array([64.0, 8.0, 1.0])  # so that one number an entry tells all three orders
    remainder = np.abs(found - coarse).max(axis=(2, 3)) + 1e4 * EPS / STEP ** np.arange(1, 4)[:, None]
    told = weights[order - 1] * factor * run.once(_at, STEP)[1]
    return identity(np.tensordot(weights, found, axes=1), told, rounding=(weights @ remainder)[:, None, None])


def _one_block(run: Run, draws: int) -> tuple[Array, Array, Array]:
    """Square norms of the differences of tokens before a block X + A X W_V and behind it, and of those of A X."""
    layer = Attention("attention", WIDTH, 1, POSITIONS, init=Projections(lecun.scaled(4), lecun.scaled(4)))
    parameters, x = layer.draw(run.rng("block"), draws), unlike(run, "block", draws, POSITIONS)
    vectors = [split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:3]]
    outputs, weights, _ = attend(vectors[0], vectors[1], vectors[2])
    squares = [np.square(_centred(of)).sum(axis=(1, 2)) for of in (x, x + outputs[:, 0, 0], weights[:, 0, 0] @ x)]
    return squares[0], squares[1], squares[2]


def _grown(before: Array, mixed: Array) -> Array:
    return before * number(theory.skipped_square(1, 0, WIDTH, 1 / WIDTH)) + mixed * (
        number(theory.skipped_square(0, 1, WIDTH, 1 / WIDTH))
    )


@claim(
    "Q13",
    paper=DONG,
    where="section 3, on skips; derived here",
    states=r"\mathbb E\|P(X+AXW_V)\|^2=\|PX\|^2+\sigma_v^2d\,\|PAX\|^2\ \ge\ \|PX\|^2",
    derivation=theory.skip,
    mutants=[
        mutant(
            "skips only slow it down",
            "With a skip differences do not shrink in mean: what attention adds comes on top.",
            grown=lambda before, mixed: before - mixed,
        ),
        mutant(
            "doubled",
            "The mean square of all tokens doubles if A X is as large as X; it is smaller.",
            grown=lambda before, mixed: 2 * before,
        ),
        mutant("kept", "A skip that keeps the differences, and no more.", grown=lambda before, mixed: before),
    ],
)
def with_a_skip_differences_grow(run: Run, *, grown: Callable[[Array, Array], Array] = _grown) -> Finding:
    """Behind a skip the mean square of the differences between tokens is never smaller than before.

    Averages over W_V at given tokens and attention weights; exact at every width. One block at real tokens, its logits
    large enough to tell tokens apart.
    """
    # |PX + Y|^2, Y = P A X W_V: its variance over the squared mean is (2 - 2 / (1 + r)^2) / d, r = |PAX|^2 / |PX|^2
    test = run.mean(1, variance=2 / WIDTH, error=0.03, at_most=0.05)
    before, after, mixed = run.once(_one_block, test.draws)
    return test(after / grown(before, mixed))


def _uniform(run: Run, logits: float, draws: int) -> tuple[Array, Array]:
    """Tokens before and after BLOCKS blocks X + A X W_V whose W_Q is 0, or `logits` times the usual."""
    init = Projections(zero if logits == 0 else lecun.scaled(logits))
    layer = Attention("attention", WIDTH, 1, POSITIONS, init=init)
    start = x = tokens(run, "uniform", draws, POSITIONS)
    for block in range(BLOCKS):
        parameters = layer.draw(run.rng("uniform", block), draws)
        vectors = [split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:3]]
        x = x + attend(vectors[0], vectors[1], vectors[2])[0][:, 0, 0]
    return start, x


def _doubled(blocks: int) -> float:
    return number(theory.uniform_growth(WIDTH, 1 / WIDTH)) ** blocks


@claim(
    "Q14",
    paper=NOCI,
    where="section 3; derived here",
    states=r"W_Q=0:\quad PX_{l+1}=PX_l,\qquad\mathbb E\|\bar x_L\|^2=2^L\,\|\bar x_0\|^2",
    derivation=[theory.uniform_differences, theory.uniform_mean, theory.cosine],
    mutants=[
        mutant(
            "the mean token grows by 1 + 1/T",
            "A mean of T independent values: but all queries add the same mean, of one token.",
            growth=lambda blocks: (1 + 1 / POSITIONS) ** blocks,
        ),
        mutant(
            "no growth", "A mean is no larger than what it is of, but it is added to it.", growth=lambda blocks: 1.0
        ),
        mutant("logits of their own", "The simulated heads have queries: they move tokens apart.", logits=1.0),
    ],
)
def uniform_attention_gathers_tokens(
    run: Run, *, growth: Callable[[int], float] = _doubled, logits: float = 0.0
) -> Finding:
    """Under uniform attention with a skip differences stay as they are while the mean token doubles in each block.

    The first holds for every draw, up to rounding; the second averages over W_V of variance 1/d, at fixed tokens; exact
    at every width, 3 blocks. So cosines tend to 1 although nothing is lost.
    """
    second = (4 + 6 / WIDTH) ** BLOCKS  # of |u + z|^2, u of norm 1 and z ~ N(0, I / d): mean 2, variance 6 / d
    test = run.share(2).mean(_doubled(BLOCKS), variance=second - 4**BLOCKS, error=0.1)
    start, end = run.once(_uniform, logits, test.draws)
    means = [np.square(of.mean(axis=1)).sum(axis=1) for of in (start, end)]
    largest = np.abs(end).max(axis=(1, 2)) + np.abs(start).max(axis=(1, 2))
    rounding = 64 * EPS * POSITIONS * BLOCKS * largest[:, None, None]
    kept = identity(_centred(end), _centred(start), rounding=rounding)
    return all_of([kept, test(means[1] / means[0], expected=growth(BLOCKS))])
