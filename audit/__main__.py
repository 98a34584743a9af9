"""The command ``python -m audit``, in a wheel ``fathom audit``: exit status 0 sound, 1 verdicts against, 2 refused."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from audit import against
from audit.factory import extra, line
from audit.rules import KEPT, names
from audit.run import audit
from audit.statement import AuditError
from audit.terminal import show, show_changes
from audit.vary import vary
from simulations.command_line import Parser, run, whole, writable
from simulations.files import write


def main(arguments: Sequence[str] | None = None, program: str = "python -m audit") -> int:
    """Run the command and return its exit status."""
    parser = _parser(program)
    options = parser.parse(arguments)
    try:
        baseline = against.read(options.against) if options.against else None
        inputs, factory = _inputs(options), _factory(options.model)
    except AuditError as refused:
        parser.error(str(refused))
    if options.vary and (options.claim or options.html or options.against):
        parser.error("--claim, --html and --against are of an audit, and --vary makes none; give --vary alone")
    return run(lambda: _audited(parser, options, factory, inputs, baseline), program)


def _audited(
    parser: Parser, options: argparse.Namespace, factory: Any, inputs: Any, baseline: against.Audit | None
) -> int:
    try:
        labels = _loaded(options.targets) if options.targets else None
        common = {"seeds": options.seeds, "train": options.train, "loss": options.loss, "targets": labels}
        report = (
            vary(factory, inputs, *options.vary, **common)
            if options.vary
            else audit(factory, inputs, claim=_claims(options.claim), **common)
        )
        changes = against.changes(baseline, json.loads(report.as_json())) if baseline else []
    except AuditError as refused:
        parser.error(str(refused))
    show(report, everything=options.all)
    if options.json:
        write(options.json, report.as_json())
    if options.html:
        write(options.html, report.as_html(options.model))
    if not baseline:
        return report.status
    show_changes(changes, str(options.against))
    return int(any(one.worse for one in changes))


def _parser(program: str) -> Parser:
    parser = Parser(
        program,
        description="Audit how your own PyTorch, Flax or Keras model starts: verdicts with error rates, and causes.",
    )
    parser.add_argument(
        "model", metavar="MODULE:FACTORY", help="what makes a new model at each call, without arguments"
    )
    given = parser.add_mutually_exclusive_group(required=True)
    given.add_argument("--input", type=Path, metavar="FILE", help="a .npy array, or an .npz of keywords")
    given.add_argument("--shape", type=_shape, metavar="SHAPE", help="such as 32x3x64x64: standard normal inputs")
    parser.add_argument("--seeds", type=whole(3), default=50, metavar="N", help="models that are built (default: 50)")
    parser.add_argument("--train", action="store_true", help="train mode; by default eval mode")
    rules = f"the rule that weights are meant to follow, or PATTERN=RULE; rules: {', '.join((*names(), KEPT))}"
    parser.add_argument("--claim", action="append", default=[], metavar="RULE", help=rules)
    parser.add_argument("--loss", choices=("cross_entropy", "mse"), help="backwards its gradient, not random signs")
    parser.add_argument("--targets", type=Path, metavar="FILE", help="a .npy array for the loss (default: random)")
    varied = "instead, how one step moves the function at these sizes, as width=64,128,256"
    parser.add_argument("--vary", type=_varied, metavar="KEYWORD=SIZES", help=varied)
    parser.add_argument("--json", type=writable, metavar="FILE", help="also write everything as JSON")
    parser.add_argument("--html", type=writable, metavar="FILE", help="also write a page with pictures")
    since = "an earlier audit's --json: also say what changed, and end with 1 only if something is worse"
    parser.add_argument("--against", type=Path, metavar="FILE", help=since)
    parser.add_argument("--all", action="store_true", help="show what is sound, too")
    return parser


def _varied(text: str) -> tuple[str, tuple[int, ...]]:
    keyword, _, sizes = text.partition("=")
    given = sizes.split(",")
    if not (keyword.isidentifier() and len(given) > 1 and all(one.isascii() and one.isdigit() for one in given)):
        raise argparse.ArgumentTypeError(f"expected a keyword and sizes, as width=64,128,256, got {text!r}")
    return keyword, tuple(int(one) for one in given)


def _shape(text: str) -> tuple[int, ...]:
    sides = text.split("x")
    if not all(side.isascii() and side.isdigit() and int(side) > 0 for side in sides):
        raise argparse.ArgumentTypeError(f"expected positive whole numbers with x between them, as 32x64, got {text!r}")
    return tuple(int(side) for side in sides)


def _claims(given: Sequence[str]) -> dict[str, str]:
    return {pattern or "*": rule for pattern, _, rule in (one.rpartition("=") for one in given)}


def _inputs(options: argparse.Namespace) -> Any:
    if options.shape:
        return np.random.default_rng(0).standard_normal(options.shape)
    return _loaded(options.input)


def _loaded(file: Path) -> Any:
    try:
        loaded = np.load(file, allow_pickle=False)
        return dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else loaded
    except (OSError, ValueError, EOFError) as error:
        why = " ".join(str(error).split())
        raise AuditError(f"cannot read {file} ({why}); expected a .npy or .npz file of numbers") from None


def _factory(text: str) -> Any:
    module, colon, name = text.partition(":")
    if not (module and colon and name.isidentifier()):
        raise AuditError(f"expected MODULE:FACTORY, such as package.module:make_model, got {text!r}")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = importlib.import_module(module)
    except Exception as error:
        raise AuditError(f"cannot import {module}: {line(error)}{extra(error)}") from None
    if not hasattr(found, name):
        raise AuditError(f"module {module} has no {name!r}; expected the name of a function that makes a model")
    return getattr(found, name)


if __name__ == "__main__":
    sys.exit(main())
