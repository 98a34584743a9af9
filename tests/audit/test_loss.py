"""The loss at the start: what it should be, its causes, and that its gradient is what runs backwards."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import AuditError, Statement, audit
from audit.__main__ import main
from tests.audit.nets import inputs, one
from theory.homogeneity.gaussian_logits import expected_loss

CLASSES = 64


def head(deviation: float, width: int = 48) -> Any:
    return lambda: one(nn.Linear(width, CLASSES, bias=False), lambda w: nn.init.normal_(w, 0, deviation))


def at_start(factory: Any, x: Any, loss: str = "cross_entropy", **options: Any) -> Statement:
    (said,) = audit(factory, x, loss=loss, **{"seeds": 10, **options}).about("output", "loss")
    return said


class Tied(nn.Module):  # type: ignore[misc]
    """A table of tokens that is the head, too, without or with a branch between."""

    def __init__(self, width: int = 48) -> None:
        super().__init__()
        self.look, self.scale = nn.Embedding(CLASSES, width), width**-0.5

    def forward(self, ids: Any) -> Any:
        x = self.look(ids)
        return nn.functional.rms_norm(x, x.shape[-1:]) @ self.look.weight.T * self.scale


def test_large_logits_are_against_the_model_with_the_loss_that_they_make() -> None:
    x = np.sign(inputs(256, 48))
    said = at_start(head(1.0), x)
    assert said.verdict == "against"
    assert said.numbers["guess"] == pytest.approx(math.log(CLASSES))
    assert said.numbers["gaussian"] == pytest.approx(expected_loss(CLASSES, 48**0.5), rel=0.05)
    assert said.numbers["low"] < expected_loss(CLASSES, 48**0.5) < said.numbers["high"]
    assert "logits have deviation 6." in said.cause


def test_a_scaled_head_starts_half_a_nat_above_a_guess() -> None:
    said = at_start(head(48**-0.5), np.sign(inputs(256, 48)))
    assert said.verdict == "sound"
    assert said.numbers["loss"] == pytest.approx(math.log(CLASSES) + (1 - 1 / CLASSES) / 2, abs=0.05)


def test_a_head_of_zeros_starts_at_a_guess() -> None:
    said = at_start(head(0.0), inputs(16, 48))
    assert said.verdict == "sound"
    assert said.numbers["loss"] == pytest.approx(math.log(CLASSES))
    assert said.numbers["gaussian"] == pytest.approx(math.log(CLASSES))


def test_a_tied_head_knows_its_own_token() -> None:
    """A normed row of deviation 1 has the own logit sqrt(width), times ||E|| / sqrt(width) of mean about 1."""
    width = 400
    said = at_start(lambda: Tied(width), np.arange(CLASSES)[None])
    assert said.verdict == "against"
    assert said.numbers["own logit"] == pytest.approx(math.sqrt(width), rel=0.02)
    assert said.numbers["without own"] == pytest.approx(math.log(CLASSES - 1) + 0.5, rel=0.1)
    assert "own token is" in said.cause
    untied = at_start(
        lambda: nn.Sequential(nn.Embedding(CLASSES, 48), nn.Linear(48, CLASSES)), np.arange(CLASSES)[None]
    )
    assert "own token" not in untied.cause


def test_squares_are_compared_with_those_of_the_targets() -> None:
    assert at_start(head(48**-0.5), inputs(32, 48), "mse").verdict == "sound"
    said = at_start(head(1.0), inputs(32, 48), "mse")
    assert said.verdict == "against"
    assert said.numbers["loss"] == pytest.approx(49, rel=0.2)


def test_the_gradient_is_that_of_the_loss() -> None:
    """At a head of zeros the gradient of log-softmax is (1/C - y) x, whose mean square is known by hand."""
    x, labels = inputs(8, 48), np.arange(8)
    seen = audit(head(0.0), x, seeds=3, loss="cross_entropy", targets=labels).measured.gradients["0.weight"]
    by_hand = (np.full((8, CLASSES), 1 / CLASSES) - np.eye(CLASSES)[labels]).T @ x / 8
    np.testing.assert_allclose(seen, np.square(by_hand).mean(), rtol=1e-5)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"loss": "hinge"}, "no loss is called 'hinge'; expected one of cross_entropy, mse"),
        ({"loss": None, "targets": [1]}, "targets go with a loss"),
        ({"loss": "cross_entropy", "targets": [0.5]}, "expected whole numbers, a class a row"),
        ({"loss": "cross_entropy", "targets": [64, 0]}, "targets run from 0 to 64; expected classes from 0 to 63"),
        ({"loss": "cross_entropy", "targets": [1]}, "targets (1,); expected a class for every row"),
        ({"loss": "mse", "targets": [[1.0]]}, "expected that of the output, (2, 64)"),
    ],
)
def test_losses_that_make_no_sense(options: Any, message: str) -> None:
    with pytest.raises(AuditError) as stop:
        audit(head(1.0), inputs(2, 48), seeds=3, **options)
    assert message in str(stop.value)


def images() -> Any:
    return one(nn.Conv2d(3, 5, 1), lambda w: nn.init.normal_(w))


def test_images_have_their_classes_second() -> None:
    said = at_start(images, inputs(2, 3, 4, 6), seeds=3)
    assert said.numbers["guess"] == pytest.approx(math.log(5))


def test_the_command_takes_a_loss_and_targets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "labels.npy"
    np.save(file, np.zeros(8, dtype=int))
    options = ("--shape", "8x32", "--seeds", "5", "--loss", "cross_entropy", "--targets", str(file))
    assert main(["tests.audit.nets:chain", *options]) == 0
    assert "log C, a guess: 2.773" in " ".join(capsys.readouterr().out.split())
    assert torch.is_grad_enabled()
