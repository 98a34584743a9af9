"""The gradient-independence assumption of mean-field theory, where it is wrong at every width."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.independence.wrong_weights import independent_backward
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import mlp, rademacher
from simulations.engines.request import Cotangent
from simulations.numbers.arrays import Array
from simulations.weights.kinds import Kind
from simulations.weights.undrawn import undrawn
from theory.independence import gradient_independence
from theory.plain import backward

SCHOENHOLZ = "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein 2017; Yang & Schoenholz 2017 (gradient independence)"
WIDTHS = {2: 0.03, 16: 0.012, 10_000: 0.02}
"""The relative error that must be seen at each width: where the value differs from its limit, and where it has it."""
ENTRIES_AT_ONCE = 1 << 16


def ones(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Return the cotangent of all ones."""
    return np.ones(shape)


def ratios(run: Run, width: int, layers: int, kind: Kind, cotangent: Cotangent, draws: int) -> Array:
    """||g||^2 / n below so many ReLU layers; n is what independence says of any cotangent of n entries 1 or -1."""
    rng, network, parts = run.rng("layers", width), mlp([width] * (layers + 1)), []
    rows = run.inputs.narrowed(width)
    at_once = max(1, ENTRIES_AT_ONCE // width)
    for start in range(0, draws, at_once):
        x = rows[rng.integers(len(rows), size=(min(at_once, draws - start), 1))]
        seen = network.run(network.draw(rng, len(x), kind), x)
        below = seen.backward(cotangent(rng, x.shape))[0]
        parts.append(np.vecdot(below, below)[:, 0] / width)
    return np.concatenate(parts)


EXACT = undrawn()


@claim(
    "U3",
    paper=SCHOENHOLZ,
    where="the assumption that the weights of the backward pass are independent of the forward pass; its error derived "
    "here",
    states=r"\frac{\mathbb E\|W^{\mathsf T}D\mathbf 1\|^2}{\mathbb E\|\widetilde W^{\mathsf T}D\mathbf 1\|^2}"
    r"=1+\frac{n-1}{\pi n}\to1+\frac1\pi\qquad(\widetilde W\text{ independent of }D)",
    derivation=[
        backward.all_ones,
        gradient_independence.independent,
        gradient_independence.error,
        gradient_independence.wide,
    ],
    mutants=[
        mutant(
            "the assumption itself",
            "1: with independent backward weights nothing is left of the sign that active units have in common.",
            ratio=lambda width: sp.S.One,
        ),
        mutant(
            "the limit for the value",
            "1 + 1/pi is the wide limit; a unit is not a pair with itself, which counts at small width.",
            ratio=lambda width: gradient_independence.ones_ratio(sp.oo),
        ),
        mutant(
            "vanishes as 1/n",
            "An excess of 1 / (pi n), as of a finite-width correction: each pair of units adds 1 / n, but there are n "
            "- 1 pairs a unit.",
            ratio=lambda width: 1 + 1 / (sp.pi * width),
        ),
        mutant(
            "independent backward weights",
            "The simulated layer passes the cotangent back through other weights than it has.",
            kind=independent_backward(EXACT),
        ),
        mutant(
            "random signs",
            "A cotangent of uncorrelated entries, for which the assumption gives the right mean.",
            cotangent=rademacher,
        ),
    ],
)
def independence_fails_for_ones(
    run: Run,
    *,
    ratio: Callable[[int], sp.Expr] = gradient_independence.ones_ratio,
    kind: Kind = EXACT,
    cotangent: Cotangent = ones,
) -> Finding:
    """The gradient-independence assumption is wrong by (n - 1) / (pi n) at one ReLU layer for an all-ones gradient.

    Averages over Gaussian He weights at fixed input. Exact at any width, and so is the variance: tested at 2, 16 and
    10,000 units. The error does not vanish with the width, because all active units lean to the side of the input.
    """
    run, findings = run.share(len(WIDTHS)), []
    for width, error in WIDTHS.items():
        variance = gradient_independence.ones_ratio_variance(width)
        test = run.mean(gradient_independence.ones_ratio(width), variance=variance, error=error)
        findings.append(test(run.once(ratios, width, 1, kind, cotangent, test.draws), expected=ratio(width)))
    return all_of(findings)
