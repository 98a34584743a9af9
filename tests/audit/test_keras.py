"""Keras' models on JAX: the same statements, and what Keras' count makes of the kernels of its attention."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")
os.environ["KERAS_BACKEND"] = os.environ.get("KERAS_BACKEND", "jax")
pytest.importorskip("keras")

import jax
import keras

from audit import AuditError, Report, audit
from simulations import stream

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="Keras runs on another backend")
jax.config.update("jax_disable_most_optimizations", True)  # compiling takes most of the time here
layers = keras.layers
EIGHT = stream(0, "keras").standard_normal((8, 32))
CLAIM = {"*": "he_fan_in", "head.*": "lecun"}


def drawn(scale: float) -> Any:
    return keras.initializers.VarianceScaling(scale, "fan_in", "untruncated_normal")


def chain(scale: float = 2.0, bias: float = 0.0) -> Any:
    constant = keras.initializers.Constant(bias)
    hidden = [
        layers.Dense(32, activation="relu", kernel_initializer=drawn(scale), bias_initializer=constant)
        for _ in range(3)
    ]
    head = layers.Dense(16, use_bias=False, kernel_initializer=drawn(1.0), name="head")
    return keras.Sequential([*hidden, head])


def against(report: Report) -> set[tuple[str, str]]:
    return {(one.where, one.kind) for one in report.statements if one.verdict == "against"}


def test_a_sound_chain_is_sound() -> None:
    report = audit(chain, EIGHT, seeds=30, claim=CLAIM)
    assert report.sound, report
    assert report.about("dense.kernel")[0].numbers["variance"] == 2 / 32
    assert report.about("dense_1", "exact, given the input")[0].numbers["keeps"] == pytest.approx(2)
    assert [one.name for one in report.measured.in_order()] == ["dense", "dense_1", "dense_2", "head", ""]


def test_another_rule_than_the_claimed_one_is_found_with_its_cause() -> None:
    report = audit(lambda: chain(1.0), EIGHT, seeds=30, claim=CLAIM)
    assert {(f"{name}.kernel", "initialiser") for name in ("dense", "dense_1", "dense_2")} <= against(report)
    assert "1 / fan_in (LeCun): 0.5" in report.about("dense_1.kernel")[0].cause


def test_what_is_noted_is_what_the_layers_say() -> None:
    """The first layer of one seed by hand: behind its kernel, its bias and its rectifier."""
    found = audit(lambda: chain(bias=0.5), EIGHT, seeds=30).measured
    kernel, x = found.entries["dense.kernel"][1].T, EIGHT.astype(np.float32)
    seen = found.modules["dense"]
    assert seen.squares is not None
    assert seen.expected is not None
    assert seen.squares[1] == pytest.approx(((x @ kernel) ** 2).mean(), rel=1e-4)
    assert seen.expected[1] == pytest.approx((x**2).sum(axis=1).mean(), rel=1e-5)
    output = np.maximum(x @ kernel + 0.5, 0)
    assert seen.moments["output mean square"][1] == pytest.approx((output**2).mean(), rel=1e-4)
    assert found.modules["head"].moments["gradient mean square"][1] == pytest.approx(1)  # random signs
    hidden = found.modules["head"].moments["input mean square"]
    assert np.mean(found.gradients["head.kernel"]) == pytest.approx(8 * hidden.mean(), rel=0.3)


class Several(keras.Model):  # type: ignore[misc]
    """Tokens and a scale in, a mapping out, through layers of most kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.look, self.drop, self.norm = layers.Embedding(50, 32), layers.Dropout(0.5), layers.BatchNormalization()
        self.attention, self.cell = layers.MultiHeadAttention(4, 16), layers.LSTM(8, return_sequences=True)
        self.conv, self.deep = layers.Conv1D(32, 3, groups=4, padding="same"), layers.DepthwiseConv1D(3, padding="same")

    def call(self, ids: Any, scale: Any) -> Any:
        x = self.look(ids)
        x = self.drop(self.attention(x, x))
        return {"ids": ids, "y": [self.cell(self.norm(self.deep(self.conv(x)))) * scale]}


@pytest.mark.slow
@pytest.mark.parametrize("train", [False, True])
def test_layers_of_most_kinds_and_modes(train: bool) -> None:
    given = {"ids": np.arange(24).reshape(4, 6), "scale": np.ones((4, 6, 1))}
    report = audit(Several, given, seeds=6, train=train)
    for name in ("query", "key", "value", "attention_output"):
        assert "Glorot" in report.about(f"multi_head_attention.{name}.kernel")[0].words
    exact = report.about("multi_head_attention.query", "exact, given the input")[0]
    assert exact.numbers["keeps"] == pytest.approx(32 * 2 / (32 + 64), rel=1e-5)  # single precision
    assert "fan_out counted over all 4 groups" in report.about("conv1d.kernel")[0].cause
    zeros = report.measured.modules["dropout"].mean("output zeros")
    assert zeros == pytest.approx(0.5 * train, abs=0.05)
    norm = report.measured.modules["batch_normalization"]
    grows = norm.mean("output mean square") / norm.mean("input mean square")
    assert (100 < grows < 1000) if train else grows == pytest.approx(1 / 1.001)  # by 1 / (variance + 0.001): tiny, or 1
    assert report.about("lstm.lstm_cell.recurrent_kernel")[0].verdict == "note"  # its fans are not known here


def by_shape() -> Any:
    """Return heads' projections drawn by Glorot's rule as Keras counted fans before 3.15, 32 (4 + 16) for 32 + 64."""
    draw = keras.initializers.RandomNormal(stddev=(2 / (32 * (4 + 16))) ** 0.5)
    return layers.EinsumDense("ab,bcd->acd", (4, 16), kernel_initializer=draw)


@pytest.mark.parametrize(
    ("make", "shape", "variance", "cause"),
    [
        (by_shape, (8, 32), 1 / 320, "fans as Keras counts them in (32, 4, 16)"),
        (
            lambda: layers.DepthwiseConv1D(3, padding="same"),
            (2, 6, 32),
            2 / (3 * 32 + 3),
            "fan_in counted over all 32 groups (the channels of a depthwise convolution)",
        ),
    ],
)
def test_fans_that_are_counted_wrong(make: Any, shape: tuple[int, ...], variance: float, cause: str) -> None:
    said = audit(make, stream(1, "keras").standard_normal(shape), seeds=30).about("kernel")[0]
    assert (said.verdict, said.cause) == ("against", cause)
    assert said.numbers["variance"] == pytest.approx(variance, rel=0.05)  # He's 2 / 96 is like Glorot's 2 / 99


def test_a_functional_model_takes_a_mapping_whole() -> None:
    def model() -> Any:
        given = {name: keras.Input((32,), name=name) for name in ("one", "other")}
        return keras.Model(given, layers.Dense(8)(given["one"] + given["other"]))

    report = audit(model, {"one": EIGHT, "other": EIGHT}, seeds=3)
    assert report.measured.modules["dense"].mean("input mean square") == pytest.approx(4 * (EIGHT**2).mean())


def test_classes_are_as_they_were() -> None:
    audit(chain, EIGHT, seeds=3)
    assert "__call__" not in vars(layers.Dense)


def empty() -> Any:
    return keras.Sequential([layers.ReLU()])


@pytest.mark.parametrize(
    ("factory", "given", "message"),
    [
        (empty, EIGHT, "the model has no parameters"),
        (lambda: layers.Dense(3), EIGHT[0], "the model does not take this input: ValueError"),
        (lambda: chain(bias=np.nan), EIGHT, "module 'dense' (Dense) put out values that are NaN or infinite"),
    ],
)
def test_what_cannot_be_audited_is_refused(factory: Any, given: Any, message: str) -> None:
    with pytest.raises(AuditError) as stop:
        audit(factory, given, seeds=3)
    assert message in str(stop.value)
    assert "\n" not in str(stop.value)


def test_another_backend_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keras.backend, "backend", lambda: "torch")
    with pytest.raises(AuditError, match="Keras runs on torch here, and the audit needs it on JAX: set KERAS_BACKEND"):
        audit(chain, EIGHT, seeds=3)
