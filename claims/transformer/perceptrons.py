"""Gated perceptrons at initialisation: the mean square of what SwiGLU makes of its input."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.transformer.streams import real_row
from evidence import Finding, all_of
from simulations import Dense, LeakyReLU, lecun
from simulations.layers.activations import Swish
from simulations.layers.dense import Layer
from simulations.layers.gated import Gated
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.transformer import perceptrons

WIDTH, HIDDEN = 6, 8
VARIANCES = ((1.0, 1.0), (4.0, 0.5))
"""Of the pre-activations of the gate, and of the value."""
SILU, RELU = Swish(), LeakyReLU()


def _squares(run: Run, gate: float, value: float, activation: Layer, tied: bool, draws: int) -> Array:
    """Mean squares of a gated layer's units at one real row of mean square 1, (draws,)."""
    layers = [Dense(name, WIDTH, HIDDEN, lecun.scaled(v**0.5)) for name, v in (("value", value), ("gate", gate))]
    gated = Gated(layers[0], layers[1], activation)
    drawn = gated.draw(run.rng("weights", str(gate)), draws)
    if tied:
        drawn["value.weight"] = drawn["gate.weight"] * (value / gate) ** 0.5
    y, _ = gated.forward(drawn, np.repeat(real_row(run, WIDTH), draws, axis=0))
    squares: Array = np.square(y).mean(axis=(1, 2))
    return squares


@claim(
    "V9",
    paper="Shazeer 2020",
    where="GLU variants improve Transformer: SwiGLU, section 2, at initialisation; derived here",
    states=r"\mathbb E\,(\mathrm{silu}(z)\,u)^2=\mathbb E\,u^2\;\mathbb E\,\mathrm{silu}(z)^2,\qquad\mathbb E\,"
    r"\mathrm{silu}(z)^2=\tfrac14\Bigl(q+\mathbb E\,z^2\tanh^2\tfrac z2\Bigr),\quad z\sim N(0,q):\ .3558\text{ at }q=1",
    derivation=[perceptrons.gated, perceptrons.silu],
    mutants=[
        mutant(
            "like ReLU",
            "Half of the variance, the limit of large q: at q = 1 SiLU is much smaller.",
            silu=lambda variance: variance / 2,
        ),
        mutant(
            "like z/2",
            "A quarter of the variance, the limit of small q.",
            silu=lambda variance: variance / 4,
        ),
        mutant(
            "one constant",
            "E silu(t)^2 at q = 1 times q: SiLU has no degree, and its gain depends on the variance.",
            silu=lambda variance: perceptrons.silu_mean_square(1.0) * variance,
        ),
        mutant(
            "the value forgotten",
            "A gate lies between 0 and 1 only as sigmoid: here value and gate multiply, and so do their squares.",
            product=lambda value, of_gate: of_gate,
        ),
        mutant("one matrix", "The simulated value is the gate's own pre-activation: the factors depend.", tied=True),
        mutant("a gate of ReLU", "The simulated layer is ReGLU.", activation=RELU),
    ],
)
def gated_squares_multiply(
    run: Run,
    *,
    product: Callable[[float, float], sp.Expr] = perceptrons.gated_mean_square,
    silu: Callable[[float], float] = perceptrons.silu_mean_square,
    tied: bool = False,
    activation: Layer = SILU,
) -> Finding:
    """SwiGLU's units have the mean square of their values times that of SiLU at the gate, .356 at variance 1.

    Averages over independent Gaussian weights of gate and value at one real row; exact at every width, for pre-
    activations of variance 1 and 1, and 4 and 1/2. The second factor is a quadrature. So with LeCun's variance a gated
    perceptron passes on .356, and not 1/2, of the square: He's factor 2 is not its gain.
    """
    run, findings = run.share(len(VARIANCES)), []
    for gate, value in VARIANCES:
        truth = number(perceptrons.gated_mean_square(value, perceptrons.silu_mean_square(gate)))
        # silu(z)^2 <= z^2 for z > 0 and at most .08 below: E silu^4 <= 3 q^2 / 2 + .08 E silu^2; E u^4 = 3 r^2
        fourth = 3 * value**2 * (1.5 * gate**2 + 0.08 * perceptrons.silu_mean_square(gate))
        test = run.mean(truth, variance=(fourth - truth**2) / HIDDEN, error=0.06, at_most=0.07)
        seen = run.once(_squares, gate, value, activation, tied, test.draws)
        findings.append(test(seen, expected=product(value, silu(gate))))
    return all_of(findings)
