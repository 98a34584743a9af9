"""Training on pairs of sequences: shards, stops, divergence, and a task that is learnt."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulations import stream
from simulations.training.adam import Adam
from simulations.training.checkpoint import CheckpointError
from simulations.training.optimiser import Descent, Flat, Optimiser
from simulations.training.pairs import Pairs
from simulations.training.sequences import SequencePlan, SequenceTrainer
from simulations.training.trainer import DivergenceError
from simulations.transformer.decoding import greedy
from simulations.transformer.loss import TokenLoss
from simulations.transformer.translator import END, PAD, START, translator

TOKENS = 9


def reversals(pairs: int, longest: int = 5, seed: int = 0) -> Pairs:
    """Sources of random tokens, whose targets are the same backwards."""
    rng = stream(seed, "reversals")
    source, target = np.full((pairs, longest), PAD), np.full((pairs, longest + 2), PAD)
    for row, length in enumerate(rng.integers(1, longest + 1, pairs)):
        tokens = rng.integers(3, TOKENS, length)
        source[row, :length] = tokens
        target[row, : length + 2] = [START, *tokens[::-1], END]
    return Pairs(source, target)


def trainer(
    plan: SequencePlan,
    *,
    optimiser: Optimiser | None = None,
    pairs: int = 64,
    keep: float = 1.0,
    dtype: type = np.float32,
) -> SequenceTrainer:
    net = translator(16, (1, 1), "pre", heads=2, tokens=(TOKENS, TOKENS), keep=keep)
    start = net.draw(stream(0, "start"), 1)
    return SequenceTrainer(net, start, reversals(pairs), optimiser or Adam(3e-3), plan, name="reversals", dtype=dtype)


def run(one: SequenceTrainer, steps: int) -> SequenceTrainer:
    for _ in range(steps):
        one.advance()
    return one


def test_shards_and_threads_change_rounding_only() -> None:
    """Also where a shard has fewer positions of padding than another."""
    plans = [SequencePlan(batch=10, epochs=9, shards=shards, smoothing=0.1) for shards in (1, 2, 3, 10)]
    runs = [run(trainer(plan, dtype=np.float64), 5) for plan in plans]
    for one in runs[1:]:
        np.testing.assert_allclose(one.weights.vector, runs[0].weights.vector, rtol=0, atol=1e-9)
        np.testing.assert_allclose(one.tallies, runs[0].tallies, rtol=1e-10)
    again = run(trainer(plans[2], dtype=np.float64), 5)
    np.testing.assert_array_equal(again.weights.vector, runs[2].weights.vector)


def test_gradients_are_those_of_the_whole_batch() -> None:
    one = trainer(SequencePlan(batch=8, shards=3), dtype=np.float64)
    batch = one.batch()
    one.differentiate(batch)
    from simulations.transformer.loss import token_loss

    whole: Any = batch.source[None], batch.target[None, :, :-1]
    found = one.translator.run(one.parameters, *whole)
    loss = token_loss(found.output, batch.target[:, 1:], PAD)
    for name, gradient in found.gradients(loss.logit_gradient).items():
        np.testing.assert_allclose(one.gradients[0].views[name], gradient, rtol=1e-9, atol=1e-13)


@pytest.mark.slow
def test_reversals_are_learnt() -> None:
    """Those held out too, in a few seconds."""
    one = trainer(
        SequencePlan(batch=64, epochs=60, shards=2), optimiser=Adam(1e-2, schedule="cosine", warmup=50), pairs=1024
    )
    before, _ = one.evaluate(reversals(100, seed=1))
    run(one, 600)
    after, accuracy = one.evaluate(reversals(100, seed=1))
    assert after < before / 3
    assert accuracy > 0.8
    held_out = reversals(50, seed=1)
    found = greedy(one.translator, one.parameters, held_out.source, 6)
    wanted = [[token for token in row if token > END] for row in held_out.target.tolist()]
    assert np.mean([a == b for a, b in zip(found, wanted, strict=True)]) > 0.5
    assert "step 600 of 960: loss" in one.status()


@pytest.mark.parametrize("optimiser", [Adam(1e-2, warmup=4), Descent(0.1, momentum=0.9)], ids=["Adam", "SGD"])
def test_a_run_goes_on_from_a_checkpoint_bit_for_bit(optimiser: Optimiser, tmp_path: Path) -> None:
    plan = SequencePlan(batch=10, epochs=3, shards=2, smoothing=0.1)
    whole = run(trainer(plan, optimiser=optimiser, keep=0.8), 11)
    first = run(trainer(plan, optimiser=optimiser, keep=0.8), 7)
    first.save(tmp_path / "run.npz")
    second = trainer(plan, optimiser=optimiser, keep=0.8)
    second.resume(tmp_path / "run.npz")
    assert second.step == 7
    run(second, 4)
    np.testing.assert_array_equal(second.weights.vector, whole.weights.vector)
    np.testing.assert_array_equal(second.velocity, whole.velocity)
    assert (second.epochs, second.tallies.tolist()) == (whole.epochs, whole.tallies.tolist())
    other = trainer(SequencePlan(batch=10, epochs=4, shards=2, smoothing=0.1), optimiser=optimiser, keep=0.8)
    with pytest.raises(CheckpointError, match="is of another run, with epochs 3 instead of 4"):
        other.resume(tmp_path / "run.npz")


KILLED = """
from pathlib import Path
from tests.simulations.training.test_sequences import SequencePlan, trainer
one = trainer(SequencePlan(batch=10, epochs=1000))
while True:
    one.advance()
    one.save(Path("run.npz"))
"""


@pytest.mark.slow
def test_checkpoints_survive_a_kill(tmp_path: Path) -> None:
    """A process that saves after every step is killed at once, whatever it does; its last checkpoint is whole."""
    for number in range(3):
        environment = os.environ | {"PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen([sys.executable, "-c", KILLED], cwd=tmp_path, env=environment)
        deadline = time.monotonic() + 60
        while not (tmp_path / "run.npz").exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.05 + 0.033 * number)
        process.send_signal(signal.SIGKILL)
        process.wait()
        one = trainer(SequencePlan(batch=10, epochs=1000))
        one.resume(tmp_path / "run.npz")
        again = run(trainer(SequencePlan(batch=10, epochs=1000)), one.step)
        np.testing.assert_array_equal(one.weights.vector, again.weights.vector)
        (tmp_path / "run.npz").unlink()


def test_dropout_is_drawn_anew_in_each_step_and_shard_and_left_out_of_evaluation() -> None:
    one = trainer(SequencePlan(batch=8, shards=2), keep=0.5)
    batch = one.batch()
    first = [found.total for found in one.differentiate(batch)]
    assert first == [found.total for found in one.differentiate(batch)]
    one.step += 1
    assert first != [found.total for found in one.differentiate(batch)]
    full = trainer(SequencePlan(batch=8, shards=2))
    assert full.evaluate(batch) == one.evaluate(batch)


def test_divergence_is_noticed_and_leaves_the_parameters() -> None:
    one = run(trainer(SequencePlan(batch=10), optimiser=Descent(1e30)), 1)
    before = one.weights.vector.copy()
    with pytest.raises(DivergenceError, match="the loss is not finite after 1 steps"):
        one.advance()
    np.testing.assert_array_equal(one.weights.vector, before)
    with pytest.raises(DivergenceError):
        one.evaluate(one.pairs)


def test_infinite_gradients_of_shards_are_added_without_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    one = trainer(SequencePlan(batch=10, shards=2))

    def shard(number: int, *batch: object) -> TokenLoss:
        one.gradients[number].vector[:] = np.inf * (1 - 2 * number)
        return TokenLoss(np.inf, 0, 1, np.zeros(1))

    monkeypatch.setattr(one, "_shard", shard)
    with pytest.raises(DivergenceError):
        one.advance()


def test_adam_by_hand() -> None:
    """The first step is the rate times the sign, whatever the gradient's size; decay comes on top; warmup counts."""
    shapes = {"a": (1, 1, 3)}
    for settings, expected in ((Adam(0.1, eps=1e-30), 0.1), (Adam(0.1, eps=1e-30, warmup=4), 0.025)):
        weights, gradients = Flat(shapes, np.float64), Flat(shapes, np.float64)
        weights.vector[:], gradients.vector[:] = 2, [3, -1e-9, 1e9]
        settings.update(weights, gradients, settings.velocity(weights), 0.0)
        np.testing.assert_allclose(weights.vector, 2 - expected * np.array([1, -1, 1]), rtol=1e-14)
    decayed = Adam(0.1, eps=1e-30, decay=0.5)
    weights.vector[:] = 2
    decayed.update(weights, gradients, decayed.velocity(weights), 0.0)
    np.testing.assert_allclose(weights.vector, 2 * 0.95 - 0.1 * np.array([1, -1, 1]), rtol=1e-14)


TWO: Any = np.array([[3, 4], [3, 0]])
THREE: Any = np.array([[1, 4, 2], [1, 2, 0]])


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Pairs(TWO, TWO), "every target must begin with the token 1"),
    (lambda: Pairs(TWO, THREE[:, :1]), "with at least one token behind it"),
    (lambda: Pairs(TWO, THREE[:1]), "expected as many targets as sources, got 1 and 2"),
    (lambda: Pairs(TWO * 0, THREE), "a source has no tokens"),
    (lambda: Pairs(TWO[:, ::-1], THREE), "a source has padding"),
    (lambda: Pairs(TWO * 1.0, THREE), r"source must be integers \(pairs, positions\), got float64 of \(2, 2\)"),
    (lambda: trainer(SequencePlan(batch=65)), "a batch of 65 is larger than the 64 pairs"),
    (lambda: SequencePlan(batch=0), "batch must be at least 1, got 0"),
    (lambda: SequencePlan(batch=2, shards=3), "a batch of 2 pairs can't be parted into 3 shards"),
    (lambda: SequencePlan(smoothing=1.0), "smoothing must be at least 0 and below 1, got 1.0"),
    (lambda: Adam(0.0), "the learning rate must be positive and finite, got 0.0"),
    (lambda: Adam(0.1, eps=0.0), "the eps must be positive"),
    (lambda: Adam(0.1, (0.9, 1.0)), r"betas must be at least 0 and below 1, got \(0.9, 1.0\)"),
    (lambda: Adam(0.1, decay=-1.0), "weight decay must be at least 0"),
    (lambda: Adam(0.1, warmup=-1), "warmup must be at least 0"),
    (lambda: Adam(0.1, schedule="none"), "unknown schedule 'none'; expected one of constant"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_batches_are_as_long_as_their_longest() -> None:
    some = reversals(64).some(np.flatnonzero((reversals(64).source != PAD).sum(axis=1) <= 3))
    assert some.source.shape[1] == 3
    assert some.target.shape[1] == 5
