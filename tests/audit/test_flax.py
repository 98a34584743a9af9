"""Flax models: the same statements as of PyTorch's, from its own names, kernels and calls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("jax")
pytest.importorskip("flax")

import jax
import jax.numpy as jnp
from flax import linen as nn

from audit import AuditError, Report, audit
from simulations import stream


def inputs(*shape: int) -> Any:
    return stream(0, "flax").standard_normal(shape)


jax.config.update("jax_disable_most_optimizations", True)  # compiling takes most of the time here
HE_NORMAL = nn.initializers.variance_scaling(2.0, "fan_in", "normal")
LECUN_NORMAL = nn.initializers.variance_scaling(1.0, "fan_in", "normal")
EIGHT = inputs(8, 32)


class Chain(nn.Module):  # type: ignore[misc]
    draw: Any = HE_NORMAL
    layers: int = 5
    bias: float = 0.0

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        for _ in range(self.layers):
            x = nn.relu(nn.Dense(32, kernel_init=self.draw, bias_init=nn.initializers.constant(self.bias))(x))
        return nn.Dense(16, use_bias=False, kernel_init=LECUN_NORMAL, name="head")(x)


CLAIM = {"*": "he_fan_in", "head.*": "lecun"}


def against(report: Report) -> list[tuple[str, str]]:
    return [(one.where, one.kind) for one in report.statements if one.verdict == "against"]


def test_a_sound_chain_is_sound_and_its_rules_are_recognised() -> None:
    report = audit(Chain, EIGHT, claim=CLAIM)
    assert report.sound, report
    (said,) = report.about("Dense_0.kernel")
    assert (said.verdict, said.numbers["variance"]) == ("sound", 2 / 32)
    (exact,) = report.about("Dense_0", "exact, given the input")
    assert exact.verdict == "sound"
    assert exact.numbers["keeps"] == pytest.approx(2)
    assert [one.kind for one in report.measured.in_order()] == ["Dense"] * 6 + ["Chain"]
    assert report.measured.modules["Dense_0"].size == 32 * 33


def test_another_rule_than_the_claimed_one_is_found_with_its_cause() -> None:
    report = audit(lambda: Chain(LECUN_NORMAL), EIGHT, claim=CLAIM)
    assert {f"Dense_{number}.kernel" for number in range(5)} <= {where for where, _ in against(report)}
    assert "1 / fan_in (LeCun): 0.5" in report.about("Dense_3.kernel")[0].cause
    assert ("Dense_0 to head", "depth") in against(report)


@pytest.mark.parametrize("bias", [0.0, 0.5])
def test_what_is_noted_is_what_jax_says(bias: float) -> None:
    """Moments, gradients and expectations of one seed, by hand."""
    report = audit(lambda: Chain(bias=bias, layers=1), EIGHT, seeds=3)
    x, found = jnp.asarray(EIGHT, jnp.float32), report.measured
    own: Any = jax.tree.map(np.float64, Chain(bias=bias, layers=1).init(jax.random.key(1), x)["params"])
    x64: Any = np.asarray(x, np.float64)
    behind = x64 @ own["Dense_0"]["kernel"]
    output = np.maximum(behind + bias, 0) @ own["head"]["kernel"]
    first, head, whole = (found.modules[name] for name in ("Dense_0", "head", ""))
    assert first.squares is not None
    assert first.expected is not None
    np.testing.assert_allclose(found.entries["Dense_0.kernel"][1], own["Dense_0"]["kernel"].T, rtol=1e-6)
    assert first.squares[1] == pytest.approx((behind**2).mean(), rel=1e-5)
    assert first.expected[1] == pytest.approx((x64**2).sum(axis=1).mean(), rel=1e-5)
    assert first.moments["output mean square"][1] == pytest.approx(((behind + bias) ** 2).mean(), rel=1e-5)
    assert first.moments["output mean"][1] == pytest.approx((behind + bias).mean(), rel=1e-4)
    assert whole.moments["output mean square"][1] == pytest.approx((output**2).mean(), rel=1e-5)
    assert head.moments["input zeros"][1] == pytest.approx((behind + bias <= 0).mean(), abs=1e-6)
    assert head.moments["gradient mean square"][1] == pytest.approx(1)  # random signs
    gram = x64 @ x64.T
    bound = 2 / 32 * (gram**2).sum() / np.trace(gram) ** 2
    assert first.spread is not None
    assert first.spread[1] == pytest.approx(bound, rel=1e-4)
    # gradients: the head's is linear in the signs, whose squares are 1
    hidden = np.maximum(behind + bias, 0)
    mean = np.mean(report.measured.gradients["head.kernel"])
    assert mean == pytest.approx((hidden**2).sum(axis=0).mean(), rel=0.5)


class Several(nn.Module):  # type: ignore[misc]
    """Tokens and a scale in, a mapping out, with attention, a convolution and a module that is called twice."""

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, ids: Any, scale: Any, deterministic: bool) -> Any:
        x = nn.Embed(50, 32)(ids)
        x = nn.MultiHeadDotProductAttention(4)(x)
        x = nn.Dropout(0.5, deterministic=deterministic)(x)
        x = nn.Conv(32, (3,), feature_group_count=4)(x)
        again = nn.Dense(32, name="again")
        return {"ids": ids, "logits": [again(again(x)) * scale]}


def test_whole_numbers_are_taken_where_the_model_takes_them() -> None:
    report = audit(lambda: nn.Dense(8), np.arange(64).reshape(2, 32), seeds=3)
    assert report.sound, report
    assert "exact, given the input" not in {one.kind for one in report.statements}


def several(train: bool = False) -> Report:
    ids = np.arange(24).reshape(4, 6)
    return audit(Several, {"ids": ids, "scale": np.ones((4, 6, 1))}, seeds=12, train=train, claim={"*": "lecun"})


@pytest.mark.slow
def test_tokens_attention_convolutions_dictionaries_and_modes() -> None:
    report = several()
    assert {kind for _, kind in against(report)} <= {"depth"}, report  # four projections side by side are no depth
    assert "1 / width" in report.about("Embed_0.embedding")[0].words
    kept = {one.where: one.numbers["keeps"] for one in report.statements if one.kind == "exact, given the input"}
    names = [f"MultiHeadDotProductAttention_0.{name}" for name in ("query", "key", "value", "out")]
    assert kept.keys() == {*names, "Conv_0", "again"}
    assert [kept[name] for name in names] == pytest.approx([1, 1, 1, 1])
    assert kept["Conv_0"] < 1  # the zeros beyond the edges
    zeros = several(train=True).measured.modules["Dropout_0"].mean("output zeros")
    assert zeros == pytest.approx(0.5, abs=0.05)
    assert report.measured.modules["Dropout_0"].mean("output zeros") == 0


class Unused(nn.Module):  # type: ignore[misc]
    floats: bool = True

    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, x: Any) -> Any:
        return jnp.ones(3, None if self.floats else int) + 0 * nn.Dense(3)(x).astype(int).sum()


def test_parameters_without_a_gradient_are_named() -> None:
    (said,) = audit(Unused, EIGHT, seeds=3).about("Dense_0.bias", "gradient")
    assert (said.verdict, said.words) == (
        "against",
        "no gradient at the first step, as 2 of 2 parameters; 0 have one, and none reaches the input",
    )


class Normed(nn.Module):  # type: ignore[misc]
    @nn.compact  # type: ignore[untyped-decorator]
    def __call__(self, x: Any, train: bool = False) -> Any:
        return nn.Dense(8)(nn.BatchNorm(use_running_average=not train)(x))


def test_batch_norm_works_in_train_mode() -> None:
    modes = [audit(Normed, 3 * EIGHT, seeds=3, train=train).measured.modules["BatchNorm_0"] for train in (False, True)]
    squares = [one.mean("output mean square") for one in modes]
    assert squares[0] > 8
    assert squares[1] == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize(
    ("factory", "given", "options", "message"),
    [
        (lambda: nn.relu, EIGHT, {}, "expected a model of PyTorch, Flax or Keras"),
        (Chain(), EIGHT, {}, "got a module; expected a function that builds one anew"),
        (lambda: nn.Sequential([nn.relu]), EIGHT, {}, "the model has no parameters"),
        (Normed, inputs(), {}, "the model does not take this input"),
        (Chain, {"y": EIGHT}, {}, "the model does not take this input: TypeError"),
        (lambda: Chain(bias=np.nan), EIGHT, {}, "module 'Dense_0' (Dense) put out values that are NaN or infinite"),
        (lambda: Unused(floats=False), EIGHT, {}, "the model puts out no floating numbers"),
        (Chain, EIGHT, {"train": True}, "the model has no train mode"),
        (lambda: nn.Dense(10**12), EIGHT, {}, "need more memory than there is"),
    ],
)
def test_what_cannot_be_audited_is_refused(factory: Any, given: Any, options: Any, message: str) -> None:
    with pytest.raises(AuditError) as stop:
        audit(factory, given, seeds=3, **options)
    assert message in str(stop.value)
    assert "\n" not in str(stop.value)
