"""Fixup, section 2: residual streams explode, forwards and backwards.

A block is x' = x + F(x). By default the branch F is "He then LeCun", which preserves the mean square: W2 relu(W1 x)
with variances 2 / fan_in and 1 / fan_in. The hidden width differs from the stream's, so that no formula can mix them.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, Network, Residual, he, lecun, measure, residual_mlp
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import norms as residual

WIDTH, HIDDEN, BLOCKS = 6, 8, 3
Growth = Callable[[int, int], sp.Expr]


def _square_norms(run: Run, last_layer: Initialiser, skip: bool, backward: bool, draws: int) -> Array:
    """Squared norms at every depth, or of the cotangents from the output back to the input, (draws, BLOCKS + 1)."""
    network = residual_mlp(WIDTH, BLOCKS, hidden=HIDDEN, last_layer=last_layer)
    if not skip:
        network = Network(tuple(block.branch for block in network.layers if isinstance(block, Residual)))
    inputs = run.inputs.narrowed(WIDTH)
    record = measure(network, inputs, draws=draws, rng=run.rng("blocks"), backward=backward)
    return record.gradient_square_norms[:, ::-1] if backward else record.square_norms


def _growth_test(
    run: Run, growth: Growth, *, gain: int, last_layer: Initialiser, skip: bool = True, backward: bool = False
) -> Finding:
    """Test the growth of the squared norm, block by block and over all blocks; the true branch gain is `gain`.

    Block ratios have one law, so one number of draws serves all: 2 % of the factor of each block, 10 % of the product.
    """
    run, factor = run.share(BLOCKS + 1), number(residual.block_growth(gain))
    second = number(residual_fluctuations.block_ratio_second_moment(WIDTH, HIDDEN, gain))
    one = run.mean(factor, variance=second - factor**2, error=0.02)
    whole = run.mean(factor**BLOCKS, variance=second**BLOCKS - factor ** (2 * BLOCKS), error=0.1)
    norms = run.once(_square_norms, last_layer, skip, backward, one.draws)
    claimed = [1.0, *(number(growth(gain, blocks)) for blocks in range(1, BLOCKS + 1))]
    findings = [
        one(norms[:, block + 1] / norms[:, block], expected=claimed[block + 1] / claimed[block])
        for block in range(BLOCKS)
    ]
    return all_of([*findings, whole(norms[:, -1] / norms[:, 0], expected=claimed[-1])])


@claim(
    "R2",
    paper=FIXUP,
    where="section 2",
    states=r"\mathbb E\|x_{l+1}\|^2=2\,\mathbb E\|x_l\|^2,\qquad \mathbb E\|x_L\|^2=2^L\|x_0\|^2",
    derivation=[
        residual.branch,
        residual.growth,
        residual.growth_in_depth,
        residual_fluctuations.ratio_second_moment,
    ],
    mutants=[
        mutant(
            "amplitudes add",
            "A branch as large as the stream doubles the mean square only because the two are uncorrelated; "
            "1 + 1/sqrt 2 mixes amplitudes and squares.",
            growth=lambda gain, blocks: (1 + 1 / sp.sqrt(2)) ** blocks,
        ),
        mutant(
            "linear growth",
            "L + 1 is the law of branches normalised to unit variance; the two agree at one block.",
            growth=lambda gain, blocks: sp.Integer(1 + blocks),
        ),
        mutant(
            "two a block",
            "2 L agrees at one and at two blocks: each block adds as much as the first.",
            growth=lambda gain, blocks: sp.Integer(2 * blocks if blocks else 1),
        ),
        mutant(
            "bounded by e",
            "(1 + 1/L)^L belongs to branches scaled by 1 / sqrt L.",
            growth=lambda gain, blocks: residual.second_moment_growth(sp.Rational(1, max(1, blocks)), blocks),
        ),
        mutant(
            "He on the last branch layer",
            "Without a ReLU after it, the last layer needs variance 1 / fan_in; with 2 / fan_in the stream triples.",
            last_layer=he,
        ),
        mutant(
            "no shortcut",
            "The branches one after the other preserve the mean square: the shortcut is what doubles it.",
            skip=False,
        ),
    ],
)
def residual_stream_doubles(
    run: Run, *, growth: Growth = residual.second_moment_growth, last_layer: Initialiser = lecun, skip: bool = True
) -> Finding:
    """Every block adds a branch as large as its input, so the mean square doubles per block.

    Averages over Gaussian weights at fixed input; exact at any width. Three blocks, each by itself and all together.
    """
    return _growth_test(run, growth, gain=1, last_layer=last_layer, skip=skip)


@claim(
    "R4",
    paper=FIXUP,
    where="section 2, with He's initialisation on every layer; derived here",
    states=r"\mathbb E\|x_L\|^2=3^L\|x_0\|^2\quad\text{if }\operatorname{Var}W_2=\tfrac2h",
    derivation=[residual.growth, residual.growth_in_depth],
    mutants=[
        mutant(
            "it doubles",
            "Doubling presumes a branch that preserves the mean square; He's 2 on a layer without ReLU does not.",
            growth=lambda gain, blocks: sp.Integer(2) ** blocks,
        ),
        mutant(
            "it quadruples",
            "(1 + 1)^2: amplitudes added as if branch and stream were aligned.",
            growth=lambda gain, blocks: sp.Integer(4) ** blocks,
        ),
        mutant("LeCun on the last branch layer", "The simulated branch preserves the mean square.", last_layer=lecun),
    ],
)
def he_on_the_last_layer_triples(
    run: Run, *, growth: Growth = residual.second_moment_growth, last_layer: Initialiser = he
) -> Finding:
    """With He initialisation on the last branch layer too, the mean square triples per block.

    Averages over Gaussian weights at fixed input; exact at any width. Three blocks, each by itself and all together.
    """
    return _growth_test(run, growth, gain=2, last_layer=last_layer)


@claim(
    "R8",
    paper=FIXUP,
    where="section 2, backwards; derived here",
    states=r"\mathbb E\Bigl\|\frac{\partial C}{\partial x_0}\Bigr\|^2=2^L\,\mathbb E\|v\|^2",
    derivation=residual.backward,
    mutants=[
        mutant(
            "the identity path keeps gradients at 1",
            "The shortcut passes the gradient on, and the branch adds as much again.",
            growth=lambda gain, blocks: sp.Integer(1),
        ),
        mutant(
            "linear growth",
            "One more path a block counted, not one more for every path so far.",
            growth=lambda gain, blocks: sp.Integer(1 + blocks),
        ),
        mutant(
            "the rectifier halves it",
            "3/2 a block: the mask counted although He's factor 2 has paid for it.",
            growth=lambda gain, blocks: sp.Rational(3, 2) ** blocks,
        ),
        mutant("He on the last branch layer", "Branches with twice the variance triple the gradient.", last_layer=he),
    ],
)
def gradient_doubles(
    run: Run, *, growth: Growth = residual.backward_growth, last_layer: Initialiser = lecun
) -> Finding:
    """Backwards the mean squared gradient norm doubles per block as well.

    Averages over Gaussian weights and a cotangent of random signs at fixed input; exact at any width. Three blocks.
    """
    return _growth_test(run, growth, gain=1, last_layer=last_layer, backward=True)
