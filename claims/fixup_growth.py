"""Fixup, section 2: residual streams explode, forwards and backwards.

A block is x' = x + F(x). By default the branch F is "He then LeCun", which preserves the mean square: W2 relu(W1 x) with
variances 2 / fan_in and 1 / fan_in.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.names import FIXUP, number
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, draws_for_mean, mean
from simulations import Dense, Initialiser, LeakyReLU, Network, Residual, Sequential, he, lecun, measure, residual_mlp
from simulations.initialisers import Array
from simulations.measure import Record
from theory import fluctuations, residual, residual_fluctuations, total_variance

WIDTH = 8


def _run_blocks(run: Run, width: int, blocks: int, last_layer: Initialiser, skip: bool, backward: bool, draws: int) -> Record:
    network = residual_mlp(width, blocks, last_layer=last_layer)
    if not skip:
        network = Network(tuple(block.branch for block in network.layers if isinstance(block, Residual)))
    return measure(network, run.inputs.narrowed(width), draws=draws, rng=run.rng("blocks"), backward=backward)


def _growth_test(
    run: Run, expected: sp.Expr, *, gain: float, blocks: int, last_layer: Initialiser, skip: bool = True, backward: bool = False
) -> Finding:
    """Test the growth of the squared norm over all blocks, forwards or backwards, against `expected`; the truth has branch gain `gain`."""
    error = run.error(0.02)
    truth = number(residual.second_moment_growth(gain, blocks))
    relative = number(residual_fluctuations.growth_relative_second_moment(WIDTH, WIDTH, gain, blocks)) - 1
    draws = draws_for_mean(relative * truth**2, error=error * truth, alpha=run.alpha)
    record = run.once(_run_blocks, WIDTH, blocks, last_layer, skip, backward, draws)
    if backward:
        assert record.gradient_square_norms is not None
        growth = record.gradient_square_norms[:, 0] / record.gradient_square_norms[:, -1]
    else:
        growth = record.square_norms[:, -1] / record.square_norms[:, 0]
    return mean(growth, expected=number(expected), variance=relative * truth**2, error=error, unit=truth, alpha=run.alpha)


def _variance(rows: Array) -> float:
    """The variance of a row chosen at random, summed over features."""
    return float(rows.var(axis=0).sum())


def _relu_branch(width: int) -> Network:
    return Network((Residual(Sequential((Dense("branch", width, width, he), LeakyReLU()))),))


def _twins(run: Run, network: Network, draws: int) -> Array:
    """Unbiased estimates of the variance after the network over weights and inputs together."""
    width = next(network.weights()).fan_in
    rows = run.inputs.narrowed(width)
    record = measure(network, rows, draws=draws, rng=run.rng("twins"), same_input=False)
    return record.variances[:, -1]


@claim(
    "R1",
    paper=FIXUP,
    where="section 2, equation 1",
    states=r"\operatorname{Var}[x+F(x)]=\mathbb E\operatorname{Var}[F\mid x]+\operatorname{Var}\bigl[x+\mathbb E[F\mid x]\bigr],"
    r"\quad\text{and}\quad \operatorname{Var}[x_{l+1}]=\mathbb E\operatorname{Var}[F\mid x_l]+\operatorname{Var}[x_l]\ \text{if}\ \mathbb E[F\mid x]=0",
    derivation=total_variance.DERIVATIONS,
    mutants=[
        mutant("Var F for E Var(F | x)", "The branch's own variance contains that of its conditional mean, which the other term counts already.",
               unconditional=True),
        mutant("without the skip", "The branch's variance alone: the stream's own is added to it.", keep=0.0),
        mutant("minus", "Variances of uncorrelated terms add, whichever sign the branch has.", sign=-1.0),
        mutant("without the covariance", "A branch that ends in ReLU has a conditional mean that moves with x, so their covariance counts.",
               covariance=0.0),
        mutant("He on the last branch layer", "The simulated branch has twice the variance that the claim is made for.", last_layer=he),
    ],
)
def total_variance_adds(
    run: Run, *, unconditional: bool = False, keep: float = 1.0, sign: float = 1.0, covariance: float = 1.0, last_layer: Initialiser = lecun
) -> Finding:
    """A residual block adds the branch's mean conditional variance to the stream's variance.

    Averages over Gaussian weights and over inputs drawn from the real rows; exact at finite width. Two branches: one with conditional mean
    0, and one that ends in ReLU, for which the general form with its covariance is needed.
    """
    error, parts, width = run.error(0.05), run.share(2), 4
    rows = run.inputs.narrowed(width)
    squares = np.square(rows).sum(axis=1)
    fourth, square, spread = float((squares**2).mean()), float(squares.mean()), _variance(rows)
    # Zero conditional mean: the branch preserves the mean square.
    true = number(total_variance.total_variance(spread, square, 0, 0))
    claimed = number(total_variance.total_variance(keep * spread, sign * square, 0, 0))
    ratio = number(residual_fluctuations.block_ratio_second_moment(width, width, 1))
    bound = 2 * fourth * ratio + 2 * (2 * square) ** 2 - true**2
    findings = [_variance_test(parts, residual_mlp(width, 1, last_layer=last_layer), claimed, true, bound, error)]
    # Ended by ReLU: conditional mean and variance of a unit are proportional to ||x|| and ||x||^2.
    unit_mean = number(total_variance.relu_branch_conditional_mean(1, 1, width))
    unit_variance = number(total_variance.relu_branch_conditional_variance(1, 1, width))
    means = unit_mean * np.sqrt(squares)
    conditional, of_mean = width * unit_variance * square, width * float(means.var())
    shared = float(np.mean(rows * means[:, None]) - np.mean(rows.mean(axis=0)) * means.mean()) * width
    true = number(total_variance.total_variance(spread, conditional, of_mean, shared))
    claimed = number(
        total_variance.total_variance(
            keep * spread, sign * (conditional + of_mean * unconditional), of_mean, covariance * keep * shared
        )
    )
    bound = 2 * 8 * fourth * (1 + number(fluctuations.relu_ratio_moment(2, width))) + 2 * (4 * square) ** 2 - true**2
    findings.append(_variance_test(parts, _relu_branch(width), claimed, true, bound, error))
    return all_of(findings)


def _variance_test(run: Run, network: Network, claimed: float, true: float, bound: float, error: float) -> Finding:
    """Test a variance over twins; `bound` is on the variance of ||x - x'||^2 / 2, by (||x||^2 + ||x'||^2)^2."""
    draws = 2 * draws_for_mean(bound, error=error * true, alpha=run.alpha)
    return mean(run.once(_twins, network, draws), expected=claimed, variance=bound, error=error, unit=true, alpha=run.alpha)


@claim(
    "R2",
    paper=FIXUP,
    where="section 2",
    states=r"\mathbb E\|x_{l+1}\|^2=2\,\mathbb E\|x_l\|^2,\qquad \mathbb E\|x_L\|^2=2^L\|x_0\|^2",
    derivation=[residual.branch, residual.growth, residual.growth_in_depth, residual_fluctuations.ratio_second_moment],
    mutants=[
        mutant("amplitudes add", "A branch as large as the stream doubles the mean square only because the two are uncorrelated; 1 + 1/sqrt 2 mixes both.",
               growth=lambda gain, blocks: (1 + 1 / sp.sqrt(2)) ** blocks),
        mutant("linear growth", "L + 1 is the law of branches normalised to unit variance; the two agree at one block.",
               growth=lambda gain, blocks: sp.Integer(1 + blocks)),
        mutant("bounded by e", "(1 + 1/L)^L belongs to branches scaled by 1 / sqrt L.",
               growth=lambda gain, blocks: residual.second_moment_growth(sp.Rational(1, blocks), blocks)),
        mutant("He on the last branch layer", "Without a ReLU after it, the last layer needs variance 1 / fan_in; with 2 / fan_in the stream triples.",
               last_layer=he),
        mutant("no shortcut", "The branches one after the other preserve the mean square: the shortcut is what doubles it.", skip=False),
    ],
)
def residual_stream_doubles(
    run: Run, *, growth: Callable[[int, int], sp.Expr] = residual.second_moment_growth, last_layer: Initialiser = lecun, skip: bool = True
) -> Finding:
    """Every block adds a branch as large as its input, so the mean square doubles per block.

    Averages over Gaussian weights at fixed input; exact at any width. Three blocks of width 8, end to end.
    """
    return _growth_test(run, growth(1, 3), gain=1, blocks=3, last_layer=last_layer, skip=skip)


@claim(
    "R3",
    paper=FIXUP,
    where="section 2, at fixed input",
    states=r"\tfrac1n\sum_i\operatorname{Var}[x_{l,i}\mid x_0]=(2^l-1)\,\tfrac{\|x_0\|^2}{n}",
    derivation=residual.variance_in_depth,
    mutants=[
        mutant("the variance doubles", "Doubling from Var x_0 = ||x_0||^2 / n is the second moment; at fixed input the variance starts from 0.",
               variance=lambda blocks: sp.Integer(2) ** blocks),
        mutant("linear growth", "l, as if every block added the same: the branch grows with the stream.", variance=lambda blocks: sp.Integer(blocks)),
        mutant("He on the last branch layer", "Branches with twice the variance give 3^l - 1.", last_layer=he),
    ],
)
def variance_at_fixed_input(
    run: Run, *, variance: Callable[[int], sp.Expr] = residual.variance_at_fixed_input, last_layer: Initialiser = lecun
) -> Finding:
    """At fixed input it is the second moment that doubles; the variance goes 0, 1, 3, 7, ...

    Averages over Gaussian weights at fixed input, over units; exact at any width (here 4). Estimated from twins with the same
    input and independent weights.
    """
    error, parts, width = run.error(0.05), run.share(2), 4
    findings = []
    for blocks in (1, 2):
        true = number(residual.variance_at_fixed_input(blocks))
        second = number(residual.second_moment_growth(1, blocks))
        fourth = number(residual_fluctuations.block_ratio_second_moment(width, width, 1)) ** blocks
        bound = 2 * fourth + 2 * second**2 - true**2
        draws = 2 * draws_for_mean(bound, error=error * true, alpha=parts.alpha)
        record = run.once(_run_blocks, width, blocks, last_layer, True, False, draws)
        samples = record.variances[:, -1] / record.square_norms[::2, 0]
        findings.append(mean(samples, expected=number(variance(blocks)), variance=bound, error=error, unit=true, alpha=parts.alpha))
    return all_of(findings)


@claim(
    "R4",
    paper=FIXUP,
    where="section 2, with standard He initialisation",
    states=r"\mathbb E\|x_L\|^2=3^L\|x_0\|^2\quad\text{if }\operatorname{Var}W_2=\tfrac2h",
    derivation=[residual.growth, residual.growth_in_depth],
    mutants=[
        mutant("it doubles", "Doubling presumes a branch that preserves the mean square; He's factor 2 on a layer without ReLU does not.",
               growth=lambda gain, blocks: sp.Integer(2) ** blocks),
        mutant("it quadruples", "(1 + 1)^2: amplitudes added as if branch and stream were aligned.", growth=lambda gain, blocks: sp.Integer(4) ** blocks),
        mutant("LeCun on the last branch layer", "The simulated branch preserves the mean square.", last_layer=lecun),
    ],
)
def he_on_the_last_layer_triples(
    run: Run, *, growth: Callable[[int, int], sp.Expr] = residual.second_moment_growth, last_layer: Initialiser = he
) -> Finding:
    """With He initialisation on the last branch layer too, the mean square triples per block.

    Averages over Gaussian weights at fixed input; exact at any width. Two blocks of width 8, end to end.
    """
    return _growth_test(run, growth(2, 2), gain=2, blocks=2, last_layer=last_layer)


@claim(
    "R8",
    paper=FIXUP,
    where="section 2, backwards",
    states=r"\mathbb E\Bigl\|\frac{\partial C}{\partial x_0}\Bigr\|^2=2^L\,\mathbb E\|v\|^2",
    derivation=residual.backward,
    mutants=[
        mutant("the identity path keeps gradients at 1", "The shortcut passes the gradient on, and the branch adds as much again.",
               growth=lambda blocks: sp.Integer(1)),
        mutant("linear growth", "One more path a block counted, not one more for every path so far.", growth=lambda blocks: sp.Integer(1 + blocks)),
        mutant("the rectifier halves it", "3/2 a block: the mask counted although He's factor 2 has paid for it.",
               growth=lambda blocks: sp.Rational(3, 2) ** blocks),
        mutant("He on the last branch layer", "Branches with twice the variance triple the gradient.", last_layer=he),
    ],
)
def gradient_doubles(
    run: Run, *, growth: Callable[[int], sp.Expr] = residual.backward_growth, last_layer: Initialiser = lecun
) -> Finding:
    """Backwards the mean squared gradient norm doubles per block as well.

    Averages over Gaussian weights and a cotangent of random signs at fixed input; exact at any width. Three blocks of width 8.
    """
    return _growth_test(run, growth(3), gain=1, blocks=3, last_layer=last_layer, backward=True)
