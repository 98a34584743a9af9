"""The command ``fathom`` (``python -m fathom`` in a checkout): a subcommand and its arguments."""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import NoReturn

COMMANDS = {
    "checks": "derive, measure and attack the claims of initialisation theory",
    "figures": "draw the figures of the field: theory as lines, measurement as points",
    "profile": "measure one network per depth, beside its closed form",
    "sweep": "measure a grid of networks: resumable, on one machine or on Dask",
    "train": "train one deep network on digits or CIFAR-10",
    "translate": "train a Transformer to translate phrases, or your own pairs",
    "audit": "audit how your own PyTorch or Flax model starts: verdicts with error rates, and causes",
    "lessons": "serve the lessons to browsers on this machine",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status; 2 if there is no such command."""
    try:
        return _main(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:  # while a command was still being imported; later it answers by itself
        print("fathom: interrupted", file=sys.stderr)
        return 130


def _main(arguments: list[str]) -> int:
    command, *rest = arguments or [""]
    program = f"fathom {command}"
    if command == "checks":
        import paper_checks

        return paper_checks.main(rest, program)
    if command == "profile":
        from profiles.__main__ import main as profile

        return profile(rest, program)
    if command == "figures":
        from figures.__main__ import main as figures

        return figures(rest, program)
    if command == "sweep":
        from profiles.sweep import main as sweep

        return sweep(rest, program)
    if command == "train":
        from simulations.training.run import main as train

        return train(rest, program)
    if command == "translate":
        from simulations.translate.command import main as translate

        return translate(rest, program)
    if command == "audit":
        from audit.__main__ import main as audit

        return audit(rest, program)
    if command == "lessons":
        from lessons.__main__ import main as lessons

        return lessons(rest, program)
    return _without_command(arguments)


def _without_command(arguments: list[str]) -> NoReturn:
    from simulations.command_line import Parser  # here, as lessons set something before NumPy is there

    lines = "\n".join(f"  {name:<10}{what}" for name, what in COMMANDS.items())
    parser = Parser(
        "fathom",
        usage="fathom [--help] [--version] COMMAND ...",
        description="What theory says of deep networks at initialisation, measured and attacked.",
        epilog=f"commands, each with a --help of its own:\n{lines}",
    )
    parser.add_argument("--version", action="version", version=f"fathom {_version()}")
    parser.add_argument("command", choices=COMMANDS, metavar="COMMAND", help="one of those below")
    parser.parse(arguments)
    parser.error("the command comes first, such as fathom checks")


def _version() -> str:
    try:
        return metadata.version("fathom-init")
    except metadata.PackageNotFoundError:  # in a checkout
        project = Path(__file__).parents[1] / "pyproject.toml"
        return str(tomllib.loads(project.read_text(encoding="utf-8"))["project"]["version"])


if __name__ == "__main__":
    sys.exit(main())
