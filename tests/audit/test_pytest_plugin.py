"""The fixture `initialised`, in tests as users write them; and that pytest starts no slower for it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytest_plugins = ["pytester"]

USERS = """
from tests.audit import nets

X = nets.inputs(4, 32)


def test_sound(initialised):
    assert initialised(lambda: nets.residual(blocks=2), X, seeds=4).seeds == 4


def test_faulty(initialised):
    initialised(lambda: nets.residual(blocks=2), X, seeds=4, claim="lecun")


def test_refused(initialised):
    initialised(3, X)
"""


def test_a_test_fails_with_the_table(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.syspath_prepend(ROOT)
    pytester.makepyfile(USERS)
    done = pytester.runpytest_inprocess("-p", "fathom.pytest_plugin", "-p", "no:xdist", "-p", "no:cacheprovider")
    done.assert_outcomes(passed=1, failed=2)
    done.stdout.fnmatch_lines_random(
        [
            "the model does not start as it should",
            "*against*0.first.weight*gaussian, variance*times the claimed*",
            "*cause: variance 2 / fan_in (He): 2;*",
            "the model cannot be audited: got int; expected a function that builds*",
        ]
    )
    assert "audit(factory, inputs" not in done.stdout.str()  # no traceback into Fathom
    assert "During handling" not in done.stdout.str()


def test_it_loads_nothing_before_it_is_used() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import fathom.pytest_plugin;"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "['fathom', 'fathom.pytest_plugin']\n"


def test_pytest_is_told_of_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert hasattr(import_module(project["entry-points"]["pytest11"]["fathom"]), "initialised")
