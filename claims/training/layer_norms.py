"""How the squared norm of a layer moves as a ReLU net is trained: by the loss less the entropy of its predictions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding, identity
from simulations import LeakyReLU, Tanh, mlp
from simulations.layers.dense import Layer
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from simulations.weights.kinds import Outer, factors
from theory.homogeneity import degrees, softmax
from theory.training import balance

DRAWS, BATCH, STEPS, RATE = 48, 3, 12, 0.2
RELU, TANH = LeakyReLU(), Tanh()
Change = Callable[[sp.Expr, sp.Expr, sp.Expr, sp.Expr], sp.Expr]


def _change(rate: sp.Expr, loss: sp.Expr, entropy: sp.Expr, square: sp.Expr) -> sp.Expr:
    return balance.square_norm_change(rate, degrees.loss_gradient_along(1, loss, entropy), square)


@dataclass(frozen=True)
class Training:
    """By step, then layer: by how much ||W||^2 moved, ||G||^2, rounding; of the minibatch mean loss and entropy."""

    moved: Array
    squares: Array
    rounding: Array
    loss: Array
    entropy: Array


def _trained(run: Run, activation: Layer, bias: float | None) -> Training:
    """Take steps of SGD on real rows from He's weights, every draw with its own; arrays (draws, STEPS, layers)."""
    features, classes = run.inputs.x.shape[1], run.inputs.classes
    network = mlp([features, 10, 7], classes=classes, activation=activation, bias_deviation=bias)
    layers = tuple(network.weights())
    parameters = network.draw(run.rng("weights"), DRAWS)
    shape = (DRAWS, STEPS, len(layers))
    moved, squares, rounding, loss, entropy = (np.empty(shape) for _ in range(5))
    for t in range(STEPS):
        x, targets = rows(run, f"step {t}", DRAWS, BATCH)
        x = x / np.linalg.norm(x, axis=-1, keepdims=True)  # at any scale of the rows no step diverges
        taken = step(network, parameters, x, targets, RATE)
        loss[:, t], entropy[:, t] = (one.mean(axis=1)[:, None] for one in (taken.loss.loss, taken.loss.entropy))
        for place, dense in enumerate(layers):
            before, after = parameters[dense.weight], taken.parameters[dense.weight]
            gradient = factors(taken.gradients[dense.weight])
            moved[:, t, place] = (np.square(after) - np.square(before)).sum((1, 2))
            squares[:, t, place] = np.square(gradient.array).sum((1, 2))
            # Sums round as in `claims.training.balance`; the moved weights and their squares once each.
            terms = (np.abs(before) * Outer(np.abs(gradient.x), np.abs(gradient.dy)).array).sum((1, 2))
            rounding[:, t, place] = 4 * RATE * EPS * (dense.fan_in + dense.fan_out + BATCH + 4) * terms
            rounding[:, t, place] += EPS * (16 + dense.fan_in * dense.fan_out) * np.square(before).sum((1, 2))
            rounding[:, t, place] += 2 * RATE * taken.loss.rounding.mean(axis=1)
        parameters = taken.parameters
    return Training(moved, squares, rounding, loss, entropy)


@claim(
    "T3",
    paper=FIXUP,
    where="theorem 2's identity followed through training; derived here",
    states=r"\|W_l'\|^2-\|W_l\|^2=-2\eta\,(\ell-H)+\eta^2\|G_l\|^2\text{ for every layer},\qquad "
    r"\frac{d}{dt}\|W_l\|^2=-2(\ell-H)\text{ under gradient flow}",
    derivation=[balance.inner_product, softmax.identity, degrees.loss_of_a_set, balance.of_one],
    mutants=[
        mutant(
            "by the loss alone",
            "The entropy of the prediction is to be taken away: a net that is unsure loses no weight by its loss.",
            change=lambda rate, loss, entropy, square: _change(rate, loss, sp.S.Zero, square),
        ),
        mutant(
            "one factor of two lost",
            "The norm, not its square, would move by the loss less the entropy, over the norm.",
            change=lambda rate, loss, entropy, square: _change(rate, loss / 2, entropy / 2, square),
        ),
        mutant(
            "gradient flow",
            "A step of finite length adds its own square.",
            change=lambda rate, loss, entropy, square: _change(rate, loss, entropy, sp.S.Zero),
        ),
        mutant(
            "weight decay",
            "Training shrinks the weights only as long as the loss exceeds the entropy; then it lets them grow.",
            change=lambda rate, loss, entropy, square: _change(rate, sp.Abs(loss - entropy), sp.S.Zero, square),
        ),
        mutant("with biases", "The simulated layers have biases, which do not scale with the layer.", bias=0.3),
        mutant("tanh", "The simulated units are not positively homogeneous.", activation=TANH),
    ],
)
def loss_less_entropy_moves_every_layer(
    run: Run, *, change: Change = _change, activation: Layer = RELU, bias: float | None = None
) -> Finding:
    """A step of SGD takes 2 eta (loss - entropy) from every layer's squared norm, and adds eta^2 ||G||^2 to it.

    Nothing is averaged; exact to rounding in every draw, step and layer: a plain ReLU net without biases, softmax loss,
    12 steps on minibatches of 3 real rows of length 1. So weights shrink while the loss exceeds the entropy of the
    predictions, as it does at first on average (P9), and grow once it is below, but for the second order.
    """
    loss, entropy, square = sp.symbols("l H g", positive=True)
    claimed = sp.lambdify([loss, entropy, square], change(sp.Float(RATE), loss, entropy, square))
    seen = run.once(_trained, activation, bias)
    told = claimed(seen.loss, seen.entropy, seen.squares)
    return identity(seen.moved, told, rounding=seen.rounding)
