"""Shattered gradients where branches have small shares, with independent masks or real ones."""

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
from simulations.experiments.gradient_pairs import Masks
from simulations.experiments.residual_gradient_pairs import residual_gradient_pairs
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.mean_field import angles
from theory.shattering import coin_blocks, residual_pairs, small_shares
from theory.shattering import masks as shattered
from theory.shattering.block import BRANCH as BRANCH_SHARE

BLOCKS, WIDTH, NARROW = 6, 64, 8
NORMALISED = tuple(sp.Rational(1, block + 1) for block in range(BLOCKS))
SCALED = (sp.Rational(1, BLOCKS),) * BLOCKS
BRANCH = sp.Rational(1, 2)
"""a^2 in the second block of a normalised net."""
ANGLES = (sp.pi / 6, 2 * sp.pi / 3)
Correlation = Callable[[int], sp.Expr]
Law = Callable[[sp.Expr, sp.Expr], sp.Expr]


def _products(
    run: Run, width: int, branches: tuple[sp.Expr, ...], angle: sp.Expr, masks: Masks, draws: int
) -> tuple[Array, Array]:
    """Inner products of gradients and of states at two inputs of norm 1 at this angle, over their mean squares."""
    rng, rows = run.rng("blocks", width, str(branches), str(angle)), run.inputs.narrowed(width)
    pairs = turned(rows[rng.permutation(len(rows))[:32]], float(angle))
    found = residual_gradient_pairs([float(a2) for a2 in branches], pairs, draws=draws, rng=rng, masks=masks)
    grown = float(np.prod([float(1 + a2) for a2 in branches]))
    gradients, states = (np.einsum("di,di->d", *both.swapaxes(0, 1)) / grown for both in found)
    return gradients, states


@cache
def _variance(branches: tuple[sp.Expr, ...]) -> float:
    return number(small_shares.independent_variance(WIDTH, branches))


@claim(
    "G4",
    paper=BALDUZZI,
    where="the estimate 1 / sqrt L for residual nets with batch normalisation",
    states=r"\frac{\mathbb E\langle g_1,g_2\rangle}{\mathbb E\|g\|^2}=\prod_{l=1}^L\Bigl(1-\frac1{2(l+1)}\Bigr)"
    r"=\frac{\Gamma(L+\frac32)}{\Gamma(\frac32)\,\Gamma(L+2)}\sim\frac2{\sqrt{\pi L}}\ \Bigl(a_l^2=\frac1l\Bigr),\qquad"
    r"\Bigl(1-\frac1{2(L+1)}\Bigr)^L\to e^{-1/2}\ \Bigl(a^2=\frac1L\Bigr)\quad\text{for independent masks}",
    derivation=[
        *coin_blocks.DERIVATIONS,
        *small_shares.DERIVATIONS[:4],
        shattered.square_of_entries,
        shattered.square_of_inner_product,
        shattered.product_of_squares,
    ],
    exact=False,
    mutants=[
        mutant(
            "1 / (L + 1)",
            "All of the branch's share is lost; but half of the units active at one input are active at the other.",
            normalised=lambda blocks: sp.Rational(1, blocks + 1),
        ),
        mutant(
            "2^-L",
            "The law of plain nets, which have no shortcuts.",
            normalised=shattered.independent_correlation,
        ),
        mutant(
            "(3/4)^L",
            "The law of residual nets without normalisation, whose branches grow with the stream.",
            normalised=lambda blocks: shattered.independent_correlation(blocks, 1),
        ),
        mutant(
            "share 1 / l",
            "The branch's share of the stream below the block; above it the stream has itself added, 1 / (l + 1).",
            normalised=lambda blocks: sp.binomial(2 * blocks, blocks) / sp.Integer(4) ** blocks,
        ),
        mutant(
            "scaled like normalised",
            "Branches scaled by 1 / L in mean square have equal shares; those of normalised ones start larger.",
            scaled=small_shares.normalised_correlation,
        ),
        mutant(
            "no decay",
            "A stream of bounded mean square does not keep gradients alike: a constant factor is lost.",
            scaled=lambda blocks: sp.S.One,
        ),
        mutant(
            "masks of a real net",
            "The simulated net has its own masks, which overlap by the angle and ever more with depth.",
            masks="own",
        ),
    ],
)
def small_shares_shatter_slowly(
    run: Run,
    *,
    normalised: Correlation = small_shares.normalised_correlation,
    scaled: Correlation = small_shares.scaled_correlation,
    masks: Masks = "coins",
) -> Finding:
    """If masks were independent coins, normalised branches would give gradients a correlation of about 2 / sqrt(pi L).

    With branches of mean square 1 / L of their input's it would tend to exp(-1/2). Averages over Gaussian weights and
    over the coins, below a fixed cotangent; exact at any width and any inputs under that assumption, which is put into
    the simulation and which real nets do not meet: theirs decays more slowly (the claim after this one). Six blocks of
    width 64, branches scaled as normalisation would in the mean; inputs at 30 degrees. The variance is exact.
    """
    run, findings = run.share(2), []
    for branches, told, known in (
        (NORMALISED, normalised, small_shares.normalised_correlation),
        (SCALED, scaled, small_shares.scaled_correlation),
    ):
        test = run.mean(known(BLOCKS), variance=_variance(branches), error=0.1, at_most=0.12)
        samples, _ = run.once(_products, WIDTH, branches, ANGLES[0], masks, test.draws)
        findings.append(test(samples, expected=told(BLOCKS)))
    return all_of(findings)


@cache
def _known(angle: sp.Expr) -> tuple[tuple[float, float], tuple[float, float]]:
    """Means, of gradients and of states, and bounds of their variances."""
    means = (law(angle, BRANCH) for law in (small_shares.block_overlap, small_shares.block_cosine))
    bounds = small_shares.overlap_variance_bound, small_shares.cosine_variance_bound
    (overlap, cosine), (first, second) = map(number, means), (number(bound(angle, BRANCH, NARROW)) for bound in bounds)
    return (overlap, cosine), (first, second)


@claim(
    "G4",
    paper=BALDUZZI,
    where="normalised branches, without the assumption of independent masks; derived here",
    states=r"\frac{\mathbb E\langle g_1,g_2\rangle}{\mathbb E\|g\|^2}=1-\frac{a^2}{1+a^2}\frac\theta\pi,\qquad"
    r"\frac{\mathbb E\langle x_1',x_2'\rangle}{\mathbb E\|x'\|^2}=c+\frac{a^2}{1+a^2}\frac{\sin\theta-\theta c}\pi\quad"
    r"\text{in one block}",
    derivation=[
        small_shares.overlap,
        small_shares.cosine,
        angles.overlap,
        angles.cosine,
    ],
    mutants=[
        mutant(
            "independent masks",
            "Half of the branch's share, right for orthogonal inputs only.",
            overlap=lambda angle, branch: coin_blocks.block().at({BRANCH_SHARE: branch}),
        ),
        mutant(
            "the share below the block",
            "a^2, 1 / l in block l, for the branch's share of the sum, a^2 / (1 + a^2).",
            overlap=lambda angle, branch: 1 - branch * angle / sp.pi,
        ),
        mutant(
            "no decay",
            "The shortcut keeps gradients alike; a small share of them comes through the branch all the same.",
            overlap=lambda angle, branch: sp.S.One,
        ),
        mutant(
            "angles without normalisation",
            "The branch's cosine weighs as much as the shortcut's; it has only a^2 of its mean square.",
            cosine=lambda angle, branch: residual_pairs.block_cosine(angle),
        ),
        mutant("angles are kept", "The cosine that takes the shortcut.", cosine=lambda angle, branch: sp.cos(angle)),
        mutant("coins for masks", "The simulated net has independent masks at the two inputs.", masks="coins"),
    ],
)
def real_masks_shatter_small_shares_less(
    run: Run,
    *,
    overlap: Law = small_shares.block_overlap,
    cosine: Law = small_shares.block_cosine,
    masks: Masks = "own",
) -> Finding:
    """A block whose branch has the share s of its mean square multiplies gradients' correlation by 1 - s theta/pi.

    Averages over Gaussian weights at two fixed inputs of one norm, below a fixed cotangent; exact at any width. One
    block of width 8 with the share 1/3, as the second of a normalised net has in the mean, at 30 and 120 degrees;
    errors of states are absolute. Normalisation's own gradient is left out. Deeper nets follow in the wide limit and
    are not sampled: .394 instead of .336 below 10 blocks of shares 1 / (l + 1).
    """
    run, findings = run.share(2 * len(ANGLES)), []
    for angle in ANGLES:
        truths, variances = _known(angle)
        gradients = run.mean(truths[0], variance=variances[0], error=0.035, at_most=0.04)
        states = run.mean(truths[1], variance=variances[1], error=0.02, at_most=0.022, unit=1)
        both = run.once(_products, NARROW, (BRANCH,), angle, masks, max(gradients.draws, states.draws))
        findings.append(gradients(both[0][: gradients.draws], expected=overlap(angle, BRANCH)))
        findings.append(states(both[1][: states.draws], expected=cosine(angle, BRANCH)))
    return all_of(findings)
