"""Fixup, section 2: residual streams explode, forwards and backwards.

A block is x' = x + F(x). By default the branch F is "He then LeCun", which preserves the mean square: W2 relu(W1 x)
with variances 2 / fan_in and 1 / fan_in.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from claims.names import FIXUP, number
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, draws_for_mean, mean
from simulations import Initialiser, Network, Residual, he, lecun, measure, residual_mlp
from simulations.measure import Record
from theory import residual, residual_fluctuations

WIDTH = 6


def _run_blocks(
    run: Run, width: int, blocks: int, last_layer: Initialiser, skip: bool, backward: bool, draws: int
) -> Record:
    network = residual_mlp(width, blocks, last_layer=last_layer)
    if not skip:
        network = Network(tuple(block.branch for block in network.layers if isinstance(block, Residual)))
    return measure(network, run.inputs.narrowed(width), draws=draws, rng=run.rng("blocks"), backward=backward)


def _growth_test(
    run: Run,
    expected: sp.Expr,
    *,
    gain: float,
    blocks: int,
    last_layer: Initialiser,
    skip: bool = True,
    backward: bool = False,
) -> Finding:
    """Test the growth of the squared norm over all blocks, forwards or backwards; the true gain is `gain`."""
    error = run.error(0.02)
    truth = number(residual.second_moment_growth(gain, blocks))
    relative = number(residual_fluctuations.growth_relative_second_moment(WIDTH, WIDTH, gain, blocks)) - 1
    draws = draws_for_mean(relative * truth**2, error=error * truth, alpha=run.alpha)
    record = run.once(_run_blocks, WIDTH, blocks, last_layer, skip, backward, draws)
    if backward:
        growth = record.gradient_square_norms[:, 0] / record.gradient_square_norms[:, -1]
    else:
        growth = record.square_norms[:, -1] / record.square_norms[:, 0]
    return mean(
        growth, expected=number(expected), variance=relative * truth**2, error=error, truth=truth, alpha=run.alpha
    )


@claim(
    "R2",
    paper=FIXUP,
    where="section 2",
    states=r"\mathbb E\|x_{l+1}\|^2=2\,\mathbb E\|x_l\|^2,\qquad \mathbb E\|x_L\|^2=2^L\|x_0\|^2",
    derivation=[residual.branch, residual.growth, residual.growth_in_depth, residual_fluctuations.ratio_second_moment],
    mutants=[
        mutant(
            "amplitudes add",
            "A branch as large as the stream doubles the mean square only because the two are uncorrelated; 1 + "
            "1/sqrt 2 mixes both.",
            growth=lambda gain, blocks: (1 + 1 / sp.sqrt(2)) ** blocks,
        ),
        mutant(
            "linear growth",
            "L + 1 is the law of branches normalised to unit variance; the two agree at one block.",
            growth=lambda gain, blocks: sp.Integer(1 + blocks),
        ),
        mutant(
            "bounded by e",
            "(1 + 1/L)^L belongs to branches scaled by 1 / sqrt L.",
            growth=lambda gain, blocks: residual.second_moment_growth(sp.Rational(1, blocks), blocks),
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
    run: Run,
    *,
    growth: Callable[[int, int], sp.Expr] = residual.second_moment_growth,
    last_layer: Initialiser = lecun,
    skip: bool = True,
) -> Finding:
    """Every block adds a branch as large as its input, so the mean square doubles per block.

    Averages over Gaussian weights at fixed input; exact at any width. Two blocks of width 6, end to end.
    """
    return _growth_test(run, growth(1, 2), gain=1, blocks=2, last_layer=last_layer, skip=skip)


@claim(
    "R4",
    paper=FIXUP,
    where="section 2, with standard He initialisation",
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
    run: Run, *, growth: Callable[[int, int], sp.Expr] = residual.second_moment_growth, last_layer: Initialiser = he
) -> Finding:
    """With He initialisation on the last branch layer too, the mean square triples per block.

    Averages over Gaussian weights at fixed input; exact at any width. Two blocks of width 6, end to end.
    """
    return _growth_test(run, growth(2, 2), gain=2, blocks=2, last_layer=last_layer)


@claim(
    "R8",
    paper=FIXUP,
    where="section 2, backwards",
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
    run: Run, *, growth: Callable[[int, int], sp.Expr] = residual.backward_growth, last_layer: Initialiser = lecun
) -> Finding:
    """Backwards the mean squared gradient norm doubles per block as well.

    Averages over Gaussian weights and a cotangent of random signs at fixed input; exact at any width. Two blocks of
    width 6.
    """
    return _growth_test(run, growth(1, 2), gain=1, blocks=2, last_layer=last_layer, backward=True)
