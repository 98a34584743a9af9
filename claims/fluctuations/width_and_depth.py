"""How wide a plain net must be for its depth, if its norm is to stay near its mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isqrt

import sympy as sp

from claims.papers import HANIN
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, he, lecun, measure, mlp
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fluctuations import norms as fluctuations
from theory.fluctuations import width_and_depth

START, DEEPER = 20, 4
"""Width of a net of one layer, and how many times deeper the other two are."""
INPUTS = 8


UNEVEN = (START, (2 * DEEPER - 1) * START, START, (2 * DEEPER - 1) * START)
"""Widths with the mean of the net whose width grows in proportion."""


def _squares(run: Run, widths: tuple[int, ...], init: Initialiser, draws: int) -> Array:
    """The square of the squared norm after all layers, each time over its mean, (draws,)."""
    network, rng = mlp([INPUTS, *widths], init=init), run.rng("norms", *widths)
    inputs = run.inputs.narrowed(INPUTS)
    norms = measure(network, inputs, draws=draws, rng=rng, engine="undrawn", extras=()).square_norms
    squares: Array = (norms[:, -1] / norms[:, 0] * INPUTS / widths[-1]) ** 2
    return squares


@claim(
    "C17",
    paper=HANIN,
    where="Hanin & Rolnick, section 1: width must grow about linearly with depth; exact form derived here",
    states=r"\frac{\mathbb E\|x_L\|^4}{(\mathbb E\|x_L\|^2)^2}=\Bigl(1+\frac5n\Bigr)^L\to e^{5/c}\ "
    r"\text{at }n=cL,\qquad\to\infty\ \text{at }n=c\sqrt L",
    derivation=[width_and_depth.proportional, width_and_depth.square_root],
    exact=False,
    mutants=[
        mutant(
            "the square root is enough",
            "A width like the square root of the depth said to bound the fluctuations as well: they grow like "
            "exp(5 sqrt(L) / c).",
            root=lambda width, layers: width_and_depth.fourth_moment_limit(START),
        ),
        mutant(
            "depth is free",
            "The fluctuation of one layer, 5/n, taken for that of the net: layers multiply.",
            root=lambda width, layers: width_and_depth.fourth_moment(width, 1),
        ),
        mutant(
            "layers of linear units",
            "(1 + 2/n)^L, the chi-square fluctuation alone, without that of the number of active units.",
            line=lambda width, layers: (1 + sp.Rational(2, width)) ** layers,
            root=lambda width, layers: (1 + sp.Rational(2, width)) ** layers,
        ),
        mutant(
            "the mean width of uneven layers",
            "Width in proportion to depth, asked of the average layer: what must stay bounded is the sum of 1/n, which "
            "narrow layers rule.",
            uneven=lambda widths: width_and_depth.fourth_moment(sp.Rational(sum(widths), len(widths)), len(widths)),
        ),
        mutant(
            "LeCun drawn",
            "With half of He's variance the mean itself dies out with depth, the first failure mode: no width helps.",
            init=lecun,
        ),
    ],
)
def width_must_grow_with_depth(
    run: Run,
    *,
    line: Callable[[int, int], sp.Expr] = width_and_depth.fourth_moment,
    root: Callable[[int, int], sp.Expr] = width_and_depth.fourth_moment,
    uneven: Callable[[Sequence[int]], sp.Expr] = fluctuations.fourth_moment_ratio,
    init: Initialiser = he,
) -> Finding:
    """In ever deeper nets of even widths the norm keeps near its mean only if the width grows like the depth.

    Averages over Gaussian He weights at fixed input; the moments are exact at finite width and depth, their limits are
    derived and not measured. One layer of 20 units (1.25) is made four times deeper: at four times the width the
    relative second moment is 1.27 (limit 1.28), at twice the width, the square root, it is 1.60; and 1.68 if layers of
    20 and of 140 units alternate, which have the larger width on average.
    """
    nets: list[tuple[tuple[int, ...], sp.Expr, float, float]] = [
        ((START,), line(START, 1), 0.06, 0.08),
        ((DEEPER * START,) * DEEPER, line(DEEPER * START, DEEPER), 0.06, 0.08),
        ((isqrt(DEEPER) * START,) * DEEPER, root(isqrt(DEEPER) * START, DEEPER), 0.09, 0.12),
        (UNEVEN, uneven(UNEVEN), 0.09, 0.12),
    ]
    run, findings = run.share(len(nets)), []
    for widths, claimed, error, at_most in nets:
        truth = number(fluctuations.fourth_moment_ratio(widths))
        variance = number(sp.prod(fluctuations.relu_ratio_moment(4, width) for width in widths)) - truth**2
        test = run.mean(truth, variance=variance, error=error, at_most=at_most)
        findings.append(test(run.once(_squares, widths, init, test.draws), expected=claimed))
    return all_of(findings)
