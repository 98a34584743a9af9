"""The command: what it prints and writes, its exit status, and its errors of one line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from profiles import command, profile, verdicts
from profiles.__main__ import main
from profiles.families import FAMILIES

ROOT = Path(__file__).parents[2]
SMALL = ["--depth", "2", "--draws", "2000"]
SIZES = {
    "plain": ["--width", "8"],
    "residual": ["--width", "8"],
    "scalar": [],
    "fixup": ["--width", "8"],
    "resnet": ["--width", "2"],
}


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_runs(family: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    file = tmp_path / "found.json"
    options = [*SMALL, *SIZES[family], "--backward", "--float16", "--float32", "--json", str(file)]
    if family != "scalar":
        options.append("--loss")
    assert main([family, *options]) == 0
    out, errors = capsys.readouterr()
    assert errors == ""
    assert "false alarms: at most 0.001 a run" in out
    assert "float16: " in out
    assert "float32: " in out
    (found,) = json.loads(file.read_text())["profiles"]
    assert len(found["verdicts"]) == len(found["widths"]) == len(found["log2_second_moment"]["expected"])
    assert (found["loss"] is None) == (family == "scalar")
    assert found["log2_gradient"]["reading"]


def test_several_inits_are_side_by_side_and_drawn(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "out.svg"
    options = ["--init", "he", "lecun", "he", "--backward", "--plot", str(picture)]
    assert main(["residual", *SMALL, "--width", "8", *options]) == 0
    out = capsys.readouterr().out
    assert "\nresidual, he, depth 2, width 8: held" in out
    assert "\nresidual, lecun, depth 2, width 8: held" in out
    assert out.count(": held") == 2
    drawn = picture.read_text()
    assert "<svg" in drawn
    assert "mean square of the gradient" in drawn
    assert "residual, lecun" in drawn


@pytest.mark.parametrize("suffix", [".png", ".pdf"])
def test_pictures_of_other_formats(suffix: str, tmp_path: Path) -> None:
    assert main(["plain", *SMALL, "--width", "8", "--plot", str(tmp_path / f"a{suffix}")]) == 0
    assert (tmp_path / f"a{suffix}").stat().st_size > 1000


def test_runs_are_the_same_to_the_last_digit(tmp_path: Path) -> None:
    files = [tmp_path / "a.json", tmp_path / "b.json"]
    for file in files:
        main(["plain", *SMALL, "--width", "8", "--json", str(file)])
    a, b = (file.read_text().replace(file.name, "") for file in files)
    assert a == b


def test_own_inputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.npz"
    np.savez(file, x=np.random.default_rng(0).standard_normal((30, 12)), y=np.arange(30) % 3)
    assert main(["plain", *SMALL, "--width", "12", "--loss", "--input", str(file)]) == 0
    out = capsys.readouterr().out
    assert f"inputs: {file} (raw scale), 30 of 30 rows" in out
    assert "loss at the start" in out


def test_what_is_refuted_ends_with_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from simulations import he, mlp

    monkeypatch.setattr(
        command,
        "profile",
        lambda network, rows, **options: profile(mlp([8] * 3, init=he.scaled(2)), rows, **options, claimed=network),
    )
    assert main(["plain", *SMALL, "--width", "8"]) == 1
    out = capsys.readouterr().out
    assert "plain, he, relu, depth 2, width 8: refuted" in out
    assert "refuted: step at position 1: " in out


def test_theory_that_is_silent_is_status_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["residual", *SMALL, "--width", "8", "--init", "layer_norm"]) == 0
    out = capsys.readouterr().out
    assert ": not judged" in out
    assert "no closed form" in out


ERRORS = {
    "the following arguments are required: FAMILY": [],
    "unknown family 'plian'; did you mean 'plain'?": ["plian"],
    "unknown init of family 'plain' 'hee'; did you mean 'he'?": ["plain", "--init", "hee"],
    "unknown activation 'rellu'; did you mean 'relu'?": ["plain", "--activation", "rellu"],
    "expected a whole number from 1 to 10000, got 0": ["plain", "--depth", "0"],
    "expected a whole number from 1 to 10000, got -3": ["plain", "--width", "-3"],
    "expected a whole number of at least 2, got 1": ["plain", "--draws", "1"],
    "expected a number from 0 to 1e+100, got 'nan'": ["plain", "--bias", "nan"],
    "family 'scalar' has width 1, got --width 4": ["scalar", "--width", "4"],
    "family 'resnet' has 2 stages": ["resnet", "--depth", "3"],
    "family 'fixup' with init 'fixup' has --bias 0.0 only": ["fixup", "--bias", "1"],
    "layers_per_branch must be at least 2, got 1": ["fixup", "--branch", "1"],
    "family 'residual' needs an activation": ["residual", "--activation", "linear"],
    "expected a name that ends in .svg, .png, .pdf": ["plain", "--plot", "a.gif"],
    "there is no folder": ["plain", "--json", "no/such/folder/a.json"],
    "cannot read nothing.npz": ["plain", "--input", "nothing.npz"],
    "unrecognized arguments: --dept": ["plain", "--dept", "3"],
    "squared norms overflow float64": [
        "residual",
        "--activation",
        "leaky_relu",
        "--depth",
        "1200",
        "--width",
        "4",
        "--init",
        "he",
    ],
}


@pytest.mark.parametrize("message", ERRORS)
def test_errors_are_one_line_and_status_2(message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main([*ERRORS[message], *(["--draws", "4"] if "overflow" in message else [])])
    out, errors = capsys.readouterr()
    assert (stop.value.code, out, len(errors.splitlines())) == (2, "", 1)
    assert errors.startswith("error: ")
    assert message in errors


def test_a_loss_that_leaves_float64_leaves_the_profile(capsys: pytest.CaptureFixture[str]) -> None:
    options = ["residual", "--depth", "900", "--width", "16", "--init", "he", "--loss", "--draws", "40"]
    assert main(options) == 0
    assert "loss at the start: none, states or logits leave float64" in capsys.readouterr().out


def test_an_interrupt_is_status_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted(*arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "run", interrupted)
    assert main(["plain"], "fathom profile") == 130
    assert capsys.readouterr().err == "fathom profile: interrupted; nothing was written\n"


def test_help_has_every_initialisation(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    out = capsys.readouterr().out
    for _, inits, usual in FAMILIES.values():
        assert usual in inits
        assert all(name in out for name in inits)


@pytest.mark.slow
def test_python_m_profiles_runs_the_example_of_the_page() -> None:
    options = ["residual", "--depth", "50", "--width", "64", "--init", "he", "--activation", "relu", "--backward"]
    done = subprocess.run(
        [sys.executable, "-m", "profiles", *options], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "residual, he, depth 50, width 64: held" in done.stdout


def test_alpha_is_what_is_printed() -> None:
    assert verdicts.ALPHA == 1e-3
