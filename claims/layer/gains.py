"""Gains: the factor on the weights that each activation asks for, and SELU, which asks for none."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import sympy as sp

from claims.papers import HE
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Initialiser, LeakyReLU, Tanh, he, lecun, mlp
from simulations.layers.activations import GELU, SELU, Sigmoid
from simulations.layers.dense import Layer
from simulations.measure import batches
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.layer import gains, selu

KLAMBAUER = "Klambauer, Unterthiner, Mayr & Hochreiter 2017"
FAN_IN, UNITS = 4, 16
LAYERS: Mapping[str, Layer] = {
    "relu": LeakyReLU(),
    "tanh": Tanh(),
    "sigmoid": Sigmoid(),
    "GELU": GELU(),
    "SELU": SELU(),
}
TORCH: Mapping[str, sp.Expr] = {
    "relu": sp.sqrt(2),
    "tanh": sp.Rational(5, 3),
    "sigmoid": sp.Integer(1),
    "GELU": sp.Integer(1),
    "SELU": sp.Rational(3, 4),
}
"""PyTorch's calculate_gain, which has no entry for GELU."""


def _activations(run: Run, activation: Layer, init: Initialiser, count: int) -> Array:
    """At least `count` activations at real rows scaled to mean square 1, an even number of rows."""
    rng, rows = run.rng("units"), run.inputs.narrowed(FAN_IN)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    rows = rows / np.sqrt(np.mean(rows**2, axis=1, keepdims=True))
    network = mlp([FAN_IN, UNITS], init=init, activation=activation)
    parts = []
    for draws in batches(network, -(-count // UNITS)):
        x = rows[rng.integers(len(rows), size=draws)][:, None, :]
        parts.append(network.run(network.draw(rng, draws), x).output.ravel())
    return np.concatenate(parts)


@claim(
    "B3",
    paper=HE,
    where="section 2.2, for other activations; exact forms derived here",
    states=r"g_\varphi=\bigl(\mathbb E\varphi(t)^2\bigr)^{-1/2}:\quad 1.4142\ \text{(ReLU)},\ 1.5925\ \text{(tanh)},\ "
    r"1.8462\ \text{(sigmoid)},\ 1.5335\ \text{(GELU)},\ 1\ \text{(SELU)},\qquad t\sim N(0,1)",
    derivation=gains.DERIVATIONS,
    mutants=[
        mutant(
            "the standard deviation for the root mean square",
            "1/std belongs to weights whose rows sum to 0; others carry the mean of the activation along.",
            gain=gains.centred_gain,
        ),
        mutant(
            "use Xavier on every layer",
            "Gain 1 is that of a linear layer, and of SELU.",
            gain=lambda activation: sp.Integer(1),
        ),
        mutant(
            "PyTorch's table",
            "Its 5/3 for tanh, 1 for the sigmoid and 3/4 for SELU preserve nothing exactly; only ReLU's does.",
            gain=TORCH.__getitem__,
        ),
        mutant(
            "the gain for the weights, squared",
            "1 / E phi^2 is a factor for the variance of the weights, not for the weights.",
            gain=lambda activation: gains.gain(activation) ** 2,
        ),
        mutant(
            "pre-activations of variance 2",
            "Behind He weights and a normalised input the pre-activation has variance 2; smooth gains depend on it.",
            init=he,
        ),
    ],
)
def second_moment_gains(run: Run, *, gain: Callable[[str], sp.Expr] = gains.gain, init: Initialiser = lecun) -> Finding:
    """Each activation asks for the gain 1 / sqrt(E phi^2) at a standard normal pre-activation.

    Averages over Gaussian weights at fixed inputs of mean square 1, so that pre-activations are N(0, 1); exact at
    every width. Fourth moments, which the tests need, are exact (ReLU, SELU) or bounded.
    """
    run, findings = run.share(len(LAYERS)), []
    for name, layer in LAYERS.items():
        truth = number(gains.second_moment(name))
        test = run.mean(truth, variance=number(gains.fourth_moment_bound(name)) - truth**2, error=0.06)
        squares = run.once(_activations, layer, init, test.draws) ** 2
        findings.append(test(squares, expected=1 / number(gain(name)) ** 2))
    return all_of(findings)


@claim(
    "B6",
    paper=KLAMBAUER,
    where="equation 14",
    states=r"\mathbb E\,\mathrm{selu}(t)=0,\quad \mathbb E\,\mathrm{selu}(t)^2=1\quad\text{at }"
    r"\alpha=\frac{(2\pi)^{-1/2}}{\frac12-\sqrt e\,\Phi(-1)}=1.6733,\ \lambda=1.0507",
    derivation=selu.DERIVATIONS,
    mutants=[
        mutant(
            "gain 3/4",
            "PyTorch's gain for SELU: weights of variance (3/4)^2 / n lose 44 % of the mean square in the first layer.",
            gain=lambda: sp.Rational(3, 4),
        ),
        mutant(
            "He's gain",
            "SELU grows its positive side itself, by lambda, and its negative side makes up for the rest.",
            gain=lambda: sp.sqrt(2),
        ),
        mutant(
            "alpha and lambda swapped",
            "Lambda multiplies both sides, alpha the negative one only.",
            constants=lambda: (selu.scale(), selu.alpha()),
        ),
        mutant(
            "ELU",
            "Without the two constants an exponential unit has mean 0.16 and second moment 0.65.",
            activation=SELU(alpha=1.0, scale=1.0),
        ),
    ],
)
def selu_fixed_point(
    run: Run,
    *,
    gain: Callable[[], sp.Expr] = lambda: sp.Integer(1),
    constants: Callable[[], tuple[sp.Expr, sp.Expr]] = lambda: (selu.alpha(), selu.scale()),
    activation: Layer = SELU(),  # noqa: B008
) -> Finding:
    """SELU maps mean 0 and variance 1 to themselves with weights of variance 1/n, at gain 1 and at no other.

    Averages over Gaussian weights at fixed inputs of mean square 1; exact for one layer at every width (that deep nets
    are drawn to the fixed point is a statement about wide ones, and not tested). The published constants agree with
    the derived ones to rounding.
    """
    run = run.share(2)
    square = run.mean(1, variance=number(selu.fourth_moment()) - 1, error=0.02)
    unit = run.mean(0, variance=1, error=0.02, unit=1)
    units = run.once(_activations, activation, lecun, max(square.draws, unit.draws))
    published = np.array([SELU.alpha, SELU.scale])
    return all_of(
        [
            square(units**2, expected=1 / number(gain()) ** 2),
            unit(units),
            identity(
                published,
                np.array([number(constant) for constant in constants()]),
                rounding=4 * np.finfo(float).eps,
                chance=False,
            ),
        ]
    )
