"""The command: it learns, goes on where it was killed, says what it found, and refuses in one line."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations.data.phrases import own_pairs, phrases
from simulations.training.adam import Adam
from simulations.training.optimiser import Descent
from simulations.translate.command import main
from simulations.translate.run import SAMPLES, SAVE_EVERY, Result, train, trainer
from simulations.translate.task import Task
from tests.refusals import refused

SMALL = ["--width", "8", "--heads", "2", "--layers", "1"]


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write numbers in words of one language, and in those of another backwards."""
    file = tmp_path_factory.mktemp("own") / "numbers.tsv"
    names = ["one", "two", "three", "four", "five", "six", "seven"]
    others = ["eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben"]
    rows = [(i, j, k) for i in range(7) for j in range(7) for k in range(7)]
    lines = (f"{names[i]} {names[j]} {names[k]}\t{others[k]} {others[j]} {others[i]}" for i, j, k in rows)
    file.write_text("\n".join(lines))
    return file


def result(pairs: Path, steps: int = 60, norm: str = "pre", optimiser: Any = None, **options: Any) -> Result:
    """Train a small network on the pairs."""
    task = Task(own_pairs(pairs))
    network = task.network(norm, 1, width=16, heads=2)
    return train(task, trainer(task, network, optimiser or Adam(1e-2)), steps, **options)


@pytest.mark.slow
@pytest.mark.parametrize("norm", ["pre", "fixup"])
def test_it_learns(pairs: Path, norm: str) -> None:
    """Chance is 1/343; 34 pairs that were not seen give a deviation of 0.07 at 0.8."""
    found = result(pairs, 250, norm)
    assert found.scores["test"].exact > 0.8
    assert found.scores["test"].copied_exact == 0
    assert found.samples[0].keys() == {"source", "translation", "reference"}
    assert len(found.samples) == SAMPLES
    right = sum(one["translation"] == one["reference"] for one in found.samples)
    assert right / SAMPLES > 0.5


def test_a_run_that_goes_on_is_one_that_never_stopped(pairs: Path, tmp_path: Path) -> None:
    path, whole = tmp_path / "run.npz", result(pairs)
    polls = iter([False] * 20)
    first = result(pairs, checkpoint=path, stopped=lambda: next(polls, True))
    assert (first.finished, first.loss, first.scores, first.steps) == (False, None, {}, 20)
    assert replace(result(pairs, checkpoint=path), seconds_per_step=None) == replace(whole, seconds_per_step=None)


def test_enough_ends_a_run_that_may_go_on(pairs: Path, tmp_path: Path) -> None:
    path, polls = tmp_path / "run.npz", iter([False] * 5)
    first = result(pairs, checkpoint=path, enough=lambda: next(polls, True))
    assert (first.finished, first.steps) == (True, 5)
    assert first.scores.keys() == {"test"}
    assert result(pairs, 7, checkpoint=path).steps == 7
    again = result(pairs, 3, checkpoint=path)  # nothing is left to do but to translate
    assert (again.steps, again.seconds_per_step) == (7, None)
    assert again.loss == result(pairs, 7).loss


def test_divergence_is_a_result(pairs: Path) -> None:
    found = result(pairs, norm="none", optimiser=Descent(1e6))
    assert (found.diverged, found.finished, found.loss, found.scores, found.samples) == (True, True, None, {}, [])


def test_the_command_says_what_it_found(pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.json"
    assert main(["--pairs", str(pairs), *SMALL, "--steps", "8", "--beams", "2", "--json", str(path)]) == 0
    out, progress = capsys.readouterr()
    found = json.loads(path.read_text())
    score = found["scores"]["test"]
    assert out.splitlines()[-1].startswith(f"test: exact match {score['exact']:.3f}, BLEU {score['bleu']:.1f}, of 34")
    assert f"validation loss {found['loss']:.4g}" in progress
    assert "step 8 of 8: loss" in progress
    assert (found["steps"], found["diverged"], found["settings"]["norm"]) == (8, False, "pre")
    assert (found["settings"]["rate"], found["settings"]["language"]) == (0.001, None)
    assert found["peak_memory_mb"] > 1
    assert out.count("\n  -> ") == SAMPLES == len(found["samples"])


def test_every_option_makes_another_run(pairs: Path, tmp_path: Path) -> None:
    """Each changes the validation loss after three steps, which the same options give again."""
    losses = []
    more = ["--seed 1", "--norm post", "--dropout 0.5", "--smoothing 0", "--rate 0.1", "--width 12", "--heads 4"]
    more += ["--layers 2", "--characters", "--optimiser sgd", "--optimiser sgd --momentum 0", "--steps 4"]
    for options in ("", *more):
        path = tmp_path / "out.json"
        assert main(["--pairs", str(pairs), *SMALL, "--steps", "3", *options.split(), "--json", str(path)]) == 0
        losses.append(json.loads(path.read_text())["loss"])
    assert len(set(losses)) == len(losses)
    assert main(["--pairs", str(pairs), *SMALL, "--steps", "3", "--json", str(path)]) == 0
    assert json.loads(path.read_text())["loss"] == losses[0]


def test_beams_find_other_translations(pairs: Path, tmp_path: Path) -> None:
    """Of a network that is not trained; what it was trained on, loss and all else, is the same."""
    found = []
    for beams in ("1", "3"):
        path = tmp_path / f"{beams}.json"
        assert main(["--pairs", str(pairs), *SMALL, "--steps", "3", "--beams", beams, "--json", str(path)]) == 0
        found.append(json.loads(path.read_text()))
    assert found[0]["loss"] == found[1]["loss"]
    assert found[0]["samples"] != found[1]["samples"]


@pytest.mark.slow
def test_phrases_by_the_minute(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.json"
    options = ["--language", "ja", "--norm", "zero last", "--optimiser", "sgd", "--dropout", "0.1", "--minutes", "0.02"]
    assert main([*SMALL, *options, "--json", str(path)]) == 0
    out = capsys.readouterr().out.splitlines()
    assert out[-1].startswith("longer: exact match 0.000")
    assert out[-2].startswith("test: exact match 0.000")
    found = json.loads(path.read_text())
    assert 0 < found["steps"] < 10_000
    assert [found["settings"][name] for name in ("rate", "momentum", "language")] == [0.05, 0.9, "ja"]


def test_a_run_that_diverges_ends_well(pairs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--norm", "none", "--optimiser", "sgd", "--rate", "1e6", "--steps", "20"]
    assert main(["--pairs", str(pairs), *SMALL, *options]) == 0
    assert capsys.readouterr().out.startswith("diverged after step")


@pytest.mark.slow
def test_a_run_survives_kill_9(pairs: Path, tmp_path: Path) -> None:
    """A process is killed after its first checkpoint; the same command then ends as if nothing had been."""
    path = tmp_path / "run.npz"
    options = ["--pairs", str(pairs), *SMALL, "--dropout", "0.1", "--steps", "400"]
    command = [sys.executable, "-m", "simulations.translate", *options, "--checkpoint", str(path)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not path.exists() and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            os.kill(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    with np.load(path) as saved:
        assert saved["step"] % SAVE_EVERY == 0 < saved["step"] < 400
    found = {}
    for name, more in (("whole", []), ("resumed", ["--checkpoint", str(path)])):
        assert main([*options, *more, "--json", str(tmp_path / name)]) == 0
        found[name] = json.loads((tmp_path / name).read_text())
    for key in ("loss", "accuracy", "scores", "samples", "epochs", "steps"):
        assert found["whole"][key] == found["resumed"][key]


@pytest.mark.slow
def test_an_interrupt_saves(pairs: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    options = ["--pairs", str(pairs), *SMALL, "--steps", "1000000", "--checkpoint", str(path)]
    command = [sys.executable, "-m", "simulations.translate", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        assert "step" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    assert f"the same command goes on from {path}" in errors
    assert path.exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--norm", "fixups"], "unknown recipe 'fixups'; expected one of pre"),
        (["--language", "it"], "invalid choice: 'it'"),
        (["--language", "fr", "--pairs", "x"], "--pairs and --language cannot both be given"),
        (["--characters"], "--characters is for --pairs"),
        (["--pairs", "none.tsv"], "cannot read pairs from none.tsv"),
        (["--rate", "0"], "learning rate must be positive"),
        (["--momentum", "0.5"], "--momentum is for --optimiser sgd"),
        (["--momentum", "1", "--optimiser", "sgd"], "momentum must be at least 0 and below 1"),
        (["--smoothing", "1"], "smoothing must be at least 0 and below 1"),
        (["--dropout", "1"], "dropout must be at least 0 and below 1"),
        (["--steps", "0"], "expected a whole number of at least 1, got 0"),
        (["--minutes", "0"], "--minutes must be above 0, got 0"),
        (["--minutes", "nan"], "--minutes must be above 0, got nan"),
        (["--beams", "0"], "at least 1, got 0"),
        (["--seed", "-1"], "seed or stream number must not be negative, got -1"),
        (["--heads", "5"], "heads"),
        (["--layers", "-1"], "layers must be at least 0"),
        (["--json", "/no/x.json"], "cannot write /no/x.json: there is no folder /no"),
        (["--checkpoint", "simulations/data/digits.npz"], "not a checkpoint"),
        (["--step", "5"], "did you mean --steps?"),
    ],
)
def test_what_is_refused(options: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refused(main, capsys, *options)


def test_a_checkpoint_of_another_network_is_refused(
    pairs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shared = ["--pairs", pairs, "--width", "8", "--heads", "2", "--steps", "2", "--checkpoint", tmp_path / "run.npz"]
    assert main(list(map(str, [*shared, "--layers", "1"]))) == 0
    capsys.readouterr()
    line = refused(main, capsys, *shared, "--layers", "1", "--dropout", "0.5")
    assert "of another run, with network 'pre, 1 layers a side" in line


@pytest.mark.slow
def test_the_seed_parts_phrases_and_starts_networks() -> None:
    tasks = [Task(phrases("de", seed)) for seed in (0, 1)]
    starts = [trainer(task, task.network("pre", 1, width=8), Adam(1e-3), seed=seed) for seed, task in enumerate(tasks)]
    first, second = (run.weights.vector[:1000].tobytes() for run in starts)
    assert first != second
