"""What every training run in progress has: its tallies, a line that says how far it is, and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

from simulations.numbers.arrays import Array
from simulations.training.checkpoint import Checkpoint, CheckpointError, restore
from simulations.training.optimiser import Flat, Vector


class Progress:
    """The part of a trainer that does not ask what is trained.

    Attributes
    ----------
    step, steps : int
        Done, and in all.
    tallies : array (3,)
        Summed loss, hits, and number of what was judged, of the epoch so far.
    epochs : list of dict
        `averages` of those that have ended.
    """

    step: int
    steps: int
    tallies: Array
    epochs: list[dict[str, float]]
    weights: Flat
    velocity: Vector

    @property
    def settings(self) -> str:
        """What must be the same for a checkpoint to belong to this run."""
        raise NotImplementedError

    def averages(self) -> dict[str, float]:
        """Return the mean loss and the share of hits in this epoch, each as it was before its step."""
        loss, hits, count = self.tallies.tolist()
        return {"loss": loss / count, "accuracy": hits / count}

    def status(self) -> str:
        """Say how far the run is, with the averages of the epoch so far or just ended."""
        last = self.averages() if self.tallies[2] else self.epochs[-1]
        return f"step {self.step} of {self.steps}: loss {last['loss']:.4g} accuracy {last['accuracy']:.3f}"

    def save(self, path: Path) -> None:
        """Write a checkpoint."""
        first, second, third = self.tallies.tolist()
        vectors = self.weights.vector, self.velocity
        Checkpoint(self.settings, self.step, (first, second, third), json.dumps(self.epochs), *vectors).save(path)

    def resume(self, path: Path) -> None:
        """Go on from a checkpoint of this run."""
        found = restore(path, self.settings, self.weights.vector.size, self.velocity.size)
        if found.step > self.steps:
            raise CheckpointError(f"{path} is damaged: it is at step {found.step} of {self.steps}")
        self.step, self.tallies[:], self.epochs = found.step, found.tallies, json.loads(found.epochs)
        self.weights.vector[:], self.velocity[:] = found.parameters, found.velocity
