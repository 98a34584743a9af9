"""Lesson 12: nets of NumPy are audited as those of PyTorch are, faults are found where they are, and sound nets pass.

What the audit says of a sound net is wrong with probability 1e-4 at most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pytest

from audit import AuditError, audit
from audit.report import Report
from audit.run import ALPHA, judged
from lessons.experiments import audit_along, audit_power, numpy_audit
from lessons.experiments import own_network as lesson
from lessons.tools.prose import Prose
from simulations import stream
from simulations.numbers.arrays import Array

ERRORS = 6
"""Standard errors; normal means are that far off with probability 2e-9."""


def _report(fault: str, function: str = "ReLU", seed: int = 3) -> Report:
    return lesson.audited(lesson.DEPTH, lesson.WIDTH, lesson.SEEDS, fault, lesson.middle(lesson.DEPTH), function, seed)


@pytest.mark.parametrize("function", ["ReLU", "tanh"])
def test_nothing_exact_is_said_against_a_sound_net(function: str) -> None:
    report = _report("sound", function)
    assert not any(lesson.spoken_against(report, kind) for kind in lesson.KINDS)


@pytest.mark.parametrize(
    ("fault", "weights", "outputs", "copies", "cause"),
    [
        ("lecun", [4], [4], [], "lecun"),
        ("default", [4], [4], [], "default"),
        ("swapped", [2, 3, 4, 5, 6], [2, 3, 4, 5, 6], [], "swapped"),
        ("slight", [4], [], [], "unknown"),
        ("copied", [], [], [4], "copied"),
    ],
)
def test_a_fault_is_found_where_it_is(
    fault: str, weights: list[int], outputs: list[int], copies: list[int], cause: str
) -> None:
    report = _report(fault)
    said = [lesson.spoken_against(report, kind) for kind in ("initialiser", "exact, given the input", "draws")]
    assert said == [weights, outputs, copies]
    assert cause in lesson.causes(report)


@pytest.mark.slow
def test_patients_are_ill_as_the_prose_says() -> None:
    """Two look healthy on the right: nothing is said against a layer given its input."""
    reports = {
        name: lesson.audited(lesson.PATIENTS_DEPTH, lesson.WIDTH, lesson.SEEDS, *one)
        for name, one in lesson.PATIENTS.items()
    }
    healthy = [one for one, report in reports.items() if not lesson.spoken_against(report, "exact, given the input")]
    assert healthy == ["A", "C", "E"]
    assert [name for name, report in reports.items() if report.sound] == ["E"]
    assert lesson.spoken_against(reports["C"], "draws") == [6]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("fault", lesson.FAULTS)
def test_every_verdict_and_cause_has_words(fault: str, language: str) -> None:
    prose, report = Prose("own_network", language=language), _report(fault)
    words = (lesson.told(report, prose), lesson.why(report, prose))
    assert (prose.label("nothing") == words[0]) == (fault == "sound")
    assert all(words)


def test_what_is_measured_of_a_layer_is_what_its_matrix_makes() -> None:
    x = stream(0, "test").standard_normal((3, 8))
    weights = [numpy_audit.normal(stream(0, "test", number), 8, 8, 0.2) for number in range(2)]
    found = numpy_audit.measured(lambda rng: weights, x, "ReLU", seeds=3)
    between = np.maximum(x @ weights[0].T, 0)
    layer = found.modules["02"]
    assert layer.squares is not None
    assert layer.expected is not None
    np.testing.assert_allclose(layer.squares, np.mean((between @ weights[1].T) ** 2), rtol=1e-12)
    np.testing.assert_allclose(layer.expected, np.mean(np.sum(between**2, axis=1)), rtol=1e-12)
    with pytest.raises(AuditError, match="same weights under different seeds"):
        judged(found)


def test_gradients_are_those_of_differences() -> None:
    """With one output the random sign drops out of the mean square of a weight's gradient."""
    x = stream(0, "test").standard_normal((1, 4))
    first, second = (numpy_audit.normal(stream(1, "test", number), rows, 4, 0.5) for number, rows in ((0, 4), (1, 1)))
    found = numpy_audit.measured(lambda rng: [first, second], x, "tanh", seeds=3)
    eps, slopes = 1e-6, np.empty_like(first)
    for place in np.ndindex(first.shape):
        moved = first.copy()
        moved[place] += eps
        slopes[place] = ((np.tanh(x @ moved.T) - np.tanh(x @ first.T)) @ second.T)[0, 0] / eps
    np.testing.assert_allclose(found.gradients["01.weight"], np.mean(slopes**2), rtol=1e-4)


def test_the_test_of_a_layer_has_the_power_of_the_closed_form() -> None:
    """At factors where it decides, shares of 40 audits; the scatter's test adds what it may, its own error."""
    table = audit_power.power(16, 30, 1e-2, seed=3)
    expected = table.numbers("expected")
    errors = np.sqrt(np.maximum(expected * (1 - expected), 0.02) / audit_power.AUDITS)
    assert (np.abs(table.numbers("found") - expected) < ERRORS * errors + 1e-2).all()
    assert table.where(factor=1.0)["expected"][0] < 1e-2
    assert 0.2 < audit_power.chance(64, 50, 1e-2, 0.9) < 0.9999


@pytest.mark.parametrize("alpha", audit_power.RATES.values())
def test_what_the_audit_sees_is_found_nearly_always(alpha: float) -> None:
    """And the level is kept at every error rate, whatever the units."""
    for units, seeds in ((64, 50), (256, 100)):
        size = audit_power.sees(units, seeds, alpha)
        assert audit_power.chance(units, seeds, alpha, 1 + size) > 0.999
        assert audit_power.chance(units, seeds, alpha, 1.0) < alpha


def test_numbers_of_questions_and_exercises() -> None:
    assert lesson.guessed_layers() == 1
    assert 5 < audit_power.guessed_power() < 7
    assert math.isclose(float(lesson.EXERCISES[1].truth(m=64, S=50)), 0.025)
    assert float(lesson.EXERCISES[2].truth()) == pytest.approx(1000 * ALPHA)


@pytest.mark.slow
def test_pytorch_says_the_same() -> None:
    pytest.importorskip("torch")
    report = audit_along.in_pytorch()
    assert [one.where for one in report.statements if one.verdict == "against" and one.kind == "initialiser"] == [
        "6.weight"
    ]
    said = audit_along.in_numbers(report)
    assert said["where"] == "6"
    assert 0.1 < float(str(said["ratio"])) < 0.25


@pytest.mark.slow
def test_numpy_s_net_and_pytorch_s_are_judged_alike() -> None:
    """The same weights under every seed, as arrays and as modules: ratios and bands to single precision."""
    torch = pytest.importorskip("torch")
    x = stream(0, "test").standard_normal((3, 16))
    draw = lesson.net(6, 16, "default", 4, "ReLU")
    made: list[Sequence[Array]] = []

    def make() -> object:
        weights = draw(stream(0, "test", len(made)))
        made.append(weights)
        layers = []
        for weight in weights:
            layers += [torch.nn.Linear(*weight.shape[::-1], bias=False), torch.nn.ReLU()]
            layers[-2].weight.data = torch.tensor(weight, dtype=torch.float32)
        return torch.nn.Sequential(*layers[:-1])

    theirs = audit(make, x.astype(np.float32), seeds=20, claim={"*": "he_fan_in", "0.weight": "lecun"})
    again = iter(made[-20:])
    ours = judged(numpy_audit.measured(lambda rng: next(again), x, "ReLU", 20), lesson.claim("ReLU"))
    others = sorted(lesson.given_input(theirs), key=lambda one: int(one.where))
    for one, other in zip(lesson.given_input(ours), others, strict=True):
        assert one.numbers["seen / expected"] == pytest.approx(other.numbers["seen / expected"], rel=1e-4)
        assert one.numbers["keeps"] == pytest.approx(other.numbers["keeps"], rel=1e-4)
    assert [place.ratio for place in ours.places] == pytest.approx([one.ratio for one in theirs.places], rel=1e-4)
    assert [place.state.second for place in ours.places] == pytest.approx(
        [one.state.second for one in theirs.places], rel=1e-4
    )
