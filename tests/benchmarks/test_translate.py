"""The comparison of recipes: its walk finds the largest rate, runs are kept, and tables say what was run alone."""

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.translate import __main__ as command
from benchmarks.translate import dropout, quality, stable, store, table
from benchmarks.translate.store import Cell, Outcome, Store, TimeIsUpError
from docs import parts
from simulations.data.phrases import Corpus
from simulations.translate.task import Task

SENTENCES = [([a, b], [b, a, "."]) for a in "abcdefgh" for b in "abcdefgh"]
TASK = Task(Corpus(SENTENCES, SENTENCES[:9], SENTENCES[9:19], [], characters=False))
POWERS = st.integers(stable.LOWEST, stable.HIGHEST)


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Store, "task", TASK)
    monkeypatch.setattr(store, "WIDTH", 8)
    monkeypatch.setattr(store, "HEADS", 2)


@given(POWERS, st.integers(stable.LOWEST - 1, stable.HIGHEST + 9))
def test_the_walk_ends_at_the_largest(first: int, threshold: int) -> None:
    asked = []

    def ask(power: int) -> bool:
        asked.append(power)
        return power <= threshold

    expected = None if threshold < stable.LOWEST else min(threshold, stable.HIGHEST)
    assert stable.largest(ask, first) == expected
    assert len(set(asked)) == len(asked) <= 2 + abs(first - threshold)


def test_a_small_rate_is_stable_and_a_huge_one_is_not() -> None:
    """A readout of zeros finds all tokens alike at first."""
    for rate, expected in ((0.03, True), (1e4, False)):
        found = stable.measure(TASK, Cell("fixup", 1, "sgd", rate, 0, 30))
        assert found["first"] == pytest.approx(math.log(len(TASK.target)), rel=1e-6)
        assert stable.is_stable(found) is expected
    assert not stable.is_stable({"first": 2.0, "last": 2.0})
    assert not stable.is_stable({"first": 2.0, "last": None})


def test_losses_are_of_single_steps() -> None:
    """The mean of the last ten of 13, each from its batch as it was before the step."""
    cell, losses = Cell("pre", 1, "sgd", 0.1, 0, 13), []
    run = store.start(TASK, cell)
    for _ in range(cell.steps):
        shards = run.differentiate(run.batch())
        losses.append(sum(one.total for one in shards) / sum(one.count for one in shards))
        run.advance()
    found = stable.measure(TASK, cell)
    assert found["first"] == pytest.approx(losses[0], rel=1e-12)
    assert found["last"] == pytest.approx(sum(losses[-10:]) / 10, rel=1e-12)


def test_deeper_searches_begin_where_the_last_ended(tmp_path: Path) -> None:
    limits = {1: 0.3, 2: 0.1, 4: 0.02}

    def measure(task: Task, cell: Cell) -> Outcome:
        return {"first": 1.0, "last": 0.5 if cell.rate < limits[cell.layers] else None}

    kept = Store(tmp_path / "kept.json", "stable", measure)
    found = stable.rates(kept, "fixup", 0, (1, 2, 4))
    assert all(rate is not None and rate < limits[n] <= rate * 2**0.5 * 1.001 for n, rate in found.items())
    asked = [cell.rate for cell in kept.found if cell.layers == 4]
    assert asked == [found[2], 0.0625, 0.04419, 0.03125, 0.0221, found[4]]


def test_runs_are_kept_and_not_run_again(tmp_path: Path) -> None:
    path, ran = tmp_path / "kept.json", []

    def measure(task: Task, cell: Cell) -> Outcome:
        ran.append(cell)
        return {"last": 0.5}

    one, other = (Cell("pre", 1, "sgd", rate, 0, 5) for rate in (0.1, 0.2))
    Store(path, "quality", measure).outcome(other)
    for _ in range(2):
        assert Store(path, "stable", measure, ends=math.inf).outcome(one) == {"last": 0.5}
    assert ran == [other, one]
    assert [len(json.loads(path.read_text())[kind]) for kind in ("stable", "quality")] == [1, 1]
    with pytest.raises(TimeIsUpError):
        Store(path, "stable", measure, ends=-math.inf).outcome(other)
    assert len(ran) == 2


def test_the_best_rate_is_that_of_the_least_loss(tmp_path: Path) -> None:
    losses = dict(zip(quality.RATES["sgd"], (2.0, 1.0, 3.0, None, None), strict=True))
    kept = Store(tmp_path / "kept.json", "quality", lambda task, cell: {"loss": losses[cell.rate], "seed": cell.seed})
    assert quality.best(kept, "pre", 2, "sgd", 2) == [{"loss": 1.0, "seed": seed, "rate": 0.1} for seed in range(2)]
    assert len(kept.found) == 6


def test_the_deepest_take_the_rate_of_the_depth_before_or_a_lower(tmp_path: Path) -> None:
    losses = dict(zip(quality.RATES["sgd"], (2.0, 1.0, 3.0, None, None), strict=True))

    def measure(task: Task, cell: Cell) -> Outcome:
        return {"loss": losses[cell.rate] if cell.layers < 100 or cell.rate < fails else None}

    for fails, expected, runs in ((1.0, (1.0, 0.1), 6), (0.1, (2.0, 0.03), 7), (0.0, (None, None), 8)):
        kept = Store(tmp_path / f"{fails}.json", "quality", measure)
        (found,) = quality.best(kept, "pre", 100, "sgd", 3)
        assert (found["loss"], found.get("rate")) == expected
        assert len(kept.found) == runs


def test_what_is_learnt_is_measured() -> None:
    found = quality.measure(TASK, Cell("pre", 1, "adam", 1e-3, 0, 5))
    assert found.keys() == {"loss", "accuracy", "exact", "bleu"}
    assert quality.measure(TASK, Cell("none", 1, "sgd", 1e6, 0, 5))["loss"] is None


def test_dropout_is_measured_on_few_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropout, "STEPS", 4)
    kept = Store(tmp_path / "kept.json", "dropout", dropout.measure, pairs=dropout.PAIRS)
    none, some = (dropout.outcome(kept, "pre", share, 0) for share in (0.0, 0.3))
    assert none.keys() == {"training", "loss", "exact", "bleu"}
    assert none["training"] != some["training"]
    monkeypatch.undo()
    assert len(Store(tmp_path / "kept.json", "dropout", dropout.measure, pairs=50).task.corpus.training) == 50


def test_tables_have_what_was_run_alone(tmp_path: Path) -> None:
    path = tmp_path / "kept.json"
    assert "pre" not in table.text(path)
    assert not path.exists()

    def limited(task: Task, cell: Cell) -> Outcome:
        return {"first": 1.0, "last": 0.5 if cell.rate * cell.layers < 0.1 * (1 + cell.seed) else 2.0}

    for seed in range(2):
        stable.rates(Store(path, "stable", limited), "fixup", seed)
    stable.rates(Store(path, "stable", limited), "zero last", 0, (1, 2))
    stable.rates(Store(path, "stable", lambda task, cell: {"first": 1.0, "last": None}), "none", 0, (1,))

    def learnt(task: Task, cell: Cell) -> Outcome:
        if cell.recipe == "post":
            return {"loss": None}
        return {"loss": 2.0 + cell.seed + (cell.rate != 1e-3), "exact": 0.25, "bleu": 40.0}

    quality.best(Store(path, "quality", learnt), "pre", 8, "adam", 2)
    quality.best(Store(path, "quality", learnt), "post", 2, "sgd", 1)
    few = Store(
        path, "dropout", lambda task, cell: {"training": 0.5, "loss": 1 + cell.dropout, "exact": 0.5, "bleu": 60}
    )
    for seed in range(2):
        dropout.outcome(few, "fixup", 0.1, seed)
    lines = table.text(path).splitlines()
    assert "| fixup |  | 0.50, 1.10; 50 %, 60; 2 seeds |  |" in lines
    assert "| none | none |  |  |  |  |" in lines
    assert "| zero last | 0.088 | 0.044 |  |  |  |" in lines
    assert "| fixup | 0.088 (0.088 to 0.18) | 0.044 (0.044 to 0.088) |" in " ".join(lines)
    assert "| pre, adam |  | 2.50; 25 %, 40; 0.001; 2 seeds |  |  |" in lines
    assert "| post, sgd | diverges |  |  |  |" in lines
    assert not any(line.startswith("| deepnorm") for line in lines)


def test_the_command_goes_on_and_writes_its_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path, written = tmp_path / "kept.json", []
    monkeypatch.setattr(stable, "measure", lambda task, cell: {"first": 1.0, "last": 0.5 if cell.rate < 0.1 else None})
    monkeypatch.setattr(quality, "measure", lambda task, cell: {"loss": 1.0, "exact": 0.5, "bleu": 50.0})
    outcome = {"training": 0.5, "loss": 1.0, "exact": 0.5, "bleu": 50.0}
    monkeypatch.setattr(dropout, "measure", lambda task, cell: outcome)
    monkeypatch.setattr(parts, "write", lambda name, text: written.append(name))
    options: list[Any] = ["--recipes", "fixup", "zero last", "--seeds", "1", "--layers", "2", "--json", str(path)]
    assert command.main([*options, "--minutes", "-1"]) == 0
    assert "0 of 12 searches are whole; the same command goes on" in capsys.readouterr().out
    assert command.main(options) == 0
    assert "12 of 12 searches are whole\n" in capsys.readouterr().out
    assert not written
    monkeypatch.setattr(command, "RESULTS", path)
    assert command.main([*options, "--part", "stable", "--minutes", "-1"]) == 0  # everything is known
    assert written == ["translate"]
    assert "2 of 2" in capsys.readouterr().out
