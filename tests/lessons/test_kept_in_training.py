"""Lesson 8: in a ReLU net without biases norms move as theory says, to rounding, and in others they do not."""

from __future__ import annotations

import numpy as np
import pytest

from lessons.experiments import kept_in_training as lesson

ROUNDING = 1e-10
"""Some 100 steps of sums of 10^3 products of order 1 round by 10^5 times 1e-16 at most."""


@pytest.mark.parametrize("rate", [0.1, 1])
@pytest.mark.parametrize("seed", [0, 3])
def test_norms_move_as_theory_says(rate: float, seed: int) -> None:
    table = lesson.trained("homogeneous", rate, seed)
    assert len(table) == round(lesson.TIME / rate) + 1
    for name in lesson.LAYERS:
        np.testing.assert_allclose(table.numbers(name), table.numbers(f"expected {name}"), rtol=0, atol=ROUNDING)
    assert table["time"][-1] == pytest.approx(lesson.TIME)


@pytest.mark.parametrize("kind", ["biases", "tanh"])
def test_other_nets_break_it(kind: str) -> None:
    table = lesson.trained(kind, 0.1, seed=0)
    off = {name: np.abs(table.numbers(name) - table.numbers(f"expected {name}")).max() for name in lesson.LAYERS}
    assert off["stem"] > 0.1
    assert off["last"] > 0.01


def test_smaller_steps_keep_a_branch_in_balance() -> None:
    """Both layers of a branch move by the same but for terms of the order of the rate."""
    gaps = []
    for rate in (1, 0.1):
        table = lesson.trained("homogeneous", rate, seed=0)
        gaps.append(abs(table["last"][-1] - table["first"][-1]))
        assert abs(table["first"][-1] - table["stem"][-1]) > 1
    assert 4 < gaps[0] / gaps[1] < 25


def test_the_last_layers_of_branches_start_at_zero() -> None:
    network = lesson.network("homogeneous")
    parameters = network.draw(np.random.default_rng(0), 1)
    zeros = [name for name, value in parameters.items() if not value.any()]
    assert zeros == [f"block{block}.layer1.weight" for block in range(lesson.BLOCKS)]
