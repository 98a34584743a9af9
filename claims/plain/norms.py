"""Plain deep nets with ReLU: the mean squared norm, forwards and backwards."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, binomial_degrees
from simulations import Initialiser, LeakyReLU, glorot, he, he_fan_out, measure, mlp, rademacher, uniform
from simulations.engines.record import Record
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.plain import backward, backward_fluctuations
from theory.plain import norms as plain

Cotangent = Callable[[np.random.Generator, tuple[int, ...]], Array]


def _forward(run: Run, widths: tuple[int, ...], init: Initialiser, slope: float, draws: int) -> Record:
    """A plain net on real rows, averaged down to its input's width."""
    network = mlp(widths, init=init, activation=LeakyReLU(slope))
    return measure(
        network, run.inputs.narrowed(widths[0]), draws=draws, rng=run.rng("forward"), extras=("variances", "active")
    )


def _factors(widths: Sequence[int]) -> list[sp.Expr]:
    return [plain.layer_factor(fan_out, 2 / fan_in) for fan_in, fan_out in pairwise(widths)]


@claim(
    "C1",
    paper=HE,
    where="section 2.2, equations 9 and 10",
    states=r"\mathbb E\|x_L\|^2=\|x_0\|^2\prod_{l=1}^{L}\tfrac12 n_l\sigma_l^2",
    derivation=[plain.layer, plain.depth],
    mutants=[
        mutant(
            "fan-in for fan-out",
            "Per unit the factor is n_{l-1} s^2 / 2; of the norm, a sum over n_l units, it is n_l s^2 / 2.",
            factors=lambda widths: [plain.layer_factor(fan_in, 2 / fan_in) for fan_in in widths[:-1]],
        ),
        mutant(
            "the mean square halves",
            "He's factor 2 forgotten: the claim for LeCun weights.",
            factors=lambda widths: [plain.layer_factor(b, 1 / a) for a, b in pairwise(widths)],
        ),
        mutant(
            "no rectifier",
            "The factor of a linear layer: every unit counted as active.",
            factors=lambda widths: [plain.layer_factor(b, 2 / a, slope=1) for a, b in pairwise(widths)],
        ),
        mutant(
            "sqrt 2 times Xavier",
            "He's weights taken for Glorot's times sqrt 2: so they are where the fans are equal, and only there.",
            init=glorot.scaled(2**0.5),
        ),
        mutant("leaky units", "The simulated units let half of the negative side through.", slope=0.5),
    ],
)
def norm_product(
    run: Run,
    *,
    factors: Callable[[Sequence[int]], list[sp.Expr]] = _factors,
    init: Initialiser = he,
    slope: float = 0.0,
) -> Finding:
    """The mean squared norm is multiplied by n_l s_l^2 / 2 in every ReLU layer, at any width.

    Averages over weights at fixed input; exact at finite width for any symmetric weights. Gaussian weights, three
    layers of drawn widths: given the numbers of active units, the norm ratios are chi-square, layer by layer, and the
    numbers are binomial. Uniform weights and random signs: the mean norm after two layers.
    """
    run, widths, narrow = run.share(6), (4, *run.widths(3, least=7, most=13)), (4, *run.widths(2, least=5, most=9))
    laws = [run.chi_square(binomial_degrees(width), error=0.02) for width in widths[1:]]
    # A layer of 7 dies in 1 % of the draws, wider ones in far fewer.
    record = run.once(_forward, widths, init, slope, int(1.02 * max(law.draws for law in laws)))
    alive = record.active[:, :-1] > 0
    ratios = record.square_norms[:, 1:] / np.where(alive, record.square_norms[:, :-1], 1)
    findings = []
    for layer, (law, width, factor) in enumerate(zip(laws, widths[1:], factors(widths), strict=True)):
        living = alive[:, layer]
        scaled = ratios[living, layer] * width / (2 * number(factor))
        findings.append(law(scaled, record.active[living, layer + 1]))
    units = int(alive.sum(axis=0) @ np.array(widths[1:]))
    findings.append(run.count(0.5, error=0.02)(int(record.active[:, 1:].sum()), units))
    truth = number(sp.prod(_factors(narrow)))
    test = run.mean(truth, variance=truth**2 * number(fluctuations.relative_variance(narrow[1:])), error=0.03)
    for entries in (uniform, rademacher):
        norms = run.once(_forward, narrow, init.with_law(entries), slope, test.draws).square_norms
        findings.append(test(norms[:, -1] / norms[:, 0], expected=sp.prod(factors(narrow))))
    return all_of(findings)


def _backward(run: Run, widths: tuple[int, ...], init: Initialiser, cotangent: Cotangent, draws: int) -> Array:
    """The squared norm of the cotangent at the input over that at the output, (draws,)."""
    record = measure(
        mlp(widths, init=init), run.inputs.narrowed(widths[0]), draws=draws, rng=run.rng("backward"), backward=cotangent
    )
    ratios: Array = record.gradient_square_norms[:, 0] / record.gradient_square_norms[:, -1]
    return ratios


def _ones(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.ones(shape)


def _backward_product(widths: Sequence[int]) -> sp.Expr:
    return sp.prod(backward.backward_factor(fan_in, sp.Rational(2, fan_in)) for fan_in in widths[:-1])


@claim(
    "C10",
    paper=HE,
    where="section 2.2, equations 11 to 14; exact form derived here",
    states=r"\mathbb E\Bigl\|\frac{\partial C}{\partial x_0}\Bigr\|^2=\mathbb E\|v\|^2\quad"
    r"\text{for }\sigma_l^2=\tfrac{2}{n_{l-1}},\ \mathbb E v_iv_j=0\ (i\ne j)",
    derivation=[*backward.DERIVATIONS, *backward_fluctuations.DERIVATIONS],
    mutants=[
        mutant(
            "fan-in breaks the backward pass",
            "The ratio n_{l-1} / n_l a layer belongs to weights scaled by fan-out, not by fan-in.",
            product=lambda widths: sp.Rational(widths[0], widths[-1]),
        ),
        mutant(
            "its reciprocal",
            "n_l / n_{l-1} a layer is the growth of the variance of one entry, not of the norm.",
            product=lambda widths: sp.Rational(widths[-1], widths[0]),
        ),
        mutant(
            "a fixed all-ones cotangent",
            "Entries of one sign do not average out: the last layer has no later columns to flip signs with.",
            cotangent=_ones,
        ),
        mutant(
            "fan-out weights",
            "He's other choice preserves the variance of entries; the norm telescopes to n_0 / n_L.",
            init=he_fan_out,
        ),
    ],
)
def backward_norm_is_width_free(
    run: Run,
    *,
    product: Callable[[Sequence[int]], sp.Expr] = _backward_product,
    init: Initialiser = he,
    cotangent: Cotangent = rademacher,
) -> Finding:
    """Under fan-in He the mean squared gradient norm is the same at every depth, whatever the widths.

    Averages over weights and an independent cotangent of uncorrelated entries (here random signs) at fixed input;
    exact at finite width. Not for a fixed cotangent at a post-ReLU state.
    """
    widths = (12, 6, 4)
    test = run.mean(1, variance=backward_fluctuations.backward_relative_variance(widths[1:], widths[0]), error=0.02)
    return test(run.once(_backward, widths, init, cotangent, test.draws), expected=product(widths))
