"""Deep sigmoid nets make all inputs alike at the start."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, inequality
from simulations import Initialiser, Tanh, mlp, uniform
from simulations.layers.activations import Sigmoid
from simulations.layers.dense import Layer
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.plain import sigmoid_distances

WIDTH, LAYERS = 12, 4
SIGMOID = Sigmoid()
OLD = Initialiser(lambda fan_in, fan_out: 1 / (3 * fan_in), uniform)
"""U(-1/sqrt n, 1/sqrt n)."""


@dataclass(frozen=True)
class _Pairs:
    """Mean squares over units of the differences of two inputs at every layer, (draws, layers)."""

    below: Array
    pre_activations: Array
    activations: Array


def _pairs(run: Run, init: Initialiser, activation: Layer, draws: int) -> _Pairs:
    """Two real rows a draw, at entries of at most 1, through a deep net without biases."""
    rows, rng = run.inputs.narrowed(WIDTH), run.rng("pairs")
    rows = rows[rows.std(axis=1) > 0] / np.abs(rows).max()
    x = rows[rng.integers(len(rows), size=(draws, 2))]
    x[:, 1] = -x[:, 1]  # no two inputs are equal
    network = mlp([WIDTH] * (LAYERS + 1), init=init, activation=activation)
    drawn = network.draw(rng, draws)
    states = network.run(drawn, x).states
    linear = [state @ drawn[f"layer{layer}.weight"] for layer, state in enumerate(states[:-1])]
    below, after = ([_square(one) for one in some] for some in (states[:-1], states[1:]))
    return _Pairs(*(np.stack(some, axis=1) for some in (below, [_square(one) for one in linear], after)))


def _square(pair: Array) -> Array:
    found: Array = np.square(pair[:, 0] - pair[:, 1]).mean(axis=1)
    return found


@claim(
    "X10",
    paper=GLOROT,
    where="section 3.1: sigmoid nets at the start; the factor derived here",
    states=r"\mathbb E(\Delta z')^2=\tfrac13\,\overline{(\Delta h)^2},\quad(\Delta h)^2\le\tfrac1{16}(\Delta z)^2"
    r"\quad\Rightarrow\quad\mathbb E\,\overline{(\Delta z_L)^2}\le48^{-(L-1)}\,\mathbb E\,\overline{(\Delta z_1)^2}",
    derivation=sigmoid_distances.DERIVATIONS,
    mutants=[
        mutant(
            "variance 1/n",
            "1/sqrt(n) is where the weights end; their variance is a third of its square.",
            weights=lambda fan_in: sp.Rational(1, fan_in),
        ),
        mutant(
            "the slope at a standard normal",
            "E sigma'(z)^2 = 0.045 for z of variance 1; the pre-activations of these nets are much nearer 0.",
            sigmoids=lambda: sp.Float("0.0447"),
        ),
        mutant("Xavier's weights", "Variance 1/n, three times as much.", init=Initialiser(lambda m, n: 1 / m, uniform)),
        mutant("tanh", "The simulated units have slope 1 at 0, four times as much.", activation=Tanh()),
    ],
)
def sigmoid_nets_forget_their_input(
    run: Run,
    *,
    weights: Callable[[int], sp.Expr] = sigmoid_distances.of_a_layer,
    sigmoids: Callable[[], sp.Expr] = sigmoid_distances.kept_by_sigmoids,
    init: Initialiser = OLD,
    activation: Layer = SIGMOID,
) -> Finding:
    """Under U(+-1/sqrt n) a sigmoid layer leaves at most 1/48 of two inputs' mean square distance, so depth hides them.

    From pre-activation to pre-activation, over the weights of the layer; exact at every width, with any biases. Tested
    are its two parts, in four layers of width 12: the weights keep a third of the mean square of differences, in the
    mean over draws; the sigmoids at most 1/16, in every draw and layer. Distances of the top layer are
    then at most 48^-3 of those of the first, in the mean: classes can hardly be told apart there at the start.
    """
    truth = number(sigmoid_distances.of_a_layer(WIDTH) * WIDTH)
    # Given the differences below, a unit's squared weighted sum has a kurtosis below 3, and units are independent.
    test = run.mean(truth, variance=2 * truth**2 / WIDTH, error=0.1, at_most=0.15)
    seen = run.once(_pairs, init, activation, -(-test.draws // LAYERS))
    ratios = (seen.pre_activations / seen.below).ravel()[: test.draws]
    bound = number(sigmoids()) * seen.pre_activations
    kept = number(sigmoid_distances.kept_by_a_layer()) / truth * seen.pre_activations
    return all_of(
        [
            test(ratios, expected=weights(WIDTH) * WIDTH),
            inequality(bound, seen.activations, rounding=64 * EPS),
            inequality(kept, seen.activations, rounding=64 * EPS),
        ]
    )
