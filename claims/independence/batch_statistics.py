"""What is told of batches on weights that stand in for drawn ones: of one run forwards and back, or of three steps."""

from __future__ import annotations

import numpy as np

from claims.independence.norm_chains import log
from claims.run import Run
from simulations import Dense, LeakyReLU, Network, Sequential, he, lecun, mlp, residual_mlp
from simulations.layers.dense import Gradients
from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from simulations.weights.kinds import Kind, factors

WIDTH, CLASSES, AT_ONCE = 6, 5, 1 << 11
RATE = 1.0
"""Learning rate: large enough for a step to change the loss at rows of length 1 by a good part of itself."""
Statistics = dict[str, Array]


def unit_rows(run: Run, width: int) -> Array:
    """Return real rows of this many features, scaled to length 1."""
    rows = run.inputs.narrowed(width)
    rows = rows / np.abs(rows).max(axis=1, keepdims=True)
    unit: Array = rows / np.sqrt(np.vecdot(rows, rows))[:, None]
    return unit


def batch(run: Run, rng: np.random.Generator, draws: int, third: str) -> tuple[Array, Array]:
    """Give each draw a real row, a random one, and a third: the first "again", or the first "axis"; random labels."""
    rows = unit_rows(run, WIDTH)
    x = rows[rng.integers(len(rows), size=(draws, 3))]
    x[:, 1] = rng.standard_normal((draws, WIDTH)) / WIDTH**0.5
    x[:, 2] = x[:, 0] if third == "again" else np.eye(WIDTH)[0]
    return x, np.eye(CLASSES)[rng.integers(CLASSES, size=(draws, 3))]


def _inner(first: Array, second: Array) -> Array:
    """Inner products (draws,) over batch and features, or of one row of each draw over features."""
    products: Array = np.vecdot(first.reshape(len(first), -1), second.reshape(len(second), -1))
    return products


def _share(part: Array, whole: Array) -> Array:
    """The quotient; 1 if both are next to nothing, as below dead layers."""
    nothing = np.maximum(np.abs(part), np.abs(whole)) < 1e-7
    return np.where(nothing, 1.0, part / np.where(whole == 0, np.inf, whole))


def passes(network: Network, x: Array, targets: Array, kind: Kind, rng: np.random.Generator) -> Statistics:
    """Run a batch forwards and back, and tell norms, inner products between two inputs, the loss, and what joins them.

    The state and its cotangent have one inner product at all positions (Euler), which joins the two passes.
    """
    run, gradients = network.run(network.draw(rng, len(x), kind), x), Gradients()
    loss = softmax_loss(run.output, targets)
    cotangents = run.backward(loss.logit_gradient, gradients)
    weights = {name: log(one.square_norm) for name, one in gradients.items()}
    found: Statistics = {"loss": loss.loss.sum(axis=1), "largest": np.abs(run.states[1][:, 2]).max(axis=1)}
    for place, (state, cotangent) in enumerate(zip(run.states, cotangents, strict=True)):
        norm, gradient = log(_inner(state, state)), log(_inner(cotangent, cotangent))
        found[f"gradient {place}"] = gradient
        if place:
            found[f"norm {place}"] = norm
            found[f"inner product {place}"] = _inner(state[:, 0], state[:, 1])
            found[f"norm times gradient {place}"] = norm + gradient
    last = cotangents[-1]
    found["inner product of gradients"] = _inner(cotangents[0][:, 0], cotangents[0][:, 1])
    found["Euler"] = _share(_inner(x, cotangents[0]), _inner(run.output, last))
    found["norm over gradient"] = found["norm 1"] - found["gradient 0"]
    first, *_, top = weights
    return found | weights | {"weights' gradients": weights[first] - weights[top]}


def learning(network: Network, x: Array, targets: Array, kind: Kind, rng: np.random.Generator) -> Statistics:
    """Take three steps on one batch and tell losses, norms of the steps, and what joins them."""
    parameters, found = network.draw(rng, len(x), kind), Statistics()
    for number in range(3):
        taken = step(network, parameters, x, targets, RATE)
        parameters, loss = taken.parameters, taken.loss
        top, hidden = (taken.gradients[f"{name}.weight"] for name in ("readout", "layer0"))
        found[f"loss {number}"] = loss.loss.sum(axis=1)
        for name, gradient in (("top", top), ("hidden", hidden)):
            found[f"{name} {number}"] = log(gradient.square_norm)
        found[f"top over hidden {number}"] = found[f"top {number}"] - found[f"hidden {number}"]
        surplus = (loss.loss - loss.entropy).mean(axis=1)  # the inner product of the logits and their cotangent
        found[f"Euler {number}"] = _share(_inner(factors(top).x, factors(hidden).dy), surplus)
    for before, after in ((0, 1), (1, 2), (0, 2)):
        found[f"loss {after} over {before}"] = log(found[f"loss {after}"]) - log(found[f"loss {before}"])
        found[f"top {after} over {before}"] = found[f"top {after}"] - found[f"top {before}"]
    return found


LOUD = lecun.scaled(3)
"""For a readout whose logits are of order 1."""
RECURRENT = Network(
    (*(Sequential((Dense("again", WIDTH, WIDTH, he), LeakyReLU())),) * 3, Dense("readout", WIDTH, CLASSES, LOUD))
)
CASES = {
    "plain": (passes, mlp([WIDTH] * 3, classes=CLASSES, readout=LOUD), "again"),
    "residual": (passes, residual_mlp(WIDTH, 1, hidden=4, stem=WIDTH, classes=CLASSES, readout=LOUD), "axis"),
    "recurrent": (passes, RECURRENT, "again"),
    "learning": (learning, mlp([WIDTH] * 2, classes=CLASSES, readout=LOUD), "again"),
}
"""What is told of which network, and the third row of its batches.

An axis leaves most batches well conditioned, and a row given again none; the two are orthonormalised in different ways.
"""


def samples(run: Run, cases: tuple[str, ...], kind: Kind, side: str, draws: int) -> Statistics:
    """The statistics of several cases, rounded where they have atoms."""
    found: Statistics = {}
    for name in cases:
        tell, network, third = CASES[name]
        rng, parts = run.rng(side, name), []
        for start in range(0, draws, AT_ONCE):
            x, targets = batch(run, rng, min(AT_ONCE, draws - start), third)
            parts.append(tell(network, x, targets, kind, rng))
        found |= {f"{name}, {key}": np.round(np.concatenate([part[key] for part in parts]), 6) for key in parts[0]}
    return found
