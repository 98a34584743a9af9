"""Shattered gradients in residual nets, under the assumption of independent masks that the (3/4)^L law makes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.mean_field.angles import turned
from claims.registry import claim, mutant
from claims.run import Run
from claims.shattering.masks import BALDUZZI
from evidence import Finding
from simulations.experiments.gradient_pairs import Masks
from simulations.experiments.residual_gradient_pairs import residual_gradient_pairs
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.shattering import masks as shattered
from theory.shattering import residual_pairs, small_shares

BLOCKS, WIDTH, ANGLE = 4, 32, sp.pi / 6
BRANCHES = (sp.S.One,) * BLOCKS
"""a^2 of each block: branches as large as the stream."""
Correlation = Callable[[int], sp.Expr]


def _inner_products(run: Run, masks: Masks, draws: int) -> Array:
    """Inner products of the gradients at two inputs, over the mean square norm, (draws,)."""
    rng, rows = run.rng("blocks"), run.inputs.narrowed(WIDTH)
    pairs = turned(rows[rng.permutation(len(rows))[:32]], float(ANGLE))
    found, _ = residual_gradient_pairs([1.0] * BLOCKS, pairs, draws=draws, rng=rng, masks=masks)
    products: Array = np.einsum("di,di->d", *found.swapaxes(0, 1)) / 2**BLOCKS
    return products


def _real(blocks: int) -> sp.Expr:
    return sp.Float(residual_pairs.gradient_correlations(float(ANGLE), blocks)[-1])


@claim(
    "G7",
    paper=BALDUZZI,
    where="the theorem on residual nets without batch normalisation",
    states=r"\frac{\mathbb E\langle g_1,g_2\rangle}{\mathbb E\|g\|^2}=\frac{(3/2)^L}{2^L}=\Bigl(\frac34\Bigr)^L\quad"
    r"\text{for independent masks}",
    derivation=[shattered.inner_product, shattered.square_norm, shattered.factor, shattered.decay],
    mutants=[
        mutant(
            "2^-L",
            "The law of plain nets; the gradient that takes the shortcut passes no mask.",
            correlation=shattered.independent_correlation,
        ),
        mutant(
            "the law of a real wide net",
            "Independent masks do not follow the angle between the inputs, here 30 degrees; those of a real net do.",
            correlation=_real,
        ),
        mutant(
            "normalised branches",
            "2 / sqrt(pi L): there the branch's share falls along the stream, here it is one half in every block.",
            correlation=small_shares.normalised_correlation,
        ),
        mutant(
            "the covariance",
            "(3/2)^L is that of gradients whose mean square grows to 2^L.",
            correlation=lambda blocks: sp.Rational(3, 2) ** blocks,
        ),
        mutant("masks of a real net", "The simulated net has its own masks, which overlap more.", masks="own"),
    ],
)
def coin_blocks_keep_three_quarters(
    run: Run,
    *,
    correlation: Correlation = lambda blocks: shattered.independent_correlation(blocks, 1),
    masks: Masks = "coins",
) -> Finding:
    """If masks were independent coins, a residual block would keep 3/4 of the correlation of two inputs' gradients.

    Averages over Gaussian weights and over the coins, below a fixed cotangent; exact at any width and any inputs under
    that assumption, which is put into the simulation and which real nets do not meet: theirs keep 1 - theta / (2 pi) a
    block (G3), 3/4 at right angles alone. Four "He then LeCun" blocks of width 32; the variance is exact (see G4).
    """
    truth = shattered.independent_correlation(BLOCKS, 1)
    variance = number(small_shares.independent_variance(WIDTH, BRANCHES))
    test = run.mean(truth, variance=variance, error=0.14, at_most=0.14)
    return test(run.once(_inner_products, masks, test.draws), expected=correlation(BLOCKS))
