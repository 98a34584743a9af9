"""Learn to translate phrases, and show how well: ``python -m simulations.translate --norm fixup --layers 8``.

They are 20,000 English phrases of the Unicode CLDR with their German, French, Spanish, Chinese or Japanese, or your own
pairs. A run that diverges is a result (exit status 0); what cannot be run is an error in one line (exit status 2).
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from simulations.command_line import Parser, whole
from simulations.data.phrases import LANGUAGES, own_pairs, phrases
from simulations.files import unwritable, write
from simulations.training.adam import Adam
from simulations.training.optimiser import Descent, Optimiser
from simulations.transformer.recipes import RECIPES
from simulations.translate.run import Result, train, trainer
from simulations.translate.task import Task

STEPS, WARMUP = 900, 100
"""Steps of a run without --steps and --minutes; steps in which Adam's rate rises to its value."""
MANY = 10**6
RATES, MOMENTUM = {"adam": 1e-3, "sgd": 0.05}, 0.9


def optimiser(name: str, rate: float, momentum: float) -> Optimiser:
    """Return Adam with warm-up, or SGD with momentum, whose scalars learn at a tenth of the rate, as Fixup's do."""
    return Adam(rate, warmup=WARMUP) if name == "adam" else Descent(rate, momentum)


def _parser(program: str) -> Parser:
    parser = Parser(program, "Train an encoder-decoder to translate English phrases, or your own pairs.")
    add = parser.add_argument
    add("--norm", default="pre", metavar="RECIPE", help=f"{'; '.join(RECIPES)} (pre)")
    add("--layers", type=int, default=2, metavar="N", help="of the encoder, and of the decoder (2)")
    add("--language", choices=LANGUAGES[1:], help="to translate into (de)")
    add("--pairs", type=Path, metavar="FILE", help="your pairs instead: a source, a tab and a target a line")
    add("--characters", action="store_true", help="part your pairs into characters, not words")
    add("--width", type=int, default=64, help="of the rows; perceptrons have four times as many (64)")
    add("--heads", type=int, default=4, help="of attention (4)")
    add("--optimiser", choices=tuple(RATES), default="adam", help="Adam with warm-up, or SGD with momentum (adam)")
    add("--rate", type=float, help="learning rate, above 0 (adam 0.001, sgd 0.05)")
    add("--momentum", type=float, help="of sgd, at least 0 and below 1 (0.9)")
    add("--smoothing", type=float, default=0.1, help="of labels (0.1)")
    add("--dropout", type=float, default=0.0, help="share that is dropped (0)")
    add("--steps", type=whole(1), help=f"each of 64 pairs ({STEPS}, or as many as --minutes allows)")
    add("--minutes", type=float, help="stop there, and translate")
    add("--seed", type=int, default=0, help="root of all random streams (0)")
    add("--beams", type=whole(1), default=1, help="1 takes the most probable token each time (1)")
    add("--checkpoint", type=Path, metavar="FILE", help="save here, and go on from here if it exists")
    add("--json", type=Path, metavar="FILE", help="write the result")
    return parser


def _task(options: argparse.Namespace) -> Task:
    if options.pairs and options.language:
        raise ValueError("--pairs and --language cannot both be given; your pairs have their own languages")
    if options.characters and not options.pairs:
        raise ValueError("--characters is for --pairs; Chinese and Japanese phrases are parted into characters anyway")
    if options.pairs:
        return Task(own_pairs(options.pairs, options.seed, characters=options.characters))
    options.language = options.language or "de"
    return Task(phrases(options.language, options.seed))


def _run(options: argparse.Namespace) -> Result:
    if options.minutes is not None and not options.minutes > 0:
        raise ValueError(f"--minutes must be above 0, got {options.minutes}")
    if options.momentum is not None and options.optimiser != "sgd":
        raise ValueError("--momentum is for --optimiser sgd")
    for file in (options.json, options.checkpoint):
        if file and (reason := unwritable(file)):
            raise ValueError(f"cannot write {file}: {reason}")
    if options.rate is None:
        options.rate = RATES[options.optimiser]
    if options.momentum is None and options.optimiser == "sgd":
        options.momentum = MOMENTUM
    chosen = optimiser(options.optimiser, options.rate, options.momentum or 0.0)
    task = _task(options)
    sizes = {"width": options.width, "heads": options.heads, "dropout": options.dropout}
    network = task.network(options.norm, options.layers, **sizes)
    name = f"{options.norm}, {options.layers} layers a side, {json.dumps(sizes)}"
    run = trainer(task, network, chosen, seed=options.seed, smoothing=options.smoothing, name=name)
    ends = time.monotonic() + 60 * options.minutes if options.minutes else float("inf")
    stopped: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: stopped.append(number))
    return train(
        task,
        run,
        options.steps or (MANY if options.minutes else STEPS),
        beams=options.beams,
        checkpoint=options.checkpoint,
        enough=lambda: time.monotonic() > ends,
        stopped=lambda: bool(stopped),
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )


def main(arguments: Sequence[str] | None = None, program: str = "python -m simulations.translate") -> int:
    """Run the command line; return its exit status: 0, or 130 after an interrupt."""
    parser = _parser(program)
    options = parser.parse(arguments)
    before = signal.getsignal(signal.SIGINT)
    try:
        result = _run(options)
        if options.json:
            write(options.json, json.dumps(_record(result, options), indent=1, ensure_ascii=False) + "\n")
    except (ValueError, OSError) as error:  # InputError and CheckpointError are ValueErrors
        parser.error(str(error))
    finally:
        signal.signal(signal.SIGINT, before)
    if not result.finished:
        saved = f"; the same command goes on from {options.checkpoint}" if options.checkpoint else ", nothing saved"
        print(f"stopped after step {result.steps}{saved}", file=sys.stderr)
        return 130
    print("\n".join(_lines(result)))
    return 0


def _record(result: Result, options: argparse.Namespace) -> dict[str, object]:
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    return {**asdict(result), "peak_memory_mb": peak, "settings": settings}


def _lines(result: Result) -> list[str]:
    """Return what is shown of a result: some translations, then the scores beside those of copies."""
    if result.diverged:
        return [f"diverged after step {result.steps}"]
    lines = []
    for one in result.samples:
        right = one["translation"] == one["reference"]
        lines.append(f"{one['source']}\n  -> {one['translation']}" + ("" if right else f"\n  not {one['reference']}"))
    for part, score in result.scores.items():
        lines.append(
            f"{part}: exact match {score.exact:.3f}, BLEU {score.bleu:.1f}, of {score.pairs} pairs "
            f"(copies: {score.copied_exact:.3f}, {score.copied_bleu:.1f})"
        )
    return lines
