"""Lesson 8: steps that are taken agree with the closed forms, which agree with arithmetic done by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lessons.experiments import fixup, fixup_training

ROUNDING = 1e-10
"""Relative. A step of 1000 branches rounds some 10^4 times at 1e-16, over a change of at least 1e-4."""


@pytest.mark.parametrize("percent", [0.01, 1, 5])
@pytest.mark.parametrize("branches", [1, 7, 1000])
def test_a_step_with_zeros_is_its_closed_form(branches: int, percent: float) -> None:
    table = fixup.zeros(branches, percent)
    assert table["branches"][-1] == branches
    np.testing.assert_allclose(table.numbers("measured"), table.numbers("expected"), rtol=ROUNDING)
    by_hand = math.expm1(branches * math.log1p(percent / 100))
    assert table["expected"][-1] == pytest.approx(by_hand, rel=1e-9)


@pytest.mark.parametrize("m", [1, 2, 3, 5])
@pytest.mark.parametrize("exponent", [-0.5, 0, 0.25, 1])
def test_a_step_at_any_exponent_is_its_closed_form(m: int, exponent: float) -> None:
    table = fixup.power(exponent, m)
    np.testing.assert_allclose(table.numbers("measured"), table.numbers("expected"), rtol=ROUNDING)
    by_hand = table.numbers("branches") ** (1 - 2 * (m - 1) * exponent)
    np.testing.assert_allclose(table.numbers("expected"), by_hand, rtol=1e-9)
    assert fixup.slope(exponent, m) == pytest.approx(1 - 2 * (m - 1) * exponent)


@pytest.mark.parametrize("m", [2, 3, 4, 5])
def test_fixup_s_exponent_makes_the_line_level(m: int) -> None:
    wanted = fixup.wanted(m)
    assert wanted is not None
    np.testing.assert_allclose(fixup.power(wanted, m).numbers("measured"), 1, rtol=ROUNDING)
    assert fixup.slope(wanted, m) == pytest.approx(0)


def test_one_layer_a_branch_is_refused_with_the_reason() -> None:
    assert fixup.wanted(1) is None
    assert "empty at 1" in fixup.refusal()


def test_fixup_starts_at_log_10_and_learns_while_zeros_alone_diverge() -> None:
    """Not random: one seed, one processor's rounding; zeros alone diverged at each of the seeds 0 to 4."""
    table, said = fixup_training.training("zero_last", layers=100, rate=0.3, seed=0)
    assert said["expected"] == pytest.approx(math.log(10))
    assert said["fixup_loss"] == pytest.approx(math.log(10), abs=1e-6)
    accuracies = table.where(start="fixup").numbers("accuracy")
    assert len(accuracies) == fixup_training.STEPS
    assert accuracies[-5:].mean() > 0.5
    assert ((accuracies >= 0) & (accuracies <= 1)).all()
    assert said["rival_test"] == fixup_training.NONE
    assert len(table.where(start="rival")) < fixup_training.STEPS


def test_an_epoch_tells_what_the_trainer_averages() -> None:
    run = fixup_training.trainer("fixup", 10, 0.1, fixup_training.SLOW, 0)
    batches, test = fixup_training.epoch(run)
    assert batches.mean(axis=0) == pytest.approx([run.epochs[0]["loss"], run.epochs[0]["accuracy"]])
    assert test == run.evaluate(run.data.test)[1]


def test_recorded_accuracies_are_those_of_the_gallery() -> None:
    table = fixup_training.recorded()
    assert set(table["start"]) == set(fixup_training.SHOWN)
    ends = fixup_training.ends(table)
    assert ends["he"] == "diverged"
    assert float(str(ends["slow"])) == pytest.approx(fixup_training.guessed_accuracy(), abs=5e-4)
