"""Training: reproducible to the bit, with and without stops; divergence is a result; bad input is one clear line."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations import InputError, Network, stream
from simulations.data.splits import DIGITS, Data, Labelled, digits_split
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.networks.rivals import build
from simulations.training.optimiser import Descent
from simulations.training.run import blocks_of, main, train
from simulations.training.trainer import Plan, Trainer

DIGIT_DATA = digits_split().flattened()


def trainer(
    descent: Descent | None = None,
    *,
    name: str = "fixup",
    blocks: int = 4,
    data: Data = DIGIT_DATA,
    network: Network | None = None,
    **plan: Any,
) -> Trainer:
    """Return a run of a small network."""
    network = network or build(name, width=16, blocks=blocks, features=64, classes=10)
    parameters = network.draw(stream(0, "training", "test"), 1)
    return Trainer(network, parameters, data, descent or Descent(0.1), Plan(**plan))


def test_learns() -> None:
    """Four epochs of digits on a shallow network; chance is 0.1, and 297 images give it a deviation of 0.017."""
    result = train(trainer(epochs=4))
    assert result.accuracy is not None
    assert result.accuracy > 0.8
    assert [epoch["accuracy"] for epoch in result.epochs] == sorted(epoch["accuracy"] for epoch in result.epochs)


@pytest.mark.parametrize("name", ["fixup", "batch_norm"])
@pytest.mark.parametrize("stop", [1, 20, 33])
def test_resumed_run_is_the_same_to_the_bit(tmp_path: Path, name: str, stop: int) -> None:
    """Stopped in an epoch and between two, in new objects, with momentum, decay, a schedule and mixup."""
    descent = Descent(0.05, 0.9, 1e-3, 0.1, "cosine")
    plan: Any = {"name": name, "epochs": 2, "mixup": 0.7, "seed": 3}
    whole = trainer(descent, **plan)
    expected = train(whole)
    path = tmp_path / "run.npz"
    first = train(trainer(descent, **plan), checkpoint=path, stop=lambda step: step == stop)
    assert (first.finished, first.accuracy, first.steps) == (False, None, stop)
    second = trainer(descent, **plan)
    result = train(second, checkpoint=path)
    assert second.weights.vector.tobytes() == whole.weights.vector.tobytes()
    assert second.velocity.tobytes() == whole.velocity.tobytes()
    assert replace(result, seconds_per_step=None) == replace(expected, seconds_per_step=None)


def test_seeds_differ() -> None:
    """The order of inputs depends on the seed, and a run on it alone."""
    runs = [trainer(seed=seed) for seed in (0, 0, 1)]
    for run in runs:
        run.advance()
    same, again, other = (run.weights.vector.tobytes() for run in runs)
    assert same == again != other


def test_an_epoch_sees_no_input_twice() -> None:
    rows = Labelled(np.arange(130.0).reshape(65, 2), np.zeros(65, int))
    data = Data(rows, rows, rows, 10, "counted")
    network = build("he", width=4, blocks=1, features=2, classes=10)
    run = trainer(network=network, data=data, batch=8, epochs=2)
    seen = []
    for step in range(run.steps):
        run.step = step
        seen.append(run.batch()[0][:, 0])
    first, second = np.array(seen).reshape(2, -1)
    assert first.size == 64
    assert len(set(first)) == len(set(second)) == 64
    assert (first != second).any()


def test_mixup_mixes_inputs_and_targets_alike() -> None:
    """Inputs that are their own targets stay so."""
    labels = np.arange(10).repeat(7)
    rows = Labelled(np.eye(10)[labels], labels)
    network = build("he", width=4, blocks=1, features=10, classes=10)
    run = trainer(network=network, data=Data(rows, rows, rows, 10, "one-hot"), batch=32, mixup=1.0)
    x, targets = run.batch()
    np.testing.assert_allclose(x, targets, atol=1e-6)
    assert ((targets > 0).sum(axis=1) == 2).any()


@pytest.mark.parametrize(("name", "rate"), [("he", 0.1), ("fixup", 1e30)])
def test_divergence_is_a_result(name: str, rate: float) -> None:
    """He on every layer doubles the mean square in each of 100 blocks; a huge rate throws any network out."""
    result = train(trainer(Descent(rate), name=name, blocks=100))
    assert (result.diverged, result.finished, result.accuracy, result.loss) == (True, True, None, None)


def test_divergence_that_a_relu_hides() -> None:
    """A bias of minus infinity kills the units after it and leaves the logits finite."""
    run = trainer()
    run.weights.views["block0.layer0.after"][...] = -np.inf
    run.steps = 0  # nothing but the measurement is left to do
    assert train(run).diverged


def test_evaluation_counts_every_input_once() -> None:
    """297 test images in batches of 64 against all at once, by the layers' own forward pass in double precision."""
    run = trainer(Descent(0.1))
    for _ in range(5):
        run.advance()
    test = run.data.test
    parameters = {name: value.astype(np.float64) for name, value in run.parameters.items()}
    logits = run.network.run(parameters, test.x[None].astype(np.float64)).output[0]
    loss = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(test)), test.labels]
    measured = run.evaluate(test)
    assert measured[0] == pytest.approx(loss.mean(), rel=1e-5)
    assert measured[1] == (logits.argmax(axis=1) == test.labels).mean()


@pytest.mark.slow
@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_three_steps_against_pytorch(momentum: float) -> None:
    """PyTorch's SGD with weight decay, scalars at a tenth of the rate; float32, so 1e-4 of the largest entry."""
    torch = pytest.importorskip("torch")
    from tests.oracles.test_torch_fixup import logits

    network = fixup_mlp(8, 3, stem=64, classes=10, rules=FixupRules(zero_last=False, zero_readout=False))
    run = trainer(Descent(0.05, momentum, 0.01, 0.1), network=network)
    theirs = {name: torch.tensor(value.copy(), requires_grad=True) for name, value in run.parameters.items()}
    groups = [
        {"params": [one for one in theirs.values() if one.numel() > 1], "lr": 0.05},
        {"params": [one for one in theirs.values() if one.numel() == 1], "lr": 0.005},
    ]
    optimiser = torch.optim.SGD(groups, momentum=momentum, weight_decay=0.01)
    before = run.weights.vector.copy()
    for _ in range(3):
        x, targets = run.batch()
        optimiser.zero_grad()
        z = logits(theirs, torch.tensor(x)[None], 3, 2)[0]
        torch.nn.functional.cross_entropy(z, torch.tensor(targets)).backward()
        optimiser.step()
        run.advance()
    for name, value in theirs.items():
        expected = value.detach().numpy()
        np.testing.assert_allclose(
            run.parameters[name], expected, rtol=0, atol=1e-4 * max(0.01, np.abs(expected).max())
        )
    assert np.abs(run.weights.vector - before).max() > 0.01


def test_schedules() -> None:
    """A step on a gradient of ones is minus the rate."""
    for schedule, done, factor in (("constant", 0.9, 1), ("steps", 0.49, 1), ("steps", 0.5, 0.1), ("steps", 0.8, 0.01)):
        run = trainer(Descent(0.5, schedule=schedule))
        run.gradients.vector[:] = 1
        before = run.weights.vector.copy()
        run.descent.update(run.weights, run.gradients, run.velocity, done)
        moved = before - run.weights.vector
        assert moved[0] == pytest.approx(0.5 * factor, rel=1e-4)
        assert moved[-1] == pytest.approx(0.05 * factor, rel=1e-4)


def test_digits_are_split_and_scaled() -> None:
    data = digits_split()
    assert tuple(len(part) for part in (data.training, data.validation, data.test)) == DIGITS
    assert data.training.x.shape == (DIGITS[0], 1, 8, 8)
    assert data.training.x.mean() == pytest.approx(0, abs=1e-6)
    assert data.training.x.std() == pytest.approx(1, rel=1e-6)
    rows = np.concatenate([part.x.reshape(-1, 64) for part in (data.training, data.validation, data.test)])
    assert len(np.unique(rows, axis=0)) == sum(DIGITS)  # none in two splits: the digits are all different


def labelled(x: Any, labels: Any) -> Data:
    """Return data with the same rows in each split."""
    rows = Labelled(np.asarray(x), np.asarray(labels))
    return Data(rows, rows, rows, 3, "mine")


@pytest.mark.parametrize(
    ("x", "labels", "message"),
    [
        (np.ones((2, 4)), [0, 3], "labels go from 0 to 3; expected integers from 0 to 2"),
        (np.ones((2, 4)), [-1, 0], "labels go from -1 to 0"),
        (np.ones((2, 4)), [0], "one label for each"),
        (np.ones((0, 4)), np.zeros(0, int), "at least one input"),
        (np.ones((2, 4, 4)), [0, 1], r"shape \(2, 4, 4\)"),
        ([[np.nan, 1.0]], [0], "NaN or infinite"),
    ],
)
def test_bad_data(x: Any, labels: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        labelled(x, labels)


def test_data_that_do_not_fit() -> None:
    data = labelled(np.ones((70, 4)), np.zeros(70, int))
    with pytest.raises(ValueError, match=r"layer 'stem' expects rows of 64 features, got a batch of \(64, 4\)"):
        trainer(data=data)
    with pytest.raises(ValueError, match=r"the network gives \(10,\) an input; expected \(3,\)"):
        trainer(data=labelled(np.ones((70, 64)), np.zeros(70, int)))


def test_depth() -> None:
    assert blocks_of(10_000, 2) == 4999
    assert blocks_of(8, 3) == 2
    with pytest.raises(ValueError, match=r"positive multiple of 3; the nearest depth is 11"):
        blocks_of(10, 3)


COMMAND = "--init fixup --layers 6 --rate 0.1 --width 8"


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "out.json"
    assert main([*COMMAND.split(), "--json", str(path)]) == 0
    found = json.loads(path.read_text())
    assert 0 <= found["accuracy"] <= 1
    assert found["diverged"] is False
    assert found["seconds_per_step"] > 0
    assert found["peak_memory_mb"] > 1
    assert found["blocks"] == 2
    assert "loss" in capsys.readouterr().err


def test_a_checkpoint_of_another_network_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two schemes may start from the very same weights and still be different networks."""
    shared = ["--layers", "10", "--rate", "0.01", "--checkpoint", str(tmp_path / "run.npz"), "--stop-after", "2"]
    assert main(["--init", "he_lecun", *shared]) == 0
    with pytest.raises(SystemExit) as error:
        main(["--init", "sqrt_half", *shared])
    assert error.value.code == 2
    assert "with network 'he_lecun, 4 blocks of 2 layers, width 32' instead of 'sqrt_half" in capsys.readouterr().err


def test_command_line_diverged(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    assert main(["--init", "he", "--layers", "402", "--rate", "0.1", "--json", str(path)]) == 0
    found = json.loads(path.read_text())
    assert (found["accuracy"], found["loss"], found["diverged"]) == (None, None, True)


def test_command_line_stops_and_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, whole, parts = tmp_path / "run.npz", tmp_path / "whole.json", tmp_path / "parts.json"
    assert main([*COMMAND.split(), "--json", str(whole)]) == 0
    assert main([*COMMAND.split(), "--checkpoint", str(path), "--stop-after", "7"]) == 0
    assert "stopped after step 7; the same command goes on" in capsys.readouterr().err
    assert main([*COMMAND.split(), "--checkpoint", str(path), "--json", str(parts)]) == 0
    one, other = (json.loads(file.read_text()) for file in (whole, parts))
    assert (one["loss"], one["accuracy"]) == (other["loss"], other["accuracy"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--init fixups --layers 10 --rate 0.1", "unknown scheme 'fixups'; did you mean 'fixup'?"),
        ("--init fixup --layers 0 --rate 0.1", "0 layers are not 2 .* the nearest depth is 4"),
        ("--init fixup --layers 11 --rate 0.1", "the nearest depth is 1[02]"),
        ("--init fixup --layers 11 --branch 0 --rate 0.1", "at least 1 layer, got 0"),
        ("--init fixup --layers 10 --rate 0", "learning rate must be positive and finite, got 0"),
        ("--init fixup --layers 10 --rate nan", "learning rate must be positive and finite, got nan"),
        ("--init fixup --layers 10 --rate x", "argument --rate: invalid float value: 'x'"),
        ("--init fixup --layers 10", "required: --rate"),
        ("--init fixup --layers 10 --rate 1 --batch 1301", "a batch of 1301 is larger than the 1300 inputs"),
        ("--init fixup --layers 10 --rate 1 --batch 0", "batch must be at least 1, got 0"),
        ("--init fixup --layers 10 --rate 1 --epochs 0", "epochs must be at least 1, got 0"),
        ("--init fixup --layers 10 --rate 1 --seed -1", "seed must be at least 0, got -1"),
        ("--init fixup --layers 10 --rate 1 --momentum 1", "momentum must be at least 0 and below 1"),
        ("--init fixup --layers 10 --rate 1 --decay -1", "weight decay must be at least 0"),
        ("--init fixup --layers 10 --rate 1 --mixup -1", "mixup must be at least 0"),
        ("--init fixup --layers 10 --rate 1 --schedule no", "unknown schedule 'no'; expected one of constant"),
        ("--init fixup --layers 10 --rate 1 --width 0", "width must be at least 1, got 0"),
        ("--init fixup --layers 10 --rate 1 --stop-after 3", "--stop-after needs .* --checkpoint"),
        ("--init fixup --layers 10 --rate 1 --cifar /no", "cannot read /no/data_batch_1.bin"),
        ("--init fixup --layers 10 --rate 1 --json /no/x.json", "cannot write /no/x.json: there is no folder /no"),
        ("--init fixup --layers 10 --rate 1 --checkpoint simulations/data/digits.npz", "not a checkpoint"),
    ],
)
def test_command_line_errors(arguments: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert printed.startswith("error: ")
    assert re.search(message, printed)
