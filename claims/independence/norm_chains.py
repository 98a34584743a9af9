"""What is told of records of norms, and chains of norms with one thing wrong, for the claim on radial chains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from simulations.engines.record import Record
from simulations.layers.losses import softmax_loss
from simulations.numbers.arrays import Array

QUIET = np.float64(-5000)
"""Stands for the logarithm of zero, as below dead layers."""


def log(squares: Array) -> Array:
    """Return base-2 logarithms, `QUIET` for 0."""
    with np.errstate(divide="ignore"):
        return np.fmax(np.log2(squares), QUIET)


def statistics(record: Record) -> dict[str, Array]:
    """Tell norms, gradient norms, weight-gradient norms, counts and the loss, and products and ratios of neighbours.

    Logarithms but for the loss and the counts; rounded, since they have atoms where layers are dead.
    """
    places = range(len(record.widths))
    norms = {f"norm {place}": log(record.square_norms[:, place]) for place in places[1:]}
    gradients = {f"gradient {place}": log(record.gradient_square_norms[:, place]) for place in places}
    weights = {name: log(record.weight_gradients[name]) for name in reversed(record.weight_gradients)}
    logs = norms | gradients | weights
    found = logs | {"loss": record.losses}
    for place in places[1:]:
        norm, gradient = norms[f"norm {place}"], gradients[f"gradient {place}"]
        found[f"norm times gradient {place}"] = norm + gradient
        found[f"norm {place} over gradient {place - 1}"] = norm - gradients[f"gradient {place - 1}"]
    surplus = np.round(np.abs(record.losses - np.log(record.widths[-1])), 9)  # at most twice the norm of the logits
    found["loss over norm of logits"] = log(surplus) - norms[f"norm {places[-1]}"] / 2
    found["loss and its gradient"] = record.losses + gradients[f"gradient {places[-1]}"]
    for one in (norms, gradients, weights):
        for (before, first), (after, second) in pairwise(one.items()):
            found[f"{after} over {before}"] = second - first
    if len(weights) == len(norms):  # plain: counts are known everywhere, and a weight gradient is ||x|| times ||d||
        for place in places[1:]:
            count = record.active[:, place]
            found[f"active {place}"] = count
            found[f"active {place} and its gradient"] = count + 0.3 * gradients[f"gradient {place}"]
        below = [np.zeros(len(record.losses)), *norms.values()]  # inputs have length 1
        inner = [w - b + n for w, b, n in zip(weights.values(), below[:-1], norms.values(), strict=True)]
        for place, (first, second) in enumerate(pairwise(inner), start=1):
            found[f"||x|| ||d|| of layer {place} over that of layer {place + 1}"] = first - second
    return {name: np.round(column, 6) for name, column in found.items()}


@dataclass(frozen=True)
class WrongChain:
    """The chain of norms of a plain He net and a readout, right but for what is asked to be wrong."""

    revived: bool = False
    """Units open at random behind a dead layer too."""
    extra: int = 0
    """Degrees of freedom too many, on the open units on the way back."""
    redrawn: bool = False
    """The way back counts open units of its own."""
    along: bool = True
    """A cotangent has the component along the state that Euler's identity gives it."""

    def record(self, widths: Sequence[int], readout: float, targets: Array, rng: np.random.Generator) -> Record:
        """Simulate inputs of length 1, one a row of targets, with readout weights of this standard deviation."""
        draws, squares, counts = len(targets), [np.ones(len(targets))], [np.full(len(targets), widths[0])]
        for fan_in, width in pairwise(widths):
            counts.append(rng.binomial(width, 0.5, draws) * (self.revived | (squares[-1] > 0)))
            squares.append(squares[-1] * 2 / fan_in * 2 * rng.standard_gamma(counts[-1] / 2))
        normals = rng.standard_normal(targets.shape)
        logits = readout * np.sqrt(squares[-1])[:, None] * normals
        loss = softmax_loss(logits, targets)
        inner, passed = np.vecdot(logits, loss.logit_gradient), np.vecdot(loss.logit_gradient, loss.logit_gradient)
        gradients, weights, spread = [passed], {"readout.weight": squares[-1] * passed}, readout**2
        for place in range(len(widths) - 1, -1, -1):
            square, width = squares[place], widths[place]
            count = rng.binomial(width, 0.5, draws) if self.redrawn and place else counts[place]
            along = inner**2 / np.where(square > 0, square, np.inf) * self.along
            dimensions = np.clip(count - (1 if self.along else 0) + self.extra * (place > 0), 0, None)
            opened = along + spread * passed * 2 * rng.standard_gamma(dimensions / 2)
            shut = spread * passed * 2 * rng.standard_gamma((width - count) / 2)
            gradients.append(opened + shut)
            if place:
                passed, spread = opened, 2 / widths[place - 1]
                weights[f"layer{place - 1}.weight"] = squares[place - 1] * passed
        return Record(
            np.stack([*squares, np.vecdot(logits, logits)], axis=1),
            np.empty((0, len(squares) + 1)),
            np.stack([*counts, len(targets[0]) * (squares[-1] > 0)], axis=1).astype(np.float64),
            np.stack(gradients[::-1], axis=1),
            weights,
            loss.loss,
            (*widths, targets.shape[1]),
        )
