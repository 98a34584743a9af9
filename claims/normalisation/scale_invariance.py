"""Weights below a normalisation: their size does nothing but set their learning rate; weight decay sets their size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Dense, LeakyReLU, Network, lecun, softmax_loss
from simulations.layers.dense import Gradients, Parameters
from simulations.layers.losses import EPS
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from theory.normalisation import scale_invariance

PAPER = "van Laarhoven 2017; Zhang, Dauphin & Ma 2019 (Fixup)"
DRAWS, FEATURES, UNITS, STEPS = 128, 6, 8, 3
LAYER = "layer.weight"
C, RATE, NORM, GRADIENT = sp.symbols("c eta N G", positive=True)


def _square_norm(w: Array) -> Array:
    squares: Array = (w**2).sum(axis=(1, 2))
    return squares


@dataclass(frozen=True)
class _Classifier:
    """The loss of one real row a draw, as a function of the first layer's weights (draws, FEATURES, UNITS)."""

    network: Network
    others: Parameters
    x: Array
    targets: Array

    def gradient(self, w: Array) -> tuple[Array, Array]:
        """The gradient g, and a bound of the rounding error of <w, g>, (draws,).

        <w, g> is <z, dz> over the units z = x W, with dz = (dy - mean dy - y mean(dy y)) / deviation. Every entry
        rounds a few times for each of the terms that it adds, relative to ||x|| ||W|| ||dy|| / deviation.
        """
        run, into = self.network.run(self.others | {LAYER: w}, self.x), Gradients()
        dy = run.backward(softmax_loss(run.output, self.targets).logit_gradient, into)[2]
        sizes = _square_norm(self.x) * _square_norm(w) * _square_norm(dy)
        rounding = 16 * (FEATURES + UNITS) * EPS * np.sqrt(sizes) / run.states[1].std(axis=2)[:, 0]
        return into[LAYER].array, rounding

    def descended(self, w: Array, rate: Array) -> Array:
        """The weights after a few steps of gradient descent on them alone."""
        for _ in range(STEPS):
            w = w - rate * self.gradient(w)[0]
        return w


def _classifier(run: Run, normalised: bool, eps: float) -> tuple[_Classifier, Array]:
    """A layer, its norm over units, a leaky ReLU and a readout; with weights of norm 1 for the layer."""
    rows, targets, rng = run.inputs.narrowed(FEATURES), run.inputs.targets, run.rng("rows")
    x = rows[rng.integers(len(rows), size=DRAWS)][:, None]
    y = targets[rng.integers(len(targets), size=DRAWS)][:, None]
    norm = (LayerNorm("norm", UNITS, eps),) if normalised else ()
    readout = Dense("readout", UNITS, run.inputs.classes, lecun)
    network = Network((Dense("layer", FEATURES, UNITS), *norm, LeakyReLU(0.2), readout))
    drawn = network.draw(run.rng("weights"), DRAWS)
    w = drawn[LAYER] / np.sqrt(_square_norm(drawn[LAYER]))[:, None, None]
    return _Classifier(network, drawn, x / np.abs(x).max(axis=2, keepdims=True), y), w


WRONG_NETWORKS = [
    mutant(
        "no normalisation",
        "The simulated layer has none above it: a leaky ReLU makes the logits of degree 1, not 0, in its weights.",
        normalised=False,
    ),
    mutant("a large epsilon", "The simulated norm adds 0.01 to the variance, which then has no degree.", eps=0.01),
]


@claim(
    "F14",
    paper=PAPER,
    where="effective learning rates below normalisations, and the multipliers that stand in for them; derived here",
    states=r"f(cw)=f(w):\quad\langle w,\nabla f(w)\rangle=0,\quad\nabla f(cw)=\tfrac1c\nabla f(w),\quad"
    r"\frac{w}{\|w\|}\text{ moves with rate }\frac\eta{\|w\|^2}",
    derivation=[scale_invariance.orthogonal, scale_invariance.gradient, scale_invariance.effective_rate],
    mutants=[
        mutant(
            "eta / ||w||",
            "The gradient is smaller by 1/||w||, and so is what a step of given length does to the direction.",
            rate=lambda eta, norm: eta / norm,
        ),
        mutant(
            "the rate is the rate",
            "Weights of any size give the same function, but not the same training.",
            rate=lambda eta, norm: eta,
        ),
        mutant(
            "one gradient for all scales",
            "The function has degree 0, its gradient degree -1.",
            factor=lambda c: sp.Integer(1),
        ),
        mutant(
            "gradients grow with the weights",
            "c is the factor in a network that is linear in these weights, with a quadratic loss.",
            factor=lambda c: c,
        ),
        *WRONG_NETWORKS,
    ],
)
def scale_sets_the_rate(
    run: Run,
    *,
    factor: Callable[[sp.Expr], sp.Expr] = scale_invariance.gradient_factor,
    rate: Callable[[sp.Expr, sp.Expr], sp.Expr] = scale_invariance.rate_of_direction,
    normalised: bool = True,
    eps: float = 0.0,
) -> Finding:
    """Below a normalisation gradients are orthogonal to the weights and 1/c as large at c w: the rate is eta / ||w||^2.

    Nothing is averaged; exact. A layer with a norm over its units (epsilon 0), real rows. Scales c are powers of two,
    which are not rounded, so gradients and three steps of descent at c w and at w agree bit for bit.
    """
    one, w = _classifier(run, normalised, eps)
    rng = run.rng("scales")
    c = rng.choice([0.125, 0.5, 2.0, 8.0], size=(DRAWS, 1, 1))
    eta = np.full_like(c, 0.25)
    g, rounding = one.gradient(w)
    here = sp.lambdify(C, factor(C))(c) * g
    size = np.sqrt(_square_norm(w) * _square_norm(g))
    slower = np.broadcast_to(sp.lambdify([RATE, NORM], rate(RATE, NORM))(eta, c), c.shape)
    return all_of(
        [
            identity(size + (w * g).sum(axis=(1, 2)), size, rounding=rounding),
            identity(one.gradient(c * w)[0], here, rounding=0.0),
            identity(one.descended(c * w, eta) / c, one.descended(w, slower), rounding=0.0),
        ]
    )


Fourth = Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr]
BIG_RATE, BIG_DECAY = 2.0, 0.25
"""Their product, 1/2, is large enough to tell the exact law from that of small rates."""


@claim(
    "F14",
    paper=PAPER,
    where="effective learning rates, with weight decay; exact form derived here",
    states=r"\|w'\|=\|w\|\iff\|w\|^4=\frac{\eta\,\|\tilde g\|^2}{2\lambda-\eta\lambda^2},\qquad "
    r"w'=(1-\eta\lambda)w-\eta\nabla f(w),\quad\tilde g=\nabla f\bigl(\tfrac w{\|w\|}\bigr)",
    derivation=[scale_invariance.orthogonal, scale_invariance.equilibrium, scale_invariance.attracting],
    mutants=[
        mutant(
            "small rates",
            "eta G / (2 lambda) is the limit as eta lambda tends to 0.",
            fourth=lambda eta, decay, square: eta * square / (2 * decay),
        ),
        mutant(
            "the square",
            "||w||^2 for ||w||^4: the gradient at w is smaller by 1/||w||, which gives another two powers.",
            fourth=lambda eta, decay, square: scale_invariance.equilibrium_fourth_power(eta, decay, square) ** 2,
        ),
        mutant(
            "any rate",
            "G / (2 lambda) has lost the rate: a larger one lengthens the weights.",
            fourth=lambda eta, decay, square: square / (2 * decay - eta * decay**2),
        ),
        *WRONG_NETWORKS,
    ],
)
def weight_decay_sets_the_norm(
    run: Run,
    *,
    fourth: Fourth = scale_invariance.equilibrium_fourth_power,
    normalised: bool = True,
    eps: float = 0.0,
) -> Finding:
    """Weight decay and gradient balance where ||w||^4 = eta ||g||^2 / (2 lambda - eta lambda^2), at any rate.

    Nothing is averaged; exact for each step, with the gradient g at w / ||w||. (Where ||g|| changes from step to step
    the mean of its square gives the norm to first order in eta lambda.) A step from weights of that norm must keep it.
    """
    one, direction = _classifier(run, normalised, eps)
    squares = _square_norm(one.gradient(direction)[0])
    powers = sp.lambdify(GRADIENT, fourth(sp.Float(BIG_RATE), sp.Float(BIG_DECAY), GRADIENT))(squares)
    w = powers[:, None, None] ** 0.25 * direction
    g, rounding = one.gradient(w)
    after = (1 - BIG_RATE * BIG_DECAY) * w - BIG_RATE * g
    return identity(
        _square_norm(after),
        np.sqrt(powers),
        rounding=2 * BIG_RATE * rounding + 64 * FEATURES * UNITS * EPS * np.sqrt(powers),
    )
