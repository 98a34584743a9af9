"""Fixup, section 2: what a residual block adds to the variance, and what "variance" means at fixed input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Dense, Initialiser, LeakyReLU, Network, Residual, Sequential, he, lecun, measure, residual_mlp
from simulations.measure import batches
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.expectation import fourth_central_moment
from theory.fluctuations import norms as fluctuations
from theory.layer import rectifiers
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import norms as residual
from theory.residual import total_variance

WIDTH, HIDDEN, DEPTHS = 4, 6, [1, 2, 4]


def _population(run: Run) -> Array:
    """Absolute values of real rows at full and at a quarter of their size, so that norms differ."""
    rows = np.abs(run.inputs.narrowed(WIDTH))
    rows = rows / np.median(norm(rows))
    return np.concatenate([rows, rows / 4])


def _along_ones(states: Array) -> Array:
    """The component of each state along (1, ..., 1) / sqrt(n)."""
    component: Array = states.sum(axis=-1) / np.sqrt(states.shape[-1])
    return component


def _half_squared_differences(run: Run, network: Network, draws: int) -> Array:
    """Unbiased estimates of the variance along (1, ..., 1) after the network, over weights and inputs together."""
    population, rng = _population(run), run.rng("twins")
    samples = []
    for count in batches(network, draws):
        x = population[rng.integers(len(population), size=2 * count)][:, None, :]
        ends = _along_ones(network.run(network.draw(rng, len(x)), x).output)[:, 0]
        samples.append((ends[::2] - ends[1::2]) ** 2 / 2)
    return np.concatenate(samples)


@dataclass(frozen=True)
class _Branch:
    """F along (1, ..., 1) given each row of the population: its mean, its variance and its centred fourth moment."""

    network: Network
    mean: Array
    variance: Array
    fourth: Array


def _centred_branch(squares: Array, last_layer: Initialiser) -> _Branch:
    """He then LeCun: given x, F along ones is Gaussian of variance ||x||^2 / n times c, E c = 1, E c^2 = 1 + 5/h."""
    kurtosis = number(fluctuations.relu_ratio_moment(2, HIDDEN))
    variance = squares / WIDTH
    return _Branch(
        residual_mlp(WIDTH, 1, hidden=HIDDEN, last_layer=last_layer), 0 * squares, variance, 3 * kurtosis * variance**2
    )


def _rectified_branch(squares: Array) -> _Branch:
    """He, ended by ReLU: n independent rectified normals, whose conditional mean moves with ||x||."""
    first, second, third, fourth = (number(rectifiers.leaky_moment(k, 0, 1)) for k in (1, 2, 3, 4))
    central = number(fourth_central_moment(first, second, third, fourth)) * (2 * squares / WIDTH) ** 2
    one_mean = number(total_variance.relu_branch_conditional_mean(1, 1, WIDTH)) * np.sqrt(squares)
    one_variance = number(total_variance.relu_branch_conditional_variance(1, 1, WIDTH)) * squares
    network = Network((Residual(Sequential((Dense("branch", WIDTH, WIDTH, he), LeakyReLU()))),))
    pooled = central / WIDTH + 3 * (1 - 1 / WIDTH) * one_variance**2
    return _Branch(network, np.sqrt(WIDTH) * one_mean, one_variance, pooled)


def _bound(ahead: Array, branch: _Branch) -> float:
    """Bound E ((b + g)^2 / 2)^2 over pairs of rows, b known and g centred: 4 |b g^3| <= 2 b^2 g^2 + 2 g^4."""
    shift = ahead + branch.mean
    b = (shift[:, None] - shift[None, :]) ** 2
    g2 = branch.variance[:, None] + branch.variance[None, :]
    g4 = branch.fourth[:, None] + branch.fourth[None, :] + 6 * branch.variance[:, None] * branch.variance[None, :]
    return float(np.mean(b**2 + 8 * b * g2 + 3 * g4) / 4)


@claim(
    "R1",
    paper=FIXUP,
    where="section 2, equation 1",
    states=r"\operatorname{Var}[x+F(x)]=\mathbb E\operatorname{Var}[F\mid x]+\operatorname{Var}\bigl[x+\mathbb "
    r"E[F\mid x]\bigr],"
    r"\quad\text{so}\quad \operatorname{Var}[x_{l+1}]=\mathbb E\operatorname{Var}[F\mid "
    r"x_l]+\operatorname{Var}[x_l]\ \text{if}\ \mathbb E[F\mid x]=0",
    derivation=total_variance.DERIVATIONS,
    mutants=[
        mutant(
            "Var F for E Var(F | x)",
            "The branch's own variance contains that of its conditional mean, which the other term counts already.",
            twice=1.0,
        ),
        mutant("without the skip", "The branch's variance alone: the stream's own is added to it.", keep=0.0),
        mutant(
            "without the covariance",
            "A branch that ends in ReLU has a conditional mean that moves with x, so their covariance counts.",
            covary=0.0,
        ),
        mutant("minus the covariance", "Variances of a difference: the block adds its branch.", covary=-1.0),
        mutant(
            "He on the last branch layer",
            "The simulated branch has twice the variance that the claim is made for.",
            last_layer=he,
        ),
    ],
)
def total_variance_adds(
    run: Run, *, twice: float = 0.0, keep: float = 1.0, covary: float = 1.0, last_layer: Initialiser = lecun
) -> Finding:
    """A residual block adds the branch's mean conditional variance to the stream's variance.

    Averages over Gaussian weights and over inputs drawn from real rows at two sizes; exact at finite width, for
    every linear functional of the state (here its component along (1, ..., 1)). Two branches: one with conditional
    mean 0, and one that ends in ReLU, for which the general form with its covariance is needed.
    """
    run, rows, findings = run.share(2), _population(run), []
    squares, ahead = np.square(rows).sum(axis=1), _along_ones(rows)
    for branch in (_rectified_branch(squares), _centred_branch(squares, last_layer)):
        spread, conditional, of_mean = float(ahead.var()), float(branch.variance.mean()), float(branch.mean.var())
        shared = float(np.mean(ahead * branch.mean) - ahead.mean() * branch.mean.mean())
        truth = number(total_variance.total_variance(spread, conditional, of_mean, shared))
        claimed = total_variance.total_variance(
            keep * spread, conditional + twice * of_mean, of_mean, keep * covary * shared
        )
        test = run.mean(truth, variance=_bound(ahead, branch) - truth**2, error=0.03)
        samples = run.once(_half_squared_differences, branch.network, test.draws)
        findings.append(test(samples, expected=claimed))
    return all_of(findings)


def _variances(run: Run, last_layer: Initialiser, draws: int) -> Array:
    """Variance over weights at fixed input, summed over units, over the input's squared norm, (draws / 2, depths)."""
    network = residual_mlp(WIDTH, max(DEPTHS), hidden=HIDDEN, last_layer=last_layer)
    record = measure(network, run.inputs.narrowed(WIDTH), draws=draws, rng=run.rng("fixed"))
    scaled: Array = record.variances[:, DEPTHS] / record.square_norms[::2, :1]
    return scaled


def _twin_moment(blocks: int) -> float:
    """Bound E D^2, D half the squared distance of twins after `blocks` blocks from an input of norm 1.

    Twins x, x' go to x + F, x' + F', where F - F' is Gaussian given both states, in each coordinate of variance
    t = (c ||x||^2 + c' ||x'||^2) / n, E c = 1, E c^2 = 1 + 5/h. Let d = ||x - x'||^2, s = ||x||^2 + ||x'||^2:

        E ||x + F - x' - F'||^4 = E d^2 + (2 + 4/n) E d s + n (n + 2) E t^2,    E d s <= sqrt(E d^2 E s^2).
    """
    n, power = WIDTH, number(fluctuations.relu_ratio_moment(2, HIDDEN))
    ratio = number(residual_fluctuations.block_ratio_second_moment(WIDTH, HIDDEN, 1))
    distance, fourth, product = 0.0, 1.0, 1.0
    for _ in range(blocks):
        together = 2 * fourth + 2 * product
        distance += (2 + 4 / n) * (distance * together) ** 0.5 + (1 + 2 / n) * (2 * power * fourth + 2 * product)
        fourth, product = fourth * ratio, product * 4
    return distance / 4


@claim(
    "R3",
    paper=FIXUP,
    where="section 2, at fixed input; derived here",
    states=r"\tfrac1n\sum_i\operatorname{Var}[x_{l,i}\mid x_0]=(2^l-1)\,\tfrac{\|x_0\|^2}{n}",
    derivation=residual.variance_in_depth,
    mutants=[
        mutant(
            "the variance doubles",
            "Doubling from Var x_0 = ||x_0||^2 / n is the second moment; at fixed input the variance starts from 0.",
            variance=lambda blocks: sp.Integer(2) ** blocks,
        ),
        mutant(
            "the increments grow by 2",
            "1, 3, 5, 7: agrees at one and at two blocks; the branch doubles with the stream.",
            variance=lambda blocks: sp.Integer(2 * blocks - 1),
        ),
        mutant(
            "triangular numbers",
            "1, 3, 6, 10: the block's number for the stream's mean square as what a branch adds.",
            variance=lambda blocks: sp.Integer(blocks * (blocks + 1) // 2),
        ),
        mutant("He on the last branch layer", "Branches with twice the variance give 3^l - 1.", last_layer=he),
    ],
)
def variance_at_fixed_input(
    run: Run, *, variance: Callable[[int], sp.Expr] = residual.variance_at_fixed_input, last_layer: Initialiser = lecun
) -> Finding:
    """At fixed input it is the second moment that doubles; the variance goes 0, 1, 3, 7, 15.

    Averages over Gaussian weights at fixed input, over units; exact at any width. Estimated after 1, 2 and 4 blocks
    from twins with the same input and independent weights.
    """
    run, tests = run.share(len(DEPTHS)), []
    for blocks in DEPTHS:
        truth = number(residual.variance_at_fixed_input(blocks))
        tests.append(run.mean(truth, variance=_twin_moment(blocks) - truth**2, error=0.05))
    samples = run.once(_variances, last_layer, 2 * max(test.draws for test in tests))
    return all_of(
        test(column, expected=variance(blocks)) for test, column, blocks in zip(tests, samples.T, DEPTHS, strict=True)
    )
