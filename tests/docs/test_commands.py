"""Every command on the pages names a target, module or file that there is, with options that its own parser knows."""

import argparse
import importlib.util
import re
import runpy
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from claims.catalogue import REGISTRY
from claims.ledger import ledgers, named
from claims.selection import Finder
from docs.parts import ROOT
from figures.tools.figure import names as figures
from simulations.sweep.options import grid_of, parse
from tests.docs.pages import FENCED, PAGES, commands

MAKEFILE = (ROOT / "Makefile").read_text()
FATHOM = {
    "checks": "paper_checks.py",
    "profile": "-m profiles",
    "figures": "-m figures",
    "sweep": "-m profiles.sweep",
    "train": "-m simulations.training",
    "translate": "-m simulations.translate",
    "audit": "-m audit",
    "lessons": "-m lessons",
}
"""What the subcommands of `fathom` run."""
EXAMPLES = {"first.py", "mine.py", "mine.tsv", "shapes.toml", "MINE", "CODE"}
"""Names that a page tells its reader to choose or to write."""
FINDER = Finder(REGISTRY.values(), ledgers().values())
NO_OPTIONS = {"benchmarks.speed.ten_thousand_layers", "benchmarks.speed.passes"}
"""Programs of ours without a parser, which would run."""
COMMANDS = sorted({command for page in PAGES for command in commands(page)})


class ParsedError(Exception):
    """Stops a program once its options are parsed."""


def check(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise AssertionError if a command cannot be called like that."""
    program, *arguments = shlex.split(command)
    if program == "make":
        check_make(arguments, monkeypatch)
    elif program == "fathom":
        check_python([*FATHOM[arguments[0]].split(), *arguments[1:]], monkeypatch)
    elif program.endswith("marimo"):
        assert arguments[0] == "edit"
        assert (ROOT / arguments[1]).exists(), command
    else:
        assert Path(program).name in ("python", "python3"), command
        check_python(arguments, monkeypatch)


def check_make(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    target = arguments[0]
    rule = re.search(rf"^{target}:.*\n((?:\t.*\n)*)", MAKEFILE, re.M)
    assert rule, f"the Makefile has no target {target}"
    for variable in arguments[1:]:
        name, _, value = variable.partition("=")
        assert f"$({name})" in MAKEFILE, f"the Makefile has no variable {name}"
        if name == "ARGS":
            recipe = next((line for line in rule[1].splitlines() if "$(ARGS)" in line), None)
            assert recipe, f"make {target} takes no ARGS"
            _, *words = shlex.split(recipe.replace("$(ARGS)", value))
            check_python(words, monkeypatch)


def check_python(words: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    if words[0] in EXAMPLES:
        return
    module, arguments = (words[1], words[2:]) if words[0] == "-m" else (words[0].removesuffix(".py"), words[1:])
    assert importlib.util.find_spec(module), f"there is no module {module}"
    assert not (arguments and module in NO_OPTIONS), f"{module} takes no options"
    if arguments and ((ROOT / module.split(".")[0]).exists() or module == "paper_checks"):
        options = parsed(module, arguments, monkeypatch)
        for pattern in vars(options).get("only") or () if module == "paper_checks" else ():
            known = pattern in EXAMPLES or FINDER.chosen(pattern)
            assert known, f"no claim matches {pattern}"
        if module == "paper_checks" and vars(options).get("paper"):
            assert len(named(options.paper)) == 1, f"--paper {options.paper} is not one paper"
        for name in options.names if module == "figures" else ():
            assert name in figures(), f"there is no figure {name}"


def parsed(module: str, arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> argparse.Namespace:
    """Return what the program's own parser makes of the arguments, and run no more of it."""
    found = argparse.Namespace()
    original = argparse.ArgumentParser.parse_known_args

    def stop(self: Any, args: Any = None, namespace: Any = None) -> None:
        options, unknown = original(self, args, namespace)
        assert not unknown, f"{module} does not know {unknown}"
        found.__dict__.update(vars(options))
        raise ParsedError

    with monkeypatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # that the module has been imported already
        patch.setattr(argparse.ArgumentParser, "parse_known_args", stop)
        patch.setattr(sys, "argv", [module, *arguments])
        try:
            runpy.run_module(module, run_name="__main__")
        except ParsedError:
            return found
        except SystemExit as end:
            if end.code == 0:  # --help
                return found
            raise AssertionError(f"{module} refuses {arguments}") from None
    raise AssertionError(f"{module} takes no options")


def test_there_are_commands_of_each_kind() -> None:
    starts = ("make ", "fathom ", ".venv/bin/python -m ", ".venv/bin/python paper_checks.py", ".venv/bin/marimo ")
    assert all(any(command.startswith(start) for command in COMMANDS) for start in starts)
    assert len(COMMANDS) > 40


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_a_command_can_be_called(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    check(command, monkeypatch)


@pytest.mark.parametrize(
    "command",
    [
        "make nothing",
        "make checks ARGS=--no-such-option",
        "make checks ARGS='--only R99'",
        "make figures ARGS=no_such_figure",
        "make lint ARGS=--list",
        "make checks SPEED=high",
        "fathom checks --effort slow",
        "python -m simulations.nothing",
        "python -m benchmarks.sweeps --slow",
        "python -m benchmarks.speed.ten_thousand_layers --width 5",
        "python no_such_file.py",
        ".venv/bin/marimo edit lessons/lesson_0.py",
    ],
)
def test_a_command_that_cannot_be_called_is_seen(command: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(AssertionError):
        check(command, monkeypatch)


def test_the_grid_of_the_sweep_is_one(tmp_path: Path) -> None:
    page = PAGES["docs/sweeps.md"]
    file = tmp_path / "shapes.toml"
    file.write_text(next(text for language, text in FENCED.findall(page) if language == "toml"))
    options = re.findall(r'make sweep ARGS="(shapes.toml .*?)"', page)
    assert len(options) == 4
    for line in options:
        grid = grid_of(parse([str(file), *line.split()[1:]]))
        assert grid is not None
        assert grid.size == 6
