"""What was run is kept in one file, written after every run, so that a later call goes on where this one ended."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from simulations.data.phrases import phrases
from simulations.files import write
from simulations.training.optimiser import Optimiser
from simulations.training.sequences import SequenceTrainer
from simulations.translate.command import optimiser
from simulations.translate.run import trainer
from simulations.translate.task import Task

WIDTH, HEADS, BATCH, MOMENTUM, LANGUAGE = 32, 4, 32, 0.9, "de"


@dataclass(frozen=True)
class Cell:
    """One training run of an encoder-decoder with so many layers a side."""

    recipe: str
    layers: int
    optimiser: str
    rate: float
    seed: int
    steps: int
    dropout: float = 0.0

    @property
    def branches(self) -> int:
        """Residual branches: two a layer of the encoder, three a layer of the decoder."""
        return 5 * self.layers


class TimeIsUpError(Exception):
    """No more runs are to begin."""


Outcome = dict[str, Any]


@dataclass
class Store:
    """Outcomes of one kind of run by cell; those that are not there are run, unless time is up."""

    path: Path
    kind: str
    measure: Callable[[Task, Cell], Outcome]
    ends: float = float("inf")
    pairs: int | None = None
    """How many of the training pairs are used, if not all."""
    found: dict[Cell, Outcome] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.found = {Cell(**row["cell"]): row["outcome"] for row in read(self.path).get(self.kind, [])}

    @cached_property
    def task(self) -> Task:
        """The phrases."""
        corpus = phrases(LANGUAGE)
        return Task(replace(corpus, training=corpus.training[: self.pairs]))

    def outcome(self, cell: Cell) -> Outcome:
        """Return what came of a run, now or before.

        Raises
        ------
        TimeIsUpError
            If it would have to begin now.
        """
        if cell not in self.found:
            if time.monotonic() > self.ends:
                raise TimeIsUpError
            self.found[cell] = self.measure(self.task, cell)
            print(f"{self.kind}: {cell} {self.found[cell]}", file=sys.stderr, flush=True)
            rows = [{"cell": asdict(cell), "outcome": outcome} for cell, outcome in self.found.items()]
            write(self.path, json.dumps(read(self.path) | {self.kind: rows}, indent=1) + "\n")
        return self.found[cell]


def read(path: Path) -> dict[str, Any]:
    """Return what the file has, or what it has before the first run."""
    if path.exists():
        return dict(json.loads(path.read_text()))
    settings = {"width": WIDTH, "heads": HEADS, "batch": BATCH, "momentum": MOMENTUM, "language": LANGUAGE}
    return {"settings": settings}


def start(task: Task, cell: Cell) -> SequenceTrainer:
    """Return a run at its start."""
    chosen: Optimiser = optimiser(cell.optimiser, cell.rate, MOMENTUM)
    network = task.network(cell.recipe, cell.layers, width=WIDTH, heads=HEADS, dropout=cell.dropout)
    return trainer(task, network, chosen, batch=BATCH, seed=cell.seed)
