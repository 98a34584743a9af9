"""What cannot be audited is refused in one line that says what to do; the command ends with 0, 1 or 2."""

from __future__ import annotations

import functools
import importlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import AuditError, assert_initialised, audit
from audit.__main__ import main
from tests.audit.nets import chain, inputs, lecun
from tests.refusals import refused

X = inputs(8, 32)
KEPT = chain(layers=1)


def fails() -> Any:
    raise KeyError("no such file")


def needs(width: int) -> Any:
    return chain(width=width)


def infinite() -> Any:
    model = chain(layers=1)
    nn.init.constant_(model[0].bias, float("nan"))
    return model


class Constant(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(3, 3)

    def forward(self, x: Any) -> Any:
        return torch.ones(2)


class Huge(nn.Module):  # type: ignore[misc]
    """Asks for four petabytes, once it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(32, 3)

    def forward(self, x: Any) -> Any:
        return self.layer(x).expand(10**12, 8, 3, 8, 3).contiguous()


class Quantised(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.layer, self.quantised = nn.Linear(32, 3), torch.ao.nn.quantized.ReLU6()


class NoGradient(nn.Module):  # type: ignore[misc]
    """The root at 0 of a layer without input."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 3, bias=False)

    def forward(self, x: Any) -> Any:
        return self.layer(x).square().sum().sqrt()


class Said(nn.Module):  # type: ignore[misc]
    """Puts out what it is told to."""

    def __init__(self, output: Any) -> None:
        super().__init__()
        self.layer, self.output = nn.Linear(32, 3), output

    def forward(self, x: Any) -> Any:
        self.layer(x)
        return self.output


def tokens() -> Any:
    return nn.Sequential(nn.Embedding(50, 16), nn.Linear(16, 4))


def rearranged() -> Any:
    torch.manual_seed(3)
    return chain(layers=1)


REFUSED: list[tuple[Any, Any, str]] = [
    (fails, X, "the factory failed: KeyError: 'no such file'"),
    (needs, X, "the factory needs arguments (missing a required argument: 'width')"),
    (lambda: 3, X, "the factory returned int; expected a model of PyTorch, Flax or Keras"),
    (7, X, "got int; expected a function that builds"),
    (KEPT, X, "got a module; expected a function that builds one anew"),
    (lambda: KEPT, X, "the factory returned the same module twice"),
    (rearranged, X, "the same weights under different seeds"),
    (nn.ReLU, X, "the model has no parameters"),
    (lambda: nn.Sequential(nn.Linear(32, 3), nn.LazyLinear(3)), X, "lazy modules"),
    (lambda: nn.Linear(10**9, 10**6), X, "need more memory than there is; give a smaller batch"),
    (Huge, X, "need more memory than there is; give a smaller batch"),
    (Quantised, X, "quantised modules"),
    (lambda: nn.Linear(32, 3, dtype=torch.complex64), X, "no real numbers (quantised, or complex)"),
    (lambda: Said(None), X, "no output of the model depends on its parameters"),
    (chain, [X, X[:2]], "several inputs go by keyword: a mapping of names to arrays"),
    (chain, {}, "there is no input"),
    (chain, {"x": X}, "the model does not take this input: TypeError"),
    (lambda: nn.Linear(32, 3, device="meta"), X, "meta device"),
    (infinite, X, "module '0' (Linear) put out values that are NaN or infinite at seed 0"),
    (Constant, X, "no output of the model depends on its parameters"),
    (tokens, X, "its Embedding takes tokens: give whole numbers"),
    (chain, inputs(8, 31), "the model does not take this input: RuntimeError: mat1 and mat2"),
    (chain, np.full((2, 32), np.nan), "NaN or infinite; expected finite numbers"),
    (chain, np.array(["a"]), "expected some real numbers"),
    (chain, np.empty((0, 32)), "expected some real numbers"),
]


@pytest.mark.parametrize(("factory", "given", "message"), REFUSED)
def test_it_is_refused_in_one_line(factory: Any, given: Any, message: str) -> None:
    with pytest.raises(AuditError) as stop:
        audit(factory, given, seeds=3)
    assert message in str(stop.value)
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": 2}, "at least 3 seeds"),
        ({"alpha": 0.0}, "alpha between 0 and 1"),
        ({"claim": "kaiming"}, "no rule is called 'kaiming'; expected one of he_fan_in"),
        ({"claim": {"body.*": "lecun"}}, "no weight of a linear layer matches 'body.*'; there are 0.weight"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AuditError, match=message.replace("*", r"\*")):
        audit(chain, X, **options)


def test_tokens_dictionaries_and_keywords_are_taken() -> None:
    class Model(nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.look, self.out = nn.Embedding(50, 16), nn.Linear(16, 4)

        def forward(self, ids: Any, scale: Any) -> Any:
            return {"logits": [self.out(self.look(ids)) * scale], "ids": ids}

    report = audit(Model, {"ids": np.arange(12).reshape(3, 4), "scale": np.ones((3, 4, 1))}, seeds=5)
    assert report.sound, report
    assert report.about("look.weight")[0].words.endswith("deviation 1")


def test_a_gradient_that_is_not_finite_is_said_to_be() -> None:
    (said,) = audit(NoGradient, np.zeros((4, 3)), seeds=3).about("layer.weight", "gradient")
    assert (said.verdict, said.words) == ("against", "NaN or infinite under 3 of 3 seeds")


def test_modules_that_work_in_place_are_seen_before_they_do() -> None:
    def place() -> Any:
        return nn.Sequential(nn.ReLU(inplace=True), nn.Linear(32, 32), nn.ReLU(inplace=True), nn.Linear(32, 8))

    ours, theirs = (audit(make, X, seeds=4).measured for make in (place, lambda: apart(place())))
    for name in ("1", "2", "3"):
        for what, row in theirs.modules[name].moments.items():
            np.testing.assert_allclose(ours.modules[name].moments[what], row, rtol=1e-12, err_msg=f"{name} {what}")


def test_a_module_that_is_called_twice_is_seen_at_its_first_call() -> None:
    def twice() -> Any:
        layer = nn.Linear(32, 32)
        return nn.Sequential(layer, nn.ReLU(), layer)

    seen = audit(twice, X, seeds=4).measured.modules["0"]
    np.testing.assert_allclose(seen.moments["input mean square"], (X.astype(np.float32) ** 2).mean(), rtol=1e-6)


def apart(model: Any) -> Any:
    for one in model.modules():
        if isinstance(one, nn.ReLU):
            one.inplace = False
    return model


def test_random_numbers_of_the_caller_are_left_alone() -> None:
    torch.manual_seed(5)
    np.random.seed(5)
    expected = torch.rand(3), np.random.rand(3)
    torch.manual_seed(5)
    np.random.seed(5)
    audit(chain, X, seeds=3)
    assert torch.equal(torch.rand(3), expected[0])
    assert (np.random.rand(3) == expected[1]).all()


def test_assert_initialised_shows_the_table() -> None:
    assert_initialised(chain, X)
    with pytest.raises(AssertionError, match=r"(?s)does not start as it should.*cause:.*LeCun"):
        assert_initialised(functools.partial(chain, lecun), X, claim={"0.*": "he_fan_in"})


COMMAND = "tests.audit.nets:chain"


def test_the_command_says_sound_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "audit.json"
    assert main([COMMAND, "--shape", "8x32", "--json", str(file), "--all"]) == 0
    assert "sound: nothing is said against it" in capsys.readouterr().out
    told = json.loads(file.read_text())
    assert (told["schema"], told["sound"], told["seeds"], told["mode"]) == ("fathom-audit/2", True, 50, "eval")
    assert {one["verdict"] for one in told["statements"]} <= {"sound", "unsure"}


def test_the_command_says_against_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "batch.npy", X)
    assert main([COMMAND, "--input", str(tmp_path / "batch.npy"), "--claim", "0.*=lecun", "--seeds", "20"]) == 1
    assert "2 / fan_in (He): 2" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nets", "--shape", "8x32"], "expected MODULE:FACTORY"),
        (["tests.no_such:chain", "--shape", "8x32"], "cannot import tests.no_such: ModuleNotFoundError"),
        (["tests.audit.nets:china", "--shape", "8x32"], "module tests.audit.nets has no 'china'"),
        ([COMMAND, "--shape", "8,32"], "expected positive whole numbers with x between them"),
        ([COMMAND], "one of the arguments --input --shape is required"),
        ([COMMAND, "--input", "no_such.npy"], "cannot read no_such.npy"),
        ([COMMAND, "--shape", "8x31"], "the model does not take this input"),
        ([COMMAND, "--shape", "8x32", "--claim", "kaiming"], "no rule is called 'kaiming'"),
        (["tests.audit.test_refusals:fails", "--shape", "8x32"], "the factory failed: KeyError"),
    ],
)
def test_the_command_refuses_with_2(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert message in refused(main, capsys, *arguments)


def test_no_pickle_is_loaded(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "batch.npy"
    np.save(file, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    assert "expected a .npy or .npz file of numbers" in refused(main, capsys, COMMAND, "--input", file)


@pytest.mark.parametrize(
    ("name", "extra"), [("torch", "torch"), ("jax.numpy", "flax"), ("flax", "flax"), ("keras", "keras")]
)
def test_without_its_framework_it_says_what_to_install(
    name: str, extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, name.partition(".")[0], None)
    with pytest.raises(AuditError, match=rf"the factory failed: ModuleNotFoundError.*\[{extra}\]'$"):
        audit(lambda: importlib.import_module(name), X)
    (tmp_path / "needs_it.py").write_text(f"import {name}\n")
    monkeypatch.syspath_prepend(tmp_path)
    sys.modules.pop("needs_it", None)
    message = refused(main, capsys, "needs_it:model", "--shape", "2x2")
    assert message.startswith("error: cannot import needs_it: ModuleNotFoundError")
    assert message.rstrip().endswith(f"try: pip install 'fathom-init[{extra}]'")
