"""The small experiments on plain nets: what they measure, at small sizes, and that they write what they print."""

import json
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from benchmarks.training import covariate_shift, saturation, staged
from benchmarks.training.few_seeds import CLASSES, DATA, FEATURES, accuracies, batches, epoch
from simulations.networks.mlp import mlp
from simulations.numbers.streams import stream
from simulations.training.sgd import step

pytestmark = pytest.mark.slow


def test_an_epoch_takes_every_image_once_in_orders_of_their_own() -> None:
    seen = [x for x, _ in batches(2, 100, np.random.default_rng(0))]
    assert len(seen) == len(DATA.training) // 100
    first, second = (np.concatenate([x[seed] for x in seen]) for seed in (0, 1))
    assert not np.array_equal(first, second)
    assert np.array_equal(np.sort(first.sum(axis=1)), np.sort(DATA.training.x.astype(np.float64).sum(axis=1)))


def test_an_epoch_is_steps_of_sgd_and_teaches() -> None:
    network = mlp([FEATURES, 16], classes=CLASSES)
    start = network.draw(np.random.default_rng(0), 2)
    expected = start
    for x, targets in batches(2, 64, np.random.default_rng(1)):
        expected = step(network, expected, x, targets, 0.1).parameters
    found = epoch(network, start, 0.1, 64, np.random.default_rng(1))
    assert all(np.array_equal(found[name], value) for name, value in expected.items())
    before, after = (np.mean(accuracies(network, each, DATA.test)) for each in (start, found))
    assert before + 0.2 < after
    broken = {name: np.full_like(value, np.nan) for name, value in start.items()}
    assert accuracies(network, broken, DATA.test) == [0.0, 0.0]


def test_what_the_layers_of_a_sigmoid_net_do_at_the_start() -> None:
    """Spreads fall by about sqrt 48 a layer, and units are near 1/2 (claim X10)."""
    (row,) = saturation.rows(3, 0, 3)
    assert np.allclose(row["mean"], 0.5, atol=0.06)
    ratios = np.divide(row["spread"][:-1], row["spread"][1:])
    assert ((ratios > 48**0.5 * 0.8) & (ratios < 48**0.5 * 1.5)).all()
    assert row["near 0"] == [0, 0, 0]


def test_shifts_are_those_of_a_step_made_by_hand() -> None:
    """A lower layer whose units are all doubled moves means by their own size; without a step nothing moves."""
    network = covariate_shift.build("plain", 2)
    before = network.draw(stream(0, "test"), 1)
    x, targets = next(batches(1, 64, np.random.default_rng(0)))
    assert [float(one[0]) for one in covariate_shift.shifts(network, before, before, x, targets)[:2]] == [0, 0]
    after = before | {"layer0.weight": 2 * before["layer0.weight"]}
    mean, spread, turn = (float(one[0]) for one in covariate_shift.shifts(network, before, after, x, targets))
    state = network.run(before, x).states[1][0]
    lively = state.std(axis=0) > 0
    ratios = state.mean(axis=0)[lively] / state.std(axis=0)[lively]
    assert mean == pytest.approx(np.sqrt(np.square(ratios).mean()))
    assert spread == pytest.approx(np.log(2))
    assert turn > 0


@pytest.mark.parametrize(
    ("module", "options"),
    [
        (staged, ["--depths", "4,6", "--epochs", "1", "--seeds", "2"]),
        (saturation, ["--layers", "2", "--epochs", "1", "--seeds", "2"]),
        (covariate_shift, ["--layers", "2", "--epochs", "1", "--seeds", "2"]),
    ],
)
def test_they_write_what_they_print(
    module: ModuleType,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "found.json"
    monkeypatch.setattr(sys, "argv", ["program", *options, "--json", str(path)])
    module.main()
    assert capsys.readouterr().out.strip() == module.table(json.loads(path.read_text())["rows"])
