"""Train one network and say how it went: ``python -m simulations.training --init fixup --layers 100 --rate 0.1``.

Depth is the number of weight layers, first and last included, so a network of N layers has (N - 2) / m residual blocks
of m layers. A run that diverges is a result (``"accuracy": null, "diverged": true``, exit status 0); what cannot be run
is an error in one line (exit status 2).
"""

from __future__ import annotations

import argparse
import json
import resource
import signal
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np

from simulations.command_line import Parser
from simulations.command_line import run as finish
from simulations.data.splits import Data, cifar_split, digits_split
from simulations.files import unwritable, write
from simulations.layers.dense import Parameters
from simulations.layers.network import Network
from simulations.networks.lsuv import lsuv
from simulations.networks.rivals import INITS, build
from simulations.numbers.streams import stream
from simulations.training.optimiser import SCHEDULES, Descent
from simulations.training.trainer import DivergenceError, Plan, Trainer


@dataclass(frozen=True)
class Result:
    """What came of a run; accuracy and loss are None if it diverged or was stopped."""

    accuracy: float | None
    loss: float | None
    diverged: bool
    finished: bool
    steps: int
    """Steps taken; of a run that diverged, those before what was not finite was noticed."""
    seconds_per_step: float | None
    """Median over the steps of this process; None if it took none."""
    epochs: list[dict[str, float]]
    """Mean loss and accuracy on the training batches of each epoch that ended, as they were before each step."""


def train(
    run: Trainer,
    *,
    on: str = "test",
    checkpoint: Path | None = None,
    save_every: int | None = None,
    stop: Callable[[int], bool] = lambda step: False,
    progress: Callable[[str], None] = lambda line: None,
) -> Result:
    """Train to the end, or until ``stop(steps taken)``, and measure.

    Parameters
    ----------
    on : "test" or "validation"
        The inputs that loss and accuracy are measured on.
    checkpoint : Path, optional
        Resumed from if it exists; written every `save_every` steps (an epoch, if not given) and on a stop.

    Raises
    ------
    CheckpointError
        If the checkpoint cannot be read or written, or is of another run.
    """
    if checkpoint and checkpoint.exists():
        run.resume(checkpoint)
        progress(f"resumed after step {run.step} of {run.steps}")
    seconds: list[float] = []
    loss = accuracy = None
    diverged, reported = False, time.perf_counter()
    try:
        while run.step < run.steps and not stop(run.step):
            start = time.perf_counter()
            run.advance()
            seconds.append(time.perf_counter() - start)
            if checkpoint and run.step % (save_every or run.steps_an_epoch) == 0:
                run.save(checkpoint)
            if run.step % run.steps_an_epoch == 0 or time.perf_counter() - reported > 5:
                progress(run.status())
                reported = time.perf_counter()
        if run.step < run.steps and checkpoint:
            run.save(checkpoint)
        if run.step == run.steps:
            loss, accuracy = run.evaluate(getattr(run.data, on))
            progress(f"{on} loss {loss:.4g} accuracy {accuracy:.3f}")
    except DivergenceError as error:
        diverged = True
        progress(f"diverged: {error}")
    per_step = statistics.median(seconds) if seconds else None
    finished = diverged or run.step == run.steps
    return Result(accuracy, loss, diverged, finished, run.step, per_step, run.epochs)


def blocks_of(layers: int, branch: int) -> int:
    """Return the number of residual blocks of a network of so many weight layers, first and last included.

    Raises
    ------
    ValueError
        If there is no such network; the message has the nearest depth that there is.
    """
    if branch < 1:
        raise ValueError(f"a branch needs at least 1 layer, got {branch}")
    blocks, rest = divmod(layers - 2, branch)
    if blocks < 1 or rest:
        nearest = 2 + branch * max(1, round((layers - 2) / branch))
        raise ValueError(
            f"{layers} layers are not 2 (first and last) and a positive multiple of {branch}; the nearest depth is "
            f"{nearest}"
        )
    return blocks


def start(init: str, network: Network, data: Data, plan: Plan) -> Parameters:
    """Draw from ``stream(seed, "training", "start")``; LSUV then rescales by a batch of the first training inputs."""
    parameters = network.draw(stream(plan.seed, "training", "start"), 1)
    if init != "lsuv":
        return parameters
    return lsuv(network, parameters, data.training.x[: plan.batch].astype(np.float64)[None])


def _parser(program: str) -> Parser:
    parser = Parser(program, "Train one network on digits or CIFAR-10.")
    add = parser.add_argument
    add("--init", required=True, metavar="NAME", help=", ".join(INITS))
    add("--layers", type=int, required=True, metavar="N", help="weight layers, first and last included")
    add("--rate", type=float, required=True, help="learning rate, above 0")
    add("--width", type=int, default=32, help="units a layer (32)")
    add("--branch", type=int, default=2, metavar="M", help="layers in a residual branch (2)")
    add("--batch", type=int, default=64, help="inputs a step (64)")
    add("--epochs", type=int, default=1, help="passes through the training inputs (1)")
    add("--seed", type=int, default=0, help="root of all random streams (0)")
    add("--momentum", type=float, default=0.0, help="of SGD, at least 0 and below 1 (0)")
    add("--decay", type=float, default=0.0, help="weight decay (0)")
    add("--scalar-factor", type=float, default=0.1, help="the rate of scalars is this times the rate (0.1)")
    add("--schedule", default="constant", help=", ".join(SCHEDULES))
    add("--mixup", type=float, default=0.0, metavar="ALPHA", help="mix pairs by a Beta(ALPHA, ALPHA) share (0: do not)")
    add("--cifar", type=Path, metavar="FOLDER", help="your CIFAR-10, binary version (flattened), not digits")
    add("--on", choices=("test", "validation"), default="test", help="what accuracy is measured on (test)")
    add("--checkpoint", type=Path, metavar="FILE", help="save here, and go on from here if it exists")
    add("--save-every", type=int, metavar="STEPS", help="how often (every epoch)")
    add("--stop-after", type=int, metavar="STEPS", help="save and stop")
    add("--json", type=Path, metavar="FILE", help="write the result")
    return parser


def _run(options: argparse.Namespace) -> dict[str, object]:
    for name in ("save_every", "stop_after"):
        if (number := getattr(options, name)) is not None and (number < 1 or not options.checkpoint):
            raise ValueError(f"--{name.replace('_', '-')} needs a number of at least 1 and --checkpoint, got {number}")
    for file in (options.json, options.checkpoint):
        if file and (reason := unwritable(file)):
            raise ValueError(f"cannot write {file}: {reason}")
    rates = options.rate, options.momentum, options.decay, options.scalar_factor
    descent, plan = (
        Descent(*rates, options.schedule),
        Plan(options.batch, options.epochs, options.seed, options.mixup),
    )
    blocks, m = blocks_of(options.layers, options.branch), options.branch
    data = (cifar_split(options.cifar) if options.cifar else digits_split()).flattened()
    features = data.training.x.shape[1]
    sizes = {"width": options.width, "blocks": blocks, "layers_per_branch": m}
    network = build(options.init, **sizes, features=features, classes=data.classes)
    name = f"{options.init}, {blocks} blocks of {m} layers, width {options.width}"
    run = Trainer(network, start(options.init, network, data, plan), data, descent, plan, name)
    stopped: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: stopped.append(number))
    result = train(
        run,
        on=options.on,
        checkpoint=options.checkpoint,
        save_every=options.save_every,
        stop=lambda step: bool(stopped) or step == options.stop_after,
        progress=lambda line: print(line, file=sys.stderr, flush=True),
    )
    settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
    return {**asdict(result), "peak_memory_mb": peak, "blocks": blocks, "data": data.source, "settings": settings}


def main(arguments: Sequence[str] | None = None, program: str = "python -m simulations.training") -> int:
    """Run the command line; return its exit status: 0, or 130 after an interrupt."""
    return finish(partial(_main, arguments, program), program)


def _main(arguments: Sequence[str] | None, program: str) -> int:
    parser = _parser(program)
    options = parser.parse(arguments)
    before = signal.getsignal(signal.SIGINT)
    try:
        result = _run(options)
        if options.json:
            write(options.json, json.dumps(result, indent=1) + "\n")
    except BrokenPipeError:
        raise
    except (ValueError, OSError) as error:  # InputError and CheckpointError are ValueErrors
        parser.error(str(error))
    finally:
        signal.signal(signal.SIGINT, before)
    if not result["finished"]:
        saved = f"; the same command goes on from {options.checkpoint}" if options.checkpoint else ", nothing saved"
        print(f"stopped after step {result['steps']}{saved}", file=sys.stderr)
        return 0 if options.stop_after == result["steps"] else 130
    accuracy = "diverged" if result["diverged"] else f"accuracy {result['accuracy']:.4f}"
    print(f"{options.init}, {options.layers} layers, rate {options.rate}: {accuracy}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
