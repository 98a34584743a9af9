"""The package fathom as it is in a checkout: its public names and its command."""

import doctest
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import fathom
from fathom.__main__ import COMMANDS, main

ROOT = Path(__file__).parents[2]


def test_the_example_is_true() -> None:
    assert doctest.testmod(fathom) == (0, 3)


def test_every_public_name_is_there() -> None:
    for name in fathom.__all__:
        assert getattr(fathom, name) is not None
    assert set(fathom.__all__) <= set(dir(fathom))
    with pytest.raises(AttributeError, match="module 'fathom' has no attribute 'no_such'"):
        fathom.no_such  # noqa: B018


def test_importing_it_loads_nothing_heavy() -> None:
    code = "import sys, fathom.__main__; print(sorted({'numpy', 'sympy', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_help_has_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    for name, what in COMMANDS.items():
        assert [line.split(maxsplit=1)[1] for line in lines if line.startswith(f"  {name} ")] == [what]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_answers_by_its_name(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith(f"usage: fathom {command} ")


def test_the_version_is_that_of_the_project(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert capsys.readouterr().out == f"fathom {project['version']}\n"
    assert f"\nversion: {project['version']}\n" in (ROOT / "CITATION.cff").read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["chekcs"], "argument COMMAND: invalid choice: 'chekcs' (choose from 'checks', 'figures'"),
        (["--only", "R2"], "argument COMMAND: invalid choice: 'R2'"),
        (["--", "checks"], "the command comes first"),
        (["checks", "--only", "no such"], "no claim matches 'no such'"),
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    out, errors = capsys.readouterr()
    assert (stop.value.code, out, len(errors.splitlines())) == (2, "", 1)
    assert errors.startswith(f"error: {message}")


def test_python_m_fathom_runs_a_claim() -> None:
    command = [sys.executable, "-m", "fathom", "checks", "--only", "R2", "--effort", "quick"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 of 1 claims held" in done.stdout
