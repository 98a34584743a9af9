"""Tanh branches between their bounds, and their squares drawn unit by unit."""

import numpy as np
import pytest

from theory.residual import tanh_branches


def test_residual_tanh_lies_between_its_bounds() -> None:
    for variance in (0.5, 4, 16):
        added = tanh_branches.branch_increment(variance, 2)
        assert 2 - float(tanh_branches.largest_shortfall(variance, 2)) < added < 2


def test_square_of_a_tanh_branch() -> None:
    rng = np.random.default_rng(0)
    units = np.tanh(1.5 * rng.standard_normal((100_000, 8)))  # four standard errors: one false alarm in 16,000
    squares = (np.square(units).mean(axis=1) * rng.chisquare(6, len(units)) / 6) ** 2
    error = squares.std() / len(units) ** 0.5
    assert tanh_branches.branch_square(2.25, 6, 8) == pytest.approx(squares.mean(), abs=4 * error)
