"""Weight gradients of linear nets whose widths differ: Glorot's equation 7."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import sympy as sp

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, LeakyReLU, glorot, he, measure, mlp
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.plain import linear_gradients
from theory.plain.glorot import glorot_variance

WIDTHS = (4, 12, 6, 10)
LAYERS = range(1, len(WIDTHS))
VARIANCES = tuple(glorot_variance(WIDTHS[k - 1], WIDTHS[k]) for k in LAYERS)
Size = Callable[[Sequence[int], Sequence[sp.Expr], int], sp.Expr]


def _entries(run: Run, init: Initialiser, slope: float, draws: int) -> list[Array]:
    """Mean squares of the entries of each weight gradient, over those of the input and of the cotangent: (draws,)."""
    network = mlp(WIDTHS, init=init, activation=LeakyReLU(slope))
    inputs = run.inputs.narrowed(WIDTHS[0])
    rng = run.rng("net")
    record = measure(network, inputs, draws=draws, rng=rng, backward=True, extras=("weight_gradients",))
    ends = record.square_norms[:, 0] / WIDTHS[0] * record.gradient_square_norms[:, -1] / WIDTHS[-1]
    return [record.weight_gradients[f"layer{k - 1}.weight"] / (WIDTHS[k - 1] * WIDTHS[k]) / ends for k in LAYERS]


def _relative_variance(layer: int) -> float:
    """Of Gaussian layers: below, W_k x has n_k independent coordinates, above, W_k^T v has n_{k-1}."""
    moment = 1.0
    for k in LAYERS:
        if k != layer:
            moment *= 1 + 2 / (WIDTHS[k] if k < layer else WIDTHS[k - 1])
    return moment - 1


@claim(
    "X8",
    paper=GLOROT,
    where="section 4.2.1, equation 7",
    states=r"\frac{\mathbb E(\partial C/\partial W_i)_{jk}^2}{\overline{x^2}\;\overline{v^2}}="
    r"\prod_{k<i}n_{k-1}\sigma_k^2\prod_{k>i}n_k\sigma_k^2",
    derivation=linear_gradients.DERIVATIONS,
    mutants=[
        mutant(
            "fan-in both ways",
            "Cotangents pass through columns: above the layer it is the fan-out that counts.",
            size=lambda n, s, i: sp.prod(n[k - 1] * s[k - 1] for k in LAYERS if k != i),
        ),
        mutant(
            "the fans swapped",
            "States add over the inputs of a unit, cotangents over its outputs.",
            size=lambda n, s, i: sp.prod(n[k if k < i else k - 1] * s[k - 1] for k in LAYERS if k != i),
        ),
        mutant(
            "the layer itself counted",
            "The gradient of a matrix does not pass through it; at Glorot's condition n sigma^2 = 1 nobody notices.",
            size=lambda n, s, i: linear_gradients.entry_gradient(n, s, i) * n[i] * s[i - 1],
        ),
        mutant(
            "level, as at equal widths",
            "Where all widths are equal every layer has one size; Glorot's variance does not repair unequal ones.",
            size=lambda n, s, i: sp.Integer(1),
        ),
        mutant("He weights", "The simulated variance is 2 / fan_in.", init=he),
        mutant("ReLU", "Rectified layers, where the claim is made for linear ones.", slope=0.0),
    ],
)
def weight_gradients_at_uneven_widths(
    run: Run, *, size: Size = linear_gradients.entry_gradient, init: Initialiser = glorot, slope: float = 1.0
) -> Finding:
    """Layers below a linear net's weight multiply its mean square gradient by n_in Var W, those above by n_out Var W.

    Averages over Gaussian weights of Glorot's variance and a cotangent of random signs at fixed input; exact at any
    width. All of three uneven layers (4, 12, 6, 10); the variance is exact.
    """
    run, tests = run.share(len(LAYERS)), {}
    for i in LAYERS:
        truth = number(linear_gradients.entry_gradient(WIDTHS, VARIANCES, i))
        tests[i] = run.mean(truth, variance=_relative_variance(i) * truth**2, error=0.06)
    samples = run.once(_entries, init, slope, max(test.draws for test in tests.values()))
    return all_of(
        tests[i](sample, expected=number(size(WIDTHS, VARIANCES, i))) for i, sample in zip(LAYERS, samples, strict=True)
    )
