"""Train a network of any kind in float32: epochs over shuffled inputs, mixup, divergence noticed, stops survived.

An epoch is a fresh permutation of the training inputs, in as many whole batches as there are. Whatever normalises over
a batch does so over batches of the same size when accuracy is measured. A run has *diverged* when logits or parameters
are not finite: it then has no loss and no accuracy, and this is its result.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulations.data.splits import Data, Labelled
from simulations.layers.dense import Parameters
from simulations.layers.losses import one_hot, softmax_loss
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.numbers.memory import keep_freed_memory
from simulations.numbers.streams import stream
from simulations.training.checkpoint import settings_of
from simulations.training.compiled import Compiled
from simulations.training.optimiser import Flat, Optimiser
from simulations.training.progress import Progress


class DivergenceError(ArithmeticError):
    """Logits or parameters are no longer finite."""


@dataclass(frozen=True)
class Plan:
    """How long to train, on which batches.

    Attributes
    ----------
    mixup : float
        Zhang et al. 2018: inputs and targets are mixed in pairs, by a share from Beta(mixup, mixup), one a batch; 0
        leaves them alone.

    Raises
    ------
    ValueError
        If a number is too small.
    """

    batch: int = 64
    epochs: int = 1
    seed: int = 0
    mixup: float = 0.0

    def __post_init__(self) -> None:
        for label, number, least in (("batch", self.batch, 1), ("epochs", self.epochs, 1), ("seed", self.seed, 0)):
            if number < least:
                raise ValueError(f"{label} must be at least {least}, got {number}")
        if not 0 <= self.mixup < np.inf:
            raise ValueError(f"mixup must be at least 0 and finite, got {self.mixup}")


@dataclass
class Trainer(Progress):
    """A run in progress.

    Parameters
    ----------
    parameters : dict of arrays (1, ...)
        Where the network starts; copied.

    Raises
    ------
    ValueError
        If a batch is larger than the training data, or the data do not fit the network.
    """

    network: Network
    parameters: Parameters
    data: Data
    descent: Optimiser
    plan: Plan
    name: str = ""
    """Says which network it is, beyond its start: a checkpoint of another name is refused."""
    step: int = 0
    tallies: Array = field(default_factory=lambda: np.zeros(3))
    epochs: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        keep_freed_memory()
        if self.plan.batch > len(self.data.training):
            raise ValueError(f"a batch of {self.plan.batch} is larger than the {len(self.data.training)} inputs")
        self.steps_an_epoch = len(self.data.training) // self.plan.batch
        self.steps = self.steps_an_epoch * self.plan.epochs
        learnt = self.network.parameter_names()
        shapes = {name: self.parameters[name].shape for name in learnt}
        self.weights, self.gradients = Flat(shapes), Flat(shapes)
        for name in learnt:
            self.weights.views[name][...] = self.parameters[name]
        others: Parameters = {
            name: value.astype(np.float32) for name, value in self.parameters.items() if name not in shapes
        }
        self.parameters = others | self.weights.views
        self.velocity = self.descent.velocity(self.weights)
        self.start = hashlib.sha256(self.weights.vector.tobytes()).hexdigest()
        x: Any = self.data.training.x[: self.plan.batch].astype(np.float32)
        with np.errstate(all="ignore"):
            self.compiled = Compiled(self.network, self.parameters, self.gradients.views, x[None])
            shape = self.compiled.forward(x).shape
        if shape != (self.plan.batch, self.data.classes):
            raise ValueError(
                f"the network gives {shape[1:]} an input; expected ({self.data.classes},), a logit a class"
            )

    @property
    def settings(self) -> str:
        """What must be the same for a checkpoint to belong to this run."""
        return settings_of(self.descent, self.plan, data=self.data.source, network=self.name, start=self.start)

    def batch(self) -> tuple[Array, Array]:
        """Return inputs (batch, ...) and targets (batch, classes) of the next step; both depend on its number only."""
        epoch, position = divmod(self.step, self.steps_an_epoch)
        if position == 0 or not hasattr(self, "_order"):
            order = stream(self.plan.seed, "training", "order", epoch)
            self._order: NDArray[np.int64] = order.permutation(len(self.data.training))
        rows = self._order[position * self.plan.batch :][: self.plan.batch]
        x = self.data.training.x[rows]
        targets = one_hot(self.data.training.labels[rows], self.data.classes)
        if self.plan.mixup:
            rng = stream(self.plan.seed, "training", "mixup", self.step)
            share, partner = rng.beta(self.plan.mixup, self.plan.mixup), rng.permutation(len(rows))
            x = (share * x + (1 - share) * x[partner]).astype(np.float32)
            targets = share * targets + (1 - share) * targets[partner]
        return x, targets

    def advance(self) -> None:
        """Take one step.

        Raises
        ------
        DivergenceError
            If a logit is not finite; the parameters are then as they were.
        """
        x, targets = self.batch()
        with np.errstate(all="ignore"):  # what overflows is noticed in the logits
            loss = softmax_loss(self._logits(x), targets)
            self.compiled.backward(loss.logit_gradient / len(x))
            self.descent.update(self.weights, self.gradients, self.velocity, self.step / self.steps)
        hits = loss.prediction.argmax(-1) == targets.argmax(-1)
        self.tallies += (loss.loss.sum(), hits.sum(), len(x))
        self.step += 1
        if self.step % self.steps_an_epoch == 0:
            self.check()
            self.epochs.append(self.averages())
            self.tallies[:] = 0

    def _logits(self, x: Array) -> Array:
        logits = self.compiled.forward(x).astype(np.float64)
        if not np.isfinite(logits).all():
            raise DivergenceError(f"logits are not finite after {self.step} steps")
        return logits

    def check(self) -> None:
        """Raise DivergenceError if a parameter is not finite: a ReLU may hide that from the logits."""
        if not np.isfinite(self.weights.vector).all():
            raise DivergenceError(f"parameters are not finite after {self.step} steps")

    def evaluate(self, part: Labelled) -> tuple[float, float]:
        """Return the mean loss and the accuracy; the last batch is filled up with inputs from the beginning.

        Raises
        ------
        DivergenceError
            If a logit or parameter is not finite.
        """
        self.check()
        losses, hits = np.zeros(len(part)), np.zeros(len(part), bool)
        targets = one_hot(part.labels, self.data.classes)
        for start in range(0, len(part), self.plan.batch):
            rows = np.arange(start, start + self.plan.batch) % len(part)
            with np.errstate(all="ignore"):
                logits = self._logits(part.x[rows])
            losses[rows] = softmax_loss(logits, targets[rows]).loss
            hits[rows] = logits.argmax(-1) == part.labels[rows]
        return float(losses.mean()), float(hits.mean())
