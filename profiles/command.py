"""The command: options, the profiles that they ask for, and where these are shown."""

from __future__ import annotations

import argparse
import contextlib
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from profiles import json_file, picture, table, words
from profiles.families import Asked, network_of
from profiles.formats import FORMATS, Leaving, leaving
from profiles.loss import Loss, loss_at_start
from profiles.options import parser_of
from profiles.profiling import profile
from profiles.record import Profile
from simulations import InputError, Inputs, Network, digits, load, stream
from simulations.files import unwritable, write
from simulations.numbers.arrays import Array


@dataclass(frozen=True)
class Made:
    """A profile with what was asked beside it."""

    profile: Profile
    loss: Loss | None
    trouble: str
    """Why there is no loss, if it was asked for."""
    leaving: tuple[Leaving, ...]


def run(arguments: Sequence[str] | None, program: str) -> int:
    """Do what the command line asks and return the exit status: 0, or 1 if something was refuted."""
    parser = parser_of(program)
    options = parser.parse(arguments)
    start = time.perf_counter()
    try:
        _check_files(options)
        inputs = load(options.input, options.seed) if options.input else digits(options.seed)
        made = _made(options, inputs)
        _write(options, made)
    except (InputError, ArithmeticError) as error:  # among them OverflowError, which names the block
        parser.error(str(error))
    except OSError as error:
        parser.error(f"cannot write: {error}")
    _show(made, inputs, options, time.perf_counter() - start)
    return int(any(one.profile.verdict == "refuted" or _broken(one.loss) for one in made))


def _check_files(options: argparse.Namespace) -> None:
    if options.plot and options.plot.suffix not in picture.SUFFIXES:
        raise InputError(f"cannot draw {options.plot}: expected a name that ends in {', '.join(picture.SUFFIXES)}")
    for path in filter(None, (options.plot, options.json)):
        if reason := unwritable(path):
            raise InputError(f"cannot write {path}: {reason}; expected a file path in a writable folder")


def _made(options: argparse.Namespace, inputs: Inputs) -> list[Made]:
    width = options.width or (1 if options.family == "scalar" else 16 if options.family == "resnet" else 64)
    asked = Asked(
        options.depth,
        width,
        options.activation,
        options.bias,
        options.branch,
        inputs.classes if options.loss else None,
    )
    inits = list(dict.fromkeys(options.init or [None]))
    built = [network_of(options.family, init, asked, inputs) for init in inits]
    with _bar(len(built)) as tell:
        return [
            _one(options, asked, name, network, rows, inputs, len(built), partial(_add, tell, number))
            for number, (name, network, rows) in enumerate(built)
        ]


def _add(tell: Callable[[float], None], before: int, share: float) -> None:
    tell(before + share)


def _one(
    options: argparse.Namespace,
    asked: Asked,
    init: str,
    network: Network,
    rows: Array,
    inputs: Inputs,
    shares: int,
    tell: Callable[[float], None],
) -> Made:
    shape = f"depth {asked.depth}, width {asked.width}"
    found = profile(
        network,
        rows,
        rng=stream(options.seed, "profile", options.family, init),
        draws=options.draws,
        backward=options.backward,
        name=f"{options.family}, {init}"
        + (f", {asked.activation}" if options.family == "plain" else "")
        + f", {shape}",
        shares=shares,
        progress=tell,
    )
    loss, trouble = None, ""
    if options.loss:
        logits = found.second_moment
        known = logits.readings[-1] != "none" and found.steps[-1].normal
        log2, rng = float(logits.expected[-1]), stream(options.seed, "profile loss", options.family, init)
        try:
            loss = loss_at_start(network, rows, _targets(inputs, rows), log2 if known else math.nan, rng)
        except OverflowError:
            trouble = "loss at the start: none, states or logits leave float64"
    columns = [("units", found.second_moment, False)] + (
        [("gradients", found.gradient, True)] if found.gradient else []
    )
    left = [
        one
        for name in FORMATS
        if getattr(options, name)
        for what, column, backward in columns
        for one in leaving(what, column, name, backward=backward)
    ]
    return Made(found, loss, trouble, tuple(left))


def _targets(inputs: Inputs, rows: Array) -> Array:
    """Return the labels of the rows that were kept: those that are not zero."""
    targets = inputs.targets[inputs.x.any(axis=1)]
    if len(targets) != len(rows):
        raise InputError(
            "inputs average to zero in some rows, which have no labels then; take a width of their features"
        )
    return targets


def _write(options: argparse.Namespace, made: Sequence[Made]) -> None:
    found = [one.profile for one in made]
    if options.json:
        settings = {name: str(value) if isinstance(value, Path) else value for name, value in vars(options).items()}
        text = json_file.document(found, [one.loss for one in made], [one.leaving for one in made], settings)
        write(options.json, text)
    if options.plot:
        write(options.plot, picture.drawn(found, options.plot.suffix))


def _show(made: Sequence[Made], inputs: Inputs, options: argparse.Namespace, seconds: float) -> None:
    table.show([one.profile for one in made])
    for one in made:
        print(*words.sentences(one.profile), sep="\n")
        for line in words.of_loss(one.loss) if one.loss else filter(None, [one.trouble]):
            print(f"  {line}")
        for left in one.leaving:
            print(f"  {left.words}")
    print(words.error_rate())
    print(f"inputs: {inputs.source}; seed {options.seed}, {seconds:.1f} s")


def _broken(loss: Loss | None) -> bool:
    return loss is not None and any(bound.broken for bound in loss.bounds)


@contextlib.contextmanager
def _bar(total: int) -> Iterator[Callable[[float], None]]:
    """Yield the function to call with the number of networks that are done; shows a bar on a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("measuring"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("measuring", total=total)
        yield lambda done: bar.update(task, completed=float(np.clip(done, 0, total)))
