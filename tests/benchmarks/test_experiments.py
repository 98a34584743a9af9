"""The experiments that stand beside the speed benchmarks choose, measure, judge and record what they say."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.training import attention_draws, one_step, resnet, transformer
from benchmarks.training.step import AGREE
from simulations.data.splits import digits_split
from simulations.networks.resnet import resnet as network_of
from simulations.networks.rivals import INITS
from simulations.training.optimiser import Descent
from simulations.training.run import start
from simulations.training.sgd import step
from simulations.training.trainer import Plan, Trainer
from simulations.weights.undrawn import undrawn

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow


def test_resnet_chooses_rates_on_validation_data(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "resnet.json"
    for name, value in {"STAGES": (2, 3), "BLOCKS": 1, "RATES": (0.03, 0.3), "MOMENTA": (0.9,)}.items():
        monkeypatch.setattr(resnet, name, value)
    monkeypatch.setattr(resnet, "ProcessPoolExecutor", lambda workers, mp_context: ThreadPoolExecutor(workers))
    monkeypatch.setattr(sys, "argv", ["resnet", "--epochs", "1", "--seeds", "2", "--workers", "1", "--json", str(path)])
    resnet.main()
    rows = json.loads(path.read_text())["rows"]
    assert [row["init"] for row in rows] == ["fixup", "batch_norm"]
    for row in rows:
        tried = row["validation"]
        assert row["rate"] == max((0.03, 0.3), key=lambda rate: tried[str(rate)])
        for rate, found in tried.items():
            assert found == resnet.accuracy(resnet.Cell(row["init"], 0.9, 1, float(rate)))
        cells = [resnet.Cell(row["init"], 0.9, 1, row["rate"], seed, "test") for seed in range(2)]
        assert row["accuracies"] == [resnet.accuracy(cell) for cell in cells]
    assert capsys.readouterr().out.strip() == resnet.table(rows)
    assert "| diverges |" in resnet.table([row | {"accuracies": [None, None]} for row in rows])
    assert "0.500 (0.500 to 0.500), 0.3, 1 diverged" in resnet.table(
        [row | {"accuracies": [0.5, None], "rate": 0.3} for row in rows]
    )


@pytest.mark.parametrize("init", resnet.INITS)
def test_the_trainer_takes_the_step_of_sgd_on_images(init: resnet.Init) -> None:
    data, plan = digits_split(), Plan(8, 1, 0)
    rules, eps = resnet.STARTS[init]
    random = replace(rules, zero_readout=False, zero_last=False)
    network = network_of((2, 3), 1, image=(1, 8, 8), rules=random, batch_norm=eps)
    parameters = start(init, network, data, plan)
    run = Trainer(network, parameters, data, Descent(0.1, scalar_factor=1.0), plan)
    x, targets = run.batch()
    expected = step(network, parameters, x[None].astype(np.float64), targets[None], 0.1).parameters
    run.advance()
    for name, value in expected.items():
        np.testing.assert_allclose(run.parameters[name], value, rtol=1e-3, atol=1e-5, err_msg=name)
        assert not name.endswith("weight") or np.abs(value - parameters[name]).max() > 1e-4, name


DEPTHS = [1, 10, 30, 100, 300]


@pytest.mark.parametrize(
    ("verdict", "changes"),
    [
        ("Theta(1)", [9.0, 2.0, 2.1, 1.9, 2.0]),
        ("Theta(L)", [50.0, 10.0, 31.0, 99.0, 300.0]),
        ("L^2.00", [1.0, 1e2, 9e2, 1e4, 9e4]),
        ("L^2.00", [1.0, 1e2, 9e2, 1e4, "unresolved"]),
        ("exponential", [1.0, 2.0, 2.0, 2.0, "overflows"]),
        ("exponential", [1.0, *np.exp(np.array(DEPTHS[1:]) / 10).tolist()]),
        ("vanishes", [1.0, 1.0, 0.5, 0.1, 1e-4]),
        ("vanishes", [1.0, 1.0, 0.5, 0.1, 0.0]),
        ("too few depths", [1.0, 1.0, *["unresolved"] * 3]),
    ],
)
def test_growth_is_named_by_the_stated_rules(verdict: str, changes: list[float | str]) -> None:
    assert one_step.judge(DEPTHS, changes)["verdict"] == verdict


def test_a_line_has_the_standard_error_of_least_squares() -> None:
    slope, error, left = one_step.line(np.array([0.0, 1, 2, 3]), np.array([0.0, 1, 1, 3]))
    assert [slope, left] == pytest.approx([0.9, 0.7])
    assert error == pytest.approx(np.sqrt(0.7 / 2 / 5))


def test_changes_are_at_a_rate_small_enough_or_are_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    found = one_step.change("he_lecun", 10, 4)
    wide = one_step.change(one_step.BARE, 2, 1, 1000, undrawn())
    assert isinstance(found, float)
    assert isinstance(wide, float)
    assert wide > 0
    assert one_step.change("he", 500, 2) == "overflows"
    monkeypatch.setattr(one_step, "RATES", (1e-9, 1e-10))
    assert one_step.change("he_lecun", 10, 4) == pytest.approx(found, rel=0.15)
    monkeypatch.setattr(one_step, "RATES", (1e-5, 1e-7))  # a factor of 4 apart
    assert one_step.change("he_lecun", 30, 8) == "unresolved"


def test_one_step_writes_and_prints_a_row_for_every_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "one_step.json"
    monkeypatch.setattr(one_step, "WIDE", 1000)
    monkeypatch.setattr(sys, "argv", ["one_step", "--depths", "1,10", "--draws", "2", "--json", str(path)])
    one_step.main()
    rows = json.loads(path.read_text())["rows"]
    assert [row["start"] for row in rows] == [one_step.BARE, *INITS]
    assert rows[1]["changes"] == [one_step.change(rows[1]["start"], depth, 2) for depth in (1, 10)]
    out = capsys.readouterr().out.strip()
    assert out == one_step.table(rows, [1, 10])
    assert {text.count("|") for text in out.splitlines()} == {7}


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_the_step_of_an_encoder_decoder_is_pytorch_s(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Losses of three steps, at which both contestants are compared, in as many layers as fit a second."""
    pytest.importorskip("torch")
    monkeypatch.setattr(transformer, "BATCH", 4)
    mine, theirs = (make(kind, 7, 1, 1) for make in (transformer.ours, transformer.theirs))
    many, others = (make(kind, 3, 1) for make in (attention_draws.our_draws, attention_draws.their_draws))
    agreement = AGREE if kind == "float32" else 1e-9
    np.testing.assert_allclose(many(), others(), rtol=agreement)
    losses = [(mine(), theirs()) for _ in range(3)]
    np.testing.assert_allclose([one for one, _ in losses], [other for _, other in losses], rtol=agreement)
    assert losses[2][0] < losses[0][0]
