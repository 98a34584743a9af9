"""Residual nets with scaled branches: how large the stream becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import sympy as sp

from claims.papers import FIXUP, HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import (
    Dense,
    Initialiser,
    LeakyReLU,
    Network,
    Residual,
    Sequential,
    he,
    lecun,
    measure,
    residual_mlp,
    zero,
)
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.residual import branch_gains
from theory.residual import fluctuations as residual_fluctuations
from theory.residual import norms as residual

WIDTH = 4


def _growth(run: Run, scales: tuple[float, ...], last_layer: Initialiser, ended: bool, draws: int) -> Array:
    """||x_L||^2 / ||x_0||^2 for branches of these scales, perhaps ended by a ReLU."""
    network = Network(
        tuple(
            Residual(
                Sequential(
                    (
                        Dense(f"block{block}.layer0", WIDTH, WIDTH, he),
                        LeakyReLU(),
                        Dense(f"block{block}.layer1", WIDTH, WIDTH, last_layer.scaled(scale)),
                        *([LeakyReLU()] if ended else []),
                    )
                )
            )
            for block, scale in enumerate(scales)
        )
    )
    rows = np.abs(run.inputs.narrowed(WIDTH))
    norms = measure(network, rows, draws=draws, rng=run.rng("growth", len(scales))).square_norms
    ratios: Array = norms[:, -1] / norms[:, 0]
    return ratios


SCALES: dict[str, tuple[sp.Expr, ...]] = {
    "1/sqrt L": (1 / sp.sqrt(2),) * 2,
    "geometric": (sp.Integer(1), 1 / sp.sqrt(2), sp.Rational(1, 2)),
}


@claim(
    "R6",
    paper=HANIN,
    where="Hanin & Rolnick, theorem 6, for branches of mean 0",
    states=r"\mathbb E\|x_L\|^2=\|x_0\|^2\prod_{l=1}^{L}(1+\eta_l^2),\qquad \eta_l=\tfrac1{\sqrt L}\Rightarrow"
    r"\bigl(1+\tfrac1L\bigr)^L\to e",
    derivation=[residual.growth, branch_gains.critical],
    mutants=[
        mutant(
            "the gains add",
            "1 + sum eta^2 is the first order: every branch sees the growth of those below it.",
            growth=lambda scales: 1 + sum(scale**2 for scale in scales),
        ),
        mutant(
            "first order in eta",
            "1 + eta a block is what a branch with a mean along the stream does; here the two are uncorrelated.",
            growth=lambda scales: sp.prod(1 + scale for scale in scales),
        ),
        mutant(
            "amplitudes add",
            "(1 + eta)^2, as if branch and stream were aligned.",
            growth=lambda scales: sp.prod((1 + scale) ** 2 for scale in scales),
        ),
        mutant(
            "e at any depth",
            "The limit of (1 + sum/L)^L for many small branches taken for its value.",
            growth=lambda scales: sp.exp(sum(scale**2 for scale in scales)),
        ),
        mutant("He on the last branch layer", "The simulated branches have twice the gain.", last_layer=he),
        mutant(
            "branches that end in ReLU",
            "He on both layers and a last ReLU keep the gain, but give the simulated branches a mean along the stream.",
            last_layer=he,
            ended=True,
        ),
    ],
)
def gains_multiply(
    run: Run,
    *,
    growth: Callable[[Sequence[sp.Expr]], sp.Expr] = branch_gains.growth,
    last_layer: Initialiser = lecun,
    ended: bool = False,
) -> Finding:
    """Branches of scale eta multiply the mean square by 1 + eta^2 each, so eta = 1/sqrt L keeps any depth below e.

    Averages over Gaussian weights at fixed (non-negative) input; exact at any width (here 4). Two schedules: 1/sqrt L
    for L = 2, and eta^2 = 1, 1/2, 1/4.
    """
    run, findings = run.share(len(SCALES)), []
    for scales in SCALES.values():
        truth = number(branch_gains.growth(scales))
        moments = [residual_fluctuations.block_ratio_second_moment(WIDTH, WIDTH, scale**2) for scale in scales]
        test = run.mean(truth, variance=number(sp.prod(moments)) - truth**2, error=0.05)
        samples = run.once(_growth, tuple(number(scale) for scale in scales), last_layer, ended, test.draws)
        findings.append(test(samples, expected=growth(scales)))
    return all_of(findings)


BLOCKS = 3
Scaling = Callable[[int, int], float]


def _fixup_growth(run: Run, m: int, first: float, last: float, data: float, draws: int) -> Array:
    """||x_L||^2 / ||x_0||^2 for branches of m layers, all but the last scaled by `first`, that by `last`."""
    network = residual_mlp(
        WIDTH,
        BLOCKS,
        layers_per_branch=m,
        init=he.scaled(first),
        last_layer=lecun.scaled(last) if last else zero,
    )
    norms = measure(network, data * run.inputs.narrowed(WIDTH), draws=draws, rng=run.rng("fixup", m)).square_norms
    ratios: Array = norms[:, -1] / norms[:, 0]
    return ratios


def _scale(branches: int, m: int) -> float:
    return float(branches ** (-1 / (2 * m - 2)))


def _growth_with_m_2(branches: int, m: int) -> sp.Expr:
    return branch_gains.unzeroed_growth(branches, 2)


@claim(
    "R10",
    paper=FIXUP,
    where="section 3, rule 2 without rule 1",
    states=r"\mathbb E\|x_L\|^2=\bigl(1+L^{-\frac m{m-1}}\bigr)^L\|x_0\|^2\quad\text{if all }m\text{ layers are scaled "
    r"by }L^{-\frac1{2m-2}}",
    derivation=[branch_gains.unzeroed, branch_gains.deep_ratio],
    mutants=[
        mutant(
            "1 + 1/L for every m",
            "The popular 1 + O(1/L) is (1 + L^-2)^L, which is m = 2; deeper branches leave L^(-1/(m-1)).",
            growth=_growth_with_m_2,
        ),
        mutant(
            "nothing is added",
            "The stream stays exactly as it is only if the last layer of every branch is zero.",
            growth=lambda branches, m: sp.Integer(1),
        ),
        mutant(
            "L counts layers",
            "L is the number of residual branches, not of layers.",
            growth=lambda branches, m: (1 + (m * sp.Integer(branches)) ** sp.Rational(-m, m - 1)) ** branches,
        ),
        mutant(
            "the exponent of the gain",
            "L^(-1/(m-1)), the square of one layer's scale, taken for the gain of a branch of m of them.",
            growth=lambda branches, m: (1 + sp.Integer(branches) ** sp.Rational(-1, m - 1)) ** branches,
        ),
        mutant(
            "the minus sign lost",
            "L^(+1/(2m-2)), as a much-copied page prints it: the simulated branches grow with depth.",
            scale=lambda branches, m: 1 / _scale(branches, m),
        ),
        mutant(
            "a variance",
            "The exponent applied to the variance of the weights: standard deviations shrink half as fast.",
            growth=lambda branches, m: (1 + sp.Integer(branches) ** sp.Rational(-m, 2 * m - 2)) ** branches,
        ),
        mutant(
            "on the last layer only",
            "The simulated branch has standard layers but for its last one.",
            first_layers=lambda branches, m: 1.0,
        ),
        mutant(
            "the input data rescaled",
            "Fixup scales the weights of the branches; scaled data scale stream and branch alike, and blocks double.",
            rescales_data=True,
        ),
        mutant("no zeros", "The last layers are drawn where the exact statement needs zeros.", zeroed=False),
    ],
)
def fixup_without_zeros(
    run: Run,
    *,
    growth: Callable[[int, int], sp.Expr] = branch_gains.unzeroed_growth,
    scale: Scaling = _scale,
    first_layers: Scaling | None = None,
    rescales_data: bool = False,
    zeroed: bool = True,
) -> Finding:
    """Fixup's scale alone lets the mean square grow to (1 + L^(-m/(m-1)))^L; with zeroed last layers it stays exactly.

    Averages over Gaussian weights at fixed input; exact at any width (here 4). For L = 3 and m = 2 and 3. The zeroed
    net is asked draw by draw.
    """
    run, findings = run.share(2), []
    for m in (2, 3):
        last, first, data = scale(BLOCKS, m), (first_layers or scale)(BLOCKS, m), 1.0
        if rescales_data:
            last, first, data = 1.0, 1.0, scale(BLOCKS, m)
        truth = number(branch_gains.unzeroed_growth(BLOCKS, m))
        gain = sp.Integer(BLOCKS) ** sp.Rational(-m, m - 1)
        moment = branch_gains.deep_block_ratio_second_moment(WIDTH, [WIDTH] * (m - 1), gain)
        test = run.mean(truth, variance=number(moment**BLOCKS) - truth**2, error=0.04)
        findings.append(test(run.once(_fixup_growth, m, first, last, data, test.draws), expected=growth(BLOCKS, m)))
        findings.append(
            identity(run.once(_fixup_growth, m, first, 0.0 if zeroed else last, data, 100), 1.0, rounding=EPS)
        )
    return all_of(findings)
