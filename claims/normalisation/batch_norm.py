"""What a batch norm takes from the layer below it, and what its own parameters give back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Dense, LeakyReLU, Network, lecun, softmax_loss
from simulations.layers.dense import Gradients
from simulations.layers.losses import EPS
from simulations.layers.normalisation import BatchNorm, LayerNorm
from simulations.numbers.arrays import Array
from theory.normalisation import batch_norm

IOFFE = "Ioffe & Szegedy 2015 (Batch Normalization)"
FEATURES, UNITS, BATCH, DRAWS = 6, 5, 8, 100
LARGE_EPS = 0.5
"""So large that a gain which forgets it is seen."""
Norm = BatchNorm | LayerNorm
Kind = Callable[[float], Norm]


def _batch(eps: float) -> Norm:
    return BatchNorm("norm", UNITS, eps, gain_start=1.0, bias_start=0.0)


def _layer(eps: float) -> Norm:
    return LayerNorm("norm", UNITS, eps, gain_start=1.0, bias_start=0.0)


@dataclass(frozen=True)
class _Passed:
    """What is seen of a batch a draw: the norm's output, and gradients of the biases below and above it."""

    bias: Array
    output: Array
    below: Array
    above: Array
    size: Array
    """Of the cotangents of the features and of the features, over the smallest deviation: what rounding acts on."""


def _rows(run: Run) -> tuple[Array, Array]:
    """Real rows, scaled to entries of at most 1, and their labels: BATCH of them a draw."""
    rows, rng = run.inputs.narrowed(FEATURES), run.rng("rows")
    chosen = rng.integers(len(rows), size=(DRAWS, BATCH))
    return rows[chosen] / np.abs(rows).max(), run.inputs.targets[chosen]


def _passed(run: Run, kind: Kind, biased: bool) -> _Passed:
    """A dense layer with normal biases or none, the norm, a leaky ReLU and a readout, on a batch of real rows."""
    x, targets = _rows(run)
    layers = (Dense("layer", FEATURES, UNITS, lecun, 1.0), kind(1e-5), LeakyReLU(0.2))
    network = Network((*layers, Dense("readout", UNITS, run.inputs.classes, lecun)))
    drawn = network.draw(run.rng("weights"), DRAWS)
    if not biased:
        drawn["layer.bias"] = np.zeros_like(drawn["layer.bias"])
    passed, into = network.run(drawn, x), Gradients()
    cotangents = passed.backward(softmax_loss(passed.output, targets).logit_gradient, into)
    features = passed.states[1]
    size = np.abs(cotangents[1]).sum(axis=(1, 2)) + np.abs(features).max(axis=(1, 2)) / features.std(axis=1).min(axis=1)
    return _Passed(
        drawn["layer.bias"], passed.states[2], into["layer.bias"].array[:, 0], into["norm.bias"].array[:, 0], size
    )


@claim(
    "B11",
    paper=IOFFE,
    where="section 3.2, the remark that the bias can be left out",
    states=r"\mathrm{BN}(z+b)=\mathrm{BN}(z),\qquad\frac{\partial C}{\partial b}=0",
    derivation=[batch_norm.shift, batch_norm.bias_gradient],
    mutants=[
        mutant(
            "it shifts the output",
            "That is the bias above the norm.",
            shift=lambda bias: bias,
        ),
        mutant(
            "it learns as the one above",
            "The gradients of a feature add up to 0 over the batch; those above the norm do not.",
            slope=lambda above: above,
        ),
        mutant(
            "layer norm",
            "It subtracts the mean over the units of an example, which takes no unit's bias away.",
            kind=_layer,
        ),
    ],
)
def a_bias_below_a_batch_norm_is_dead(
    run: Run,
    *,
    shift: Callable[[sp.Expr], sp.Expr] = batch_norm.output_shift,
    slope: Callable[[sp.Expr], sp.Expr] = batch_norm.gradient_of_bias,
    kind: Kind = _batch,
) -> Finding:
    """A bias below a batch norm does not move its output and has no gradient, so it stays where it starts.

    Nothing is averaged; exact at every epsilon, in training mode and without weight decay. A layer with normal biases,
    on batches of 8 real rows, against the same without; the loss is cross-entropy.
    """
    # Mean and deviation round a few times an example, relative to the largest feature over the smallest deviation.
    with_bias, without = (run.once(_passed, kind, biased) for biased in (True, False))
    symbol = sp.Symbol("u", real=True)
    moved, learnt = (
        np.broadcast_to(sp.lambdify(symbol, function(symbol))(given), given.shape)
        for function, given in ((shift, with_bias.bias), (slope, with_bias.above))
    )
    rounding = 64 * (FEATURES + BATCH + UNITS) * EPS * (1 + with_bias.size) ** 2
    return all_of(
        [
            identity(with_bias.output - without.output, moved, rounding=rounding[:, None, None]),
            identity(with_bias.below, learnt, rounding=rounding[:, None]),
        ]
    )


def _restored(run: Run, kind: Kind, gain: Callable[[sp.Expr, sp.Expr], sp.Expr], shifted: bool) -> tuple[Array, Array]:
    """The features of a batch a draw, and the norm's output once its gain and shift are set by their statistics."""
    x, _ = _rows(run)
    network = Network((Dense("layer", FEATURES, UNITS, lecun, 1.0), kind(LARGE_EPS)))
    drawn = network.draw(run.rng("weights"), DRAWS)
    features = network.run(drawn, x).states[1]
    values = sp.symbols("v epsilon", positive=True)
    gains = sp.lambdify(values, gain(*values))(features.var(axis=1, keepdims=True), LARGE_EPS)
    drawn |= {"norm.gain": gains, "norm.bias": shifted * features.mean(axis=1, keepdims=True)}
    return features, network.run(drawn, x).output


@claim(
    "B12",
    paper=IOFFE,
    where="section 3, the parameters that can represent the identity",
    states=r"\gamma=\sqrt{\mathrm{var}+\epsilon},\ \beta=\mathrm{mean}:\qquad\gamma\,\frac{z-\mathrm{mean}}"
    r"{\sqrt{\mathrm{var}+\epsilon}}+\beta=z",
    derivation=batch_norm.restored,
    mutants=[
        mutant("the variance", "The norm divides by a root.", gain=lambda v, epsilon: v + epsilon),
        mutant(
            "without epsilon", "The norm divides by slightly more than the deviation.", gain=lambda v, e: sp.sqrt(v)
        ),
        mutant("the gain alone", "The mean was taken as well.", shifted=False),
        mutant(
            "layer norm",
            "Its statistics are those of an example, while gain and shift belong to a unit.",
            kind=_layer,
        ),
    ],
)
def gain_and_shift_restore_the_input(
    run: Run,
    *,
    gain: Callable[[sp.Expr, sp.Expr], sp.Expr] = batch_norm.restoring_gain,
    shifted: bool = True,
    kind: Kind = _batch,
) -> Finding:
    """With the batch's deviation for gamma and its mean for beta, a batch norm gives its input back.

    Nothing is averaged; exact for the batch that they were taken from, at every epsilon (here 0.5). Batches of 8.
    """
    features, restored = run.once(_restored, kind, gain, shifted)
    rounding = 64 * BATCH * EPS * (1 + np.abs(features).max(axis=(1, 2), keepdims=True))
    return identity(restored, features, rounding=rounding)
