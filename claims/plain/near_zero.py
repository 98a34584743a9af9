"""Small weights make a deep sigmoid net an affine map, or nearly."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.papers import GLOROT
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, inequality
from simulations import Initialiser, mlp, uniform
from simulations.layers.activations import Sigmoid
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.plain import near_zero

WIDTH, DRAWS, ROWS = 2, 200, 8
SUMS, DEPTHS = (0.5, 1.0, 2.0), (1, 2, 4, 8)


def _distance(run: Run, weight: float, bias: float) -> Array:
    """The largest distance of a net's units from those of its twin with 1/2 + z/4 for sigmoid, (draws, depths)."""
    rng, rows = run.rng("net", str(weight)), run.inputs.narrowed(WIDTH)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    signs = rng.choice([-1.0, 1.0], (DRAWS, ROWS, WIDTH))
    x = rows[rng.integers(len(rows), size=(DRAWS, ROWS))] * signs
    init = Initialiser(lambda fan_in, fan_out: 1.0, uniform)
    network = mlp([WIDTH] * (max(DEPTHS) + 1), init=init, activation=Sigmoid(), bias_deviation=bias or None)
    drawn = {
        name: _with_sum(one, weight) if "weight" in name else one for name, one in network.draw(rng, DRAWS).items()
    }
    states, affine, found = network.run(drawn, x).states, x, []
    for depth in range(1, max(DEPTHS) + 1):
        affine = 0.5 + _pre_activations(drawn, depth - 1, affine) / 4
        found.append(np.abs(states[depth] - affine).max(axis=(1, 2)))
    return np.stack([found[depth - 1] for depth in DEPTHS], axis=1)


def _with_sum(weights: Array, total: float) -> Array:
    """Scale the weights of every unit so that their sizes add up to `total`."""
    scaled: Array = weights * total / np.abs(weights).sum(axis=1, keepdims=True)
    return scaled


def _pre_activations(drawn: Parameters, layer: int, x: Array) -> Array:
    z: Array = x @ drawn[f"layer{layer}.weight"] + drawn.get(f"layer{layer}.bias", 0.0)
    return z


@claim(
    "X9",
    paper=GLOROT,
    where="sections 3 and 4: the sigmoid is nearly linear around 0; the bound derived here",
    states=r"\sum_j|W_{ij}|\le a\ \Rightarrow\ \bigl|x_L-(\text{affine in }x_0)\bigr|\le"
    r"\frac{a^3}{48}\,\frac{1-(a/4)^L}{1-a/4}\le\frac{a^3}{12(4-a)}",
    derivation=near_zero.DERIVATIONS,
    mutants=[
        mutant(
            "it fades with depth",
            "The error of the first layer does; every layer adds its own.",
            bound=lambda a, depth: near_zero.distance(a, depth) * sp.Float(a / 4) ** (depth - 1),
        ),
        mutant(
            "the next order",
            "z^5 / 480 is what the cubic term leaves, not what the tangent does.",
            bound=lambda a, depth: sp.Float(a) ** 5 / 480 / (1 - sp.Float(a) / 4),
        ),
        mutant("exactly linear", "Small weights make the net nearly linear.", bound=lambda a, depth: sp.Integer(0)),
        mutant("with biases", "Simulated biases move pre-activations away from 0.", bias=2.0),
        mutant("larger weights", "The simulated weights add up to three times as much.", larger=3.0),
    ],
)
def small_sigmoid_nets_are_affine(
    run: Run,
    *,
    bound: Callable[[float, int], sp.Expr] = near_zero.distance,
    bias: float = 0.0,
    larger: float = 1.0,
) -> Finding:
    """A sigmoid net whose units' weights add up to a in size is an affine map to within a^3/(12(4 - a)), at any depth.

    Nothing is averaged; exact, for inputs between -1 and 1 and without biases. Nets of width 2 and 1 to 8 layers, a =
    1/2, 1 and 2, against the same with 1/2 + z/4 for the sigmoid. That map varies less with every layer, by a factor
    of at most a/4: how small the error is relative to its range is not claimed.
    """
    findings = []
    for a in SUMS:
        found = run.once(_distance, larger * a, bias)
        bounds = np.array([number(bound(a, depth)) for depth in DEPTHS])
        limit = number(near_zero.distance_at_any_depth(a))
        rounding = 16 * EPS * (1 + a) * max(DEPTHS)
        findings += [
            inequality(np.broadcast_to(bounds, found.shape), found, rounding=rounding),
            inequality(limit, bounds, rounding=rounding, says=True, chance=False),
        ]
    return all_of(findings)
