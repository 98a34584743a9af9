"""Flax's nnx models: built with the rngs of every seed, watched by their calls, and the same statements."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("flax")

import jax
from flax import nnx

from audit import AuditError, Report, audit
from simulations import stream

jax.config.update("jax_disable_most_optimizations", True)  # compiling takes most of the time here
EIGHT = stream(0, "nnx").standard_normal((8, 32))
CLAIM = {"*": "he_fan_in", "head.*": "lecun"}


def drawn(scale: float) -> Any:
    return nnx.initializers.variance_scaling(scale, "fan_in", "normal")


class Chain(nnx.Module):  # type: ignore[misc]
    scale = 2.0
    bias = 0.0

    def __init__(self, *, rngs: Any) -> None:
        bias = nnx.initializers.constant(self.bias)
        self.layers = nnx.List(
            [nnx.Linear(32, 32, kernel_init=drawn(self.scale), bias_init=bias, rngs=rngs) for _ in range(3)]
        )
        self.head = nnx.Linear(32, 16, use_bias=False, kernel_init=drawn(1.0), rngs=rngs)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = nnx.relu(layer(x))
        return self.head(x)


class Halved(Chain):
    scale = 1.0


class Broken(Chain):
    bias = np.nan


def against(report: Report) -> set[tuple[str, str]]:
    return {(one.where, one.kind) for one in report.statements if one.verdict == "against"}


def test_a_sound_chain_is_sound() -> None:
    report = audit(Chain, EIGHT, seeds=30, claim=CLAIM)
    assert report.sound, report
    assert report.about("layers.0.kernel")[0].numbers["variance"] == 2 / 32
    assert report.about("layers.0", "exact, given the input")[0].numbers["keeps"] == pytest.approx(2)
    assert [one.name for one in report.measured.in_order()] == ["layers.0", "layers.1", "layers.2", "head", ""]


def test_another_rule_than_the_claimed_one_is_found_with_its_cause() -> None:
    report = audit(Halved, EIGHT, seeds=30, claim=CLAIM)
    assert {(f"layers.{number}.kernel", "initialiser") for number in range(3)} <= against(report)
    assert "1 / fan_in (LeCun): 0.5" in report.about("layers.1.kernel")[0].cause


def test_what_is_noted_is_what_jax_says() -> None:
    own, found = Chain(rngs=nnx.Rngs(1)), audit(Chain, EIGHT, seeds=30).measured
    x = EIGHT.astype(np.float32)
    first = own.layers[0](x)
    seen = found.modules["layers.0"]
    assert seen.moments["output mean square"][1] == pytest.approx(float((first**2).mean()), rel=1e-5)
    assert found.modules[""].moments["output mean square"][1] == pytest.approx(float((own(x) ** 2).mean()), rel=1e-5)
    np.testing.assert_array_equal(found.entries["head.kernel"][1], np.asarray(own.head.kernel[...]).T)
    hidden = found.modules["head"].moments["input mean square"]
    assert np.mean(found.gradients["head.kernel"]) == pytest.approx(8 * hidden.mean(), rel=0.3)


class Several(nnx.Module):  # type: ignore[misc]
    """Tokens and a scale in, a mapping out, with attention, dropout, a norm and a grouped convolution."""

    def __init__(self, *, rngs: Any) -> None:
        self.look, self.drop = nnx.Embed(50, 32, rngs=rngs), nnx.Dropout(0.5, rngs=rngs)
        self.attention = nnx.MultiHeadAttention(4, 32, decode=False, rngs=rngs)
        self.conv = nnx.Conv(32, 32, (3,), feature_group_count=4, rngs=rngs)
        self.norm = nnx.BatchNorm(32, rngs=rngs)

    def __call__(self, ids: Any, scale: Any) -> Any:
        return {"ids": ids, "y": [self.norm(self.conv(self.drop(self.attention(self.look(ids))))) * scale]}


@pytest.mark.slow
@pytest.mark.parametrize("train", [False, True])
def test_tokens_attention_convolutions_dictionaries_and_modes(train: bool) -> None:
    given = {"ids": np.arange(24).reshape(4, 6), "scale": np.ones((4, 6, 1))}
    report = audit(Several, given, seeds=6, train=train, claim="lecun")
    assert "1 / width" in report.about("look.embedding")[0].words
    for name in ("query", "key", "value", "out"):
        assert report.about(f"attention.{name}.kernel")[0].numbers["variance"] == 1 / 32
        keeps = report.about(f"attention.{name}", "exact, given the input")[0].numbers["keeps"]
        assert keeps == pytest.approx(1)
    assert report.about("conv.kernel")[0].numbers["variance"] == 1 / 24
    zeros = report.measured.modules["drop"].mean("output zeros")
    assert zeros == pytest.approx(0.5 * train, abs=0.05)
    assert (report.measured.modules["norm"].mean("output mean square") > 0.9) is train


def test_classes_are_as_they_were() -> None:
    before = nnx.Linear.__call__
    audit(Chain, EIGHT, seeds=3)
    assert nnx.Linear.__call__ is before
    assert "__call__" not in vars(Halved)


@pytest.mark.parametrize(
    ("factory", "given", "message"),
    [
        (lambda: Chain(rngs=nnx.Rngs(0)), EIGHT, "the factory returned the same weights under different seeds"),
        (lambda rngs: 3, EIGHT, "the factory takes rngs and returned int; expected a flax.nnx.Module"),
        (lambda rngs, width: 3, EIGHT, "the factory needs arguments"),
        (Chain(rngs=nnx.Rngs(0)), EIGHT, "got a module; expected a function that builds one anew"),
        (lambda rngs: nnx.Sequential(nnx.relu), EIGHT, "the model has no parameters"),
        (Chain, EIGHT[:, :5], "the model does not take this input: TypeError"),
        (Broken, EIGHT, "module 'layers.0' (Linear) put out values that are NaN or infinite"),
    ],
)
def test_what_cannot_be_audited_is_refused(factory: Any, given: Any, message: str) -> None:
    with pytest.raises(AuditError) as stop:
        audit(factory, given, seeds=3)
    assert message in str(stop.value)
    assert "\n" not in str(stop.value)
