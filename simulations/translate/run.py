"""Train on a task to the end, or as long as one likes, then translate what was held out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from simulations.numbers.streams import stream
from simulations.training.optimiser import Optimiser
from simulations.training.sequences import SequencePlan, SequenceTrainer
from simulations.training.trainer import DivergenceError
from simulations.transformer.translator import Translator
from simulations.translate.task import Score, Task

SAVE_EVERY = 50
"""Steps between checkpoints."""
SHARDS = 2
"""Parts of a batch; fixed, as numbers depend on it."""
ENDLESS = 10**6
"""Epochs of the trainer's plan: where a run ends is for the caller to say, and may change when it goes on."""
SAMPLES = 8


@dataclass(frozen=True)
class Result:
    """What came of a run."""

    loss: float | None
    """Of a validation token, in nats, the right ones before it given; None if the run diverged or was stopped."""
    accuracy: float | None
    """The share of validation tokens that are the most probable, given the same."""
    scores: dict[str, Score]
    """Of the parts ``test`` and ``longer``."""
    samples: list[dict[str, str]]
    diverged: bool
    finished: bool
    steps: int
    seconds_per_step: float | None
    """Median over the steps of this process; None if it took none."""
    epochs: list[dict[str, float]]
    """Mean loss and share of right tokens on the batches of each epoch that ended, as they were before each step."""


def trainer(
    task: Task,
    network: Translator,
    optimiser: Optimiser,
    *,
    batch: int = 64,
    seed: int = 0,
    smoothing: float = 0.1,
    name: str = "",
) -> SequenceTrainer:
    """Return a run at its start, drawn from ``stream(seed, "translate", "start")``; a small corpus is one batch."""
    pairs = task.pairs(task.corpus.training)
    plan = SequencePlan(min(batch, len(pairs)), ENDLESS, seed, smoothing, min(SHARDS, len(pairs)))
    return SequenceTrainer(network, network.draw(stream(seed, "translate", "start"), 1), pairs, optimiser, plan, name)


def train(
    task: Task,
    run: SequenceTrainer,
    steps: int,
    *,
    beams: int = 1,
    checkpoint: Path | None = None,
    enough: Callable[[], bool] = lambda: False,
    stopped: Callable[[], bool] = lambda: False,
    progress: Callable[[str], None] = lambda line: None,
) -> Result:
    """Take steps until there were so many, or it is `enough`, and translate; or until it is `stopped`.

    Parameters
    ----------
    checkpoint : Path, optional
        Resumed from if it exists; written every `SAVE_EVERY` steps and at the end.

    Raises
    ------
    CheckpointError
        If the checkpoint cannot be read or written, or is of another run.
    """
    if checkpoint and checkpoint.exists():
        run.resume(checkpoint)
        progress(f"resumed after step {run.step}")
    run.steps = steps
    seconds: list[float] = []
    loss = accuracy = None
    diverged, reported = False, time.perf_counter()
    scores: dict[str, Score] = {}
    samples: list[dict[str, str]] = []
    try:
        while run.step < run.steps and not enough() and not stopped():
            start = time.perf_counter()
            run.advance()
            seconds.append(time.perf_counter() - start)
            if checkpoint and run.step % SAVE_EVERY == 0:
                run.save(checkpoint)
            if run.step == run.steps or time.perf_counter() - reported > 5:
                progress(run.status())
                reported = time.perf_counter()
        if checkpoint and seconds:
            run.save(checkpoint)
        if not stopped():
            loss, accuracy = run.evaluate(task.pairs(task.corpus.validation))
            progress(f"validation loss {loss:.4g} accuracy {accuracy:.3f}")
            scores, samples = judged(task, run, beams)
    except DivergenceError as error:
        diverged = True
        progress(f"diverged: {error}")
    per_step = statistics.median(seconds) if seconds else None
    finished = diverged or loss is not None
    return Result(loss, accuracy, scores, samples, diverged, finished, run.step, per_step, run.epochs)


def judged(task: Task, run: SequenceTrainer, beams: int) -> tuple[dict[str, Score], list[dict[str, str]]]:
    """Translate what was held out; return the scores, and the first translations of the test part."""
    scores: dict[str, Score] = {}
    samples: list[dict[str, str]] = []
    for part in ("test", "longer"):
        if sentences := getattr(task.corpus, part):
            sources = [source for source, _ in sentences]
            found = task.translate(run.translator, run.parameters, sources, beams)
            scores[part] = task.score(sentences, found)
            if part == "test":
                for (source, target), translation in zip(sentences[:SAMPLES], found, strict=False):
                    texts = " ".join(source), task.written(translation), task.written(target)
                    samples.append(dict(zip(("source", "translation", "reference"), texts, strict=True)))
    return scores, samples
