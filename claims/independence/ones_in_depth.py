"""The gradient of the sum of a deep net's outputs, where the gradient-independence assumption fails in every layer."""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from claims.independence.gradient_independence import EXACT, SCHOENHOLZ, ones, ratios
from claims.independence.wrong_weights import independent_backward
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import rademacher
from simulations.engines.request import Cotangent
from simulations.weights.kinds import Kind
from theory.independence import gradient_independence, ones_in_depth

SHAPES = {(1000, 2): 0.04, (4, 3): 0.1}
"""Width and layers, and the relative error that must be seen there."""


def _one(width: int) -> sp.Expr:
    return gradient_independence.ones_ratio(width)


@claim(
    "C10",
    "U3",
    paper=SCHOENHOLZ,
    where="the assumption that the weights of the backward pass are independent of the forward pass, in depth; its "
    "error derived here",
    states=r"\frac{\mathbb E\|g_0\|^2}n=1+\frac{n-1}{\pi n}\Bigl[1+(n-1)\Bigl(1-"
    r"\bigl(1-\tfrac{2(1-2^{-n})}n\bigr)^{L-1}\Bigr)\Bigr]\xrightarrow{n\to\infty}1+\frac{2L-1}\pi"
    r"\quad(g_L=\mathbf 1)",
    derivation=[*ones_in_depth.DERIVATIONS, gradient_independence.error],
    mutants=[
        mutant(
            "the assumption itself",
            "He's weights preserve the mean square of cotangents with uncorrelated entries; ones all lean one way.",
            growth=lambda width, layers: sp.S.One,
        ),
        mutant(
            "one layer's error",
            "The state's direction goes through all layers, and its part of the gradient leaks across at each.",
            growth=lambda width, layers: _one(width),
        ),
        mutant(
            "the errors multiply",
            "One layer's factor to the power L: below the first layer the cotangent is no longer of ones.",
            growth=lambda width, layers: _one(width) ** layers,
        ),
        mutant(
            "the errors add up",
            "One layer's error, L times: half of what each further layer adds.",
            growth=lambda width, layers: 1 + layers * (_one(width) - 1),
        ),
        mutant(
            "the wide limit for the value",
            "1 + (2 L - 1) / pi: in narrow nets the gradient across the state is soon as large as along it.",
            growth=lambda width, layers: 1 + (2 * layers - 1) / sp.pi,
        ),
        mutant(
            "independent backward weights",
            "The simulated layers pass the cotangent back through other weights than they have.",
            kind=independent_backward(EXACT),
        ),
        mutant(
            "random signs",
            "A cotangent of uncorrelated entries, for which the assumption gives the right mean.",
            cotangent=rademacher,
        ),
    ],
)
def gradient_of_ones_grows_in_depth(
    run: Run,
    *,
    growth: Callable[[int, int], sp.Expr] = ones_in_depth.ones_growth,
    kind: Kind = EXACT,
    cotangent: Cotangent = ones,
) -> Finding:
    """The mean square gradient of the sum of a deep ReLU net's outputs grows linearly in depth, where 1 is assumed.

    Averages over Gaussian He weights at fixed input, dead nets included. Exact at any width and depth, and so is the
    variance: tested for two layers of 1000 units and three of 4. In depth the growth ends at 1 + (n - 1) / pi.
    """
    run, findings = run.share(len(SHAPES)), []
    for (width, layers), error in SHAPES.items():
        variance = ones_in_depth.ones_growth_variance(width, layers)
        test = run.mean(ones_in_depth.ones_growth(width, layers), variance=variance, error=error, at_most=error)
        seen = run.once(ratios, width, layers, kind, cotangent, test.draws)
        findings.append(test(seen, expected=growth(width, layers)))
    return all_of(findings)
