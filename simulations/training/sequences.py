"""Train an encoder-decoder on pairs of token sequences: divergence noticed, stops survived, threads used.

A batch is parted into shards, each run forwards and backwards by a thread of its own with products of matrices on one
thread, and their gradients are added in order. So numbers depend on how many shards there are, but not on the machine's
threads. The order of an epoch's pairs and what dropout keeps in a step are found from the seed and their numbers
(``streams.py``), so a run that goes on from a checkpoint is the one that never stopped, bit for bit.
"""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from simulations.attention.dropout import keep_masks
from simulations.layers.dense import Gradients, Parameters
from simulations.networks.blocks import at_least
from simulations.numbers.arrays import Array
from simulations.numbers.memory import keep_freed_memory
from simulations.numbers.streams import stream
from simulations.training.checkpoint import settings_of
from simulations.training.optimiser import Flat, Optimiser
from simulations.training.pairs import Pairs
from simulations.training.progress import Progress
from simulations.training.trainer import DivergenceError
from simulations.transformer.loss import TokenLoss, token_loss
from simulations.transformer.translator import PAD, Translator
from simulations.weights.kinds import write


@dataclass(frozen=True)
class SequencePlan:
    """How long to train, on which batches.

    Attributes
    ----------
    smoothing : float
        Of labels, in [0, 1).
    shards : int
        Parts of a batch that run at once.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    batch: int = 64
    epochs: int = 1
    seed: int = 0
    smoothing: float = 0.0
    shards: int = 1

    def __post_init__(self) -> None:
        at_least(1, batch=self.batch, epochs=self.epochs, shards=self.shards)
        at_least(0, seed=self.seed)
        if self.shards > self.batch:
            raise ValueError(f"a batch of {self.batch} pairs can't be parted into {self.shards} shards")
        if not 0 <= self.smoothing < 1:
            raise ValueError(f"label smoothing must be at least 0 and below 1, got {self.smoothing}")


@dataclass
class SequenceTrainer(Progress):
    """A run in progress.

    Parameters
    ----------
    parameters : dict of arrays (1, ...)
        Where the networks start; copied.
    name : str
        Says which networks they are, beyond their start: a checkpoint of another name is refused.
    dtype : type
        Of parameters and arithmetic; checkpoints are for float32.

    Raises
    ------
    ValueError
        If a batch is larger than the data.
    """

    translator: Translator
    parameters: Parameters
    pairs: Pairs
    optimiser: Optimiser
    plan: SequencePlan
    name: str = ""
    dtype: type = np.float32
    step: int = 0
    tallies: Array = field(default_factory=lambda: np.zeros(3))
    """Summed loss, hits and number of target tokens of the epoch so far."""
    epochs: list[dict[str, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        keep_freed_memory()
        if self.plan.batch > len(self.pairs):
            raise ValueError(f"a batch of {self.plan.batch} is larger than the {len(self.pairs)} pairs")
        self.steps_an_epoch = len(self.pairs) // self.plan.batch
        self.steps = self.steps_an_epoch * self.plan.epochs
        shapes = {name: self.parameters[name].shape for name in self.translator.parameter_names()}
        self.weights = Flat(shapes, self.dtype)
        self.gradients = [Flat(shapes, self.dtype) for _ in range(self.plan.shards)]
        for name, view in self.weights.views.items():
            view[...] = self.parameters[name]
        self.parameters = self.weights.views
        self.velocity = self.optimiser.velocity(self.weights)
        self.start = hashlib.sha256(self.weights.vector.tobytes()).hexdigest()

    @cached_property
    def _threads(self) -> tuple[ThreadPoolExecutor, ThreadpoolController]:
        return ThreadPoolExecutor(self.plan.shards), ThreadpoolController()

    @property
    def settings(self) -> str:
        """What must be the same for a checkpoint to belong to this run."""
        data = hashlib.sha256(self.pairs.source.tobytes() + self.pairs.target.tobytes()).hexdigest()
        return settings_of(self.optimiser, self.plan, data=data, network=self.name, start=self.start)

    def batch(self) -> Pairs:
        """Return the pairs of the next step, which depend on its number only."""
        epoch, position = divmod(self.step, self.steps_an_epoch)
        if position == 0 or not hasattr(self, "_order"):
            order = stream(self.plan.seed, "sequences", "order", epoch)
            self._order: NDArray[np.int64] = order.permutation(len(self.pairs))
        return self.pairs.some(self._order[position * self.plan.batch :][: self.plan.batch])

    def advance(self) -> None:
        """Take one step.

        Raises
        ------
        DivergenceError
            If the loss is not finite; the parameters are then as they were.
        """
        batch = self.batch()
        found = self.differentiate(batch)
        total = sum(one.total for one in found)
        if not np.isfinite(total):
            raise DivergenceError(f"the loss is not finite after {self.step} steps")
        with np.errstate(all="ignore"):  # what overflows is noticed in the next loss
            self.optimiser.update(self.weights, self.gradients[0], self.velocity, self.step / self.steps)
        self.tallies += (total, sum(one.hits for one in found), sum(one.count for one in found))
        self.step += 1
        if self.step % self.steps_an_epoch == 0:
            self.epochs.append(self.averages())
            self.tallies[:] = 0

    def differentiate(self, batch: Pairs) -> list[TokenLoss]:
        """Write the gradient of the mean loss of a batch to ``gradients[0]``; return the losses of its shards."""
        count = int((batch.target[:, 1:] != PAD).sum())
        rows = np.array_split(np.arange(len(batch)), self.plan.shards)
        executor, libraries = self._threads
        with libraries.limit(limits=1):
            jobs = [executor.submit(self._shard, number, batch, some, count) for number, some in enumerate(rows)]
            found = [job.result() for job in jobs]
        with np.errstate(all="ignore"):  # what overflows is noticed in the loss
            for other in self.gradients[1:]:
                self.gradients[0].vector += other.vector
        return found

    def _shard(self, number: int, batch: Pairs, rows: NDArray[np.int64], count: int) -> TokenLoss:
        """Run some pairs of a batch forwards and backwards."""
        source, target = batch.source[None, rows], batch.target[None, rows]
        rng = stream(self.plan.seed, "sequences", "dropout", self.step, number)
        kept: Parameters = {}
        for half, queries in ((self.translator.encoder, source), (self.translator.decoder, target[:, :, 1:])):
            single = self.dtype == np.float32
            kept |= keep_masks(half, rng, len(rows), queries.shape[2], source.shape[2], single=single)
        into: Gradients = {}
        with np.errstate(all="ignore"):
            run = self.translator.run(self.parameters | kept, source, target[:, :, :-1])
            loss = token_loss(run.output, target[:, :, 1:], PAD, smoothing=self.plan.smoothing, divisor=count)
            run.backward(loss.logit_gradient, into)
            for name, view in self.gradients[number].views.items():
                write(into[name], view)
        return loss

    def evaluate(self, pairs: Pairs) -> tuple[float, float]:
        """Return the mean loss of a token, without smoothing or dropout, and the share of tokens that are right.

        The right tokens before it are given.

        Raises
        ------
        DivergenceError
            If the loss is not finite.
        """
        tallies = np.zeros(3)
        for start in range(0, len(pairs), self.plan.batch):
            some = pairs.some(np.arange(start, min(start + self.plan.batch, len(pairs))))
            with np.errstate(all="ignore"):
                run = self.translator.run(self.parameters, some.source[None], some.target[None, :, :-1])
                loss = token_loss(run.output, some.target[:, 1:], PAD)
            tallies += (loss.total, loss.hits, loss.count)
        if not np.isfinite(tallies[0]):
            raise DivergenceError(f"the loss is not finite after {self.step} steps")
        return float(tallies[0] / tallies[2]), float(tallies[1] / tallies[2])
