"""The sweep's table with closed forms beside what was measured."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from profiles.sweep import beside, closed_form, main
from simulations.sweep import Cell
from simulations.sweep.moments import Moments
from simulations.sweep.results import Entry

ROOT = Path(__file__).parents[2]


def test_means_are_beside_their_closed_forms(capsys: pytest.CaptureFixture[str]) -> None:
    """E x_2^2 is 9 by He on every layer; of 20,000 draws or more the mean is within 5 %."""
    grid = [
        "--architecture",
        "residual",
        "--depth",
        "2",
        "--width",
        "8",
        "--init",
        "he",
        "layer_norm",
        "--draws",
        "2e4",
    ]
    assert main([*grid, "--quantities", "second_moment", "variance", "loss", "--workers", "1"]) == 0
    head, *lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    place = head.index("closed")
    assert head[place : place + 3] == ["closed", "form", "mean"]
    assert lines[0][:2] == ["he", "second_moment"]
    assert lines[0][place] == "9"
    assert float(lines[0][place + 1]) == pytest.approx(9, rel=0.05)
    assert lines[1][place] == "8"
    assert float(lines[1][place + 1]) == pytest.approx(8, rel=0.05)
    assert len(lines[2]) == len(lines[0]) - 1  # a loss has none
    assert len(lines[3]) == len(lines[0]) - 1  # nor has layer norm


@pytest.mark.parametrize(
    ("cell", "quantity", "value", "reading"),
    [
        (Cell("plain", "glorot", "relu", 3, 8, "signs"), "second_moment", 1 / 8, "exact"),
        (Cell("plain", "glorot", "relu", 3, 8, "signs"), "variance", (1 - 1 / np.pi) / 8, "wide limit"),
        (Cell("plain", "lecun", "linear", 3, 8, "gaussian"), "variance", 1, "exact"),
        (Cell("residual", "he_lecun", "relu", 3, 8, "unit_digits"), "variance", 7, "exact"),
        (Cell("residual", "fixup", "relu", 3, 64, "digits"), "second_moment", 60, "exact"),
        (Cell("residual", "nf", "relu", 3, 8, "signs"), "second_moment", np.nan, "none"),
        (Cell("taper", "he", "relu", 4, 16, "signs"), "second_moment", 1, "exact"),
    ],
)
def test_the_closed_form_of_a_cell(cell: Cell, quantity: str, value: float, reading: str) -> None:
    log2, found = closed_form(cell, quantity)
    assert found == reading
    assert np.exp2(log2) == pytest.approx(value, rel=0.03 if value == 60 else 1e-9, nan_ok=True)


def test_limits_are_marked() -> None:
    some = Moments.of(np.zeros((3, 2)))
    assert beside(Entry(Cell("plain", "he", "relu", 3, 8, "signs"), "variance", some)) == "~0.6817"
    assert beside(Entry(Cell("plain", "he", "relu", 3, 8, "signs"), "gradient", some)) == "1"
    assert beside(Entry(Cell("plain", "he", "relu", 3, 8, "signs"), "loss", some)) == ""


def test_workers_do_without_theory() -> None:
    code = "import sys, profiles.sweep; print(sorted({'numpy', 'sympy', 'scipy', 'theory'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
