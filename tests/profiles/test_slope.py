"""Slopes of logarithms: what theory says of them, and how often their intervals contain the truth."""

import math

import numpy as np
import pytest

from profiles.profiling import profile
from profiles.slope import CONFIDENCE, slope
from profiles.step import IDENTITY
from simulations import lecun, mlp, radial, residual_mlp, stream
from simulations.weights.initialisers import gaussian
from theory.fluctuations.norms import relu_lyapunov
from theory.residual.logs import block_log_ratio


def test_a_line_has_its_slope() -> None:
    logs = np.array([[0.0, 1, 2, 3]] * 4) + np.array([[0.0], [1], [-1], [5]])
    found = slope(logs, 1, 3, twins=False)
    assert found is not None
    assert found.measured == pytest.approx(1)
    assert found.half_width < 1e-9
    assert found.expected is None
    assert found.agrees is None


def test_dead_draws_and_single_positions_have_none() -> None:
    logs = np.array([[0.0, -np.inf]] * 4)
    assert slope(logs, 0, 1, twins=False) is None
    assert slope(np.zeros((4, 3)), 1, 1, twins=False) is None


def test_twins_count_once() -> None:
    """Twins that are alike tell as much as one of them."""
    logs = np.repeat(np.random.default_rng(0).standard_normal((50, 2)), 2, axis=0)
    both, alone = slope(logs, 0, 1, twins=True), slope(logs[::2], 0, 1, twins=False)
    assert both == alone


@pytest.mark.slow
def test_intervals_cover_although_norms_have_heavy_tails() -> None:
    """400 intervals from 100 draws of width 8 and depth 40: nominal 0.99; fewer than 382 have probability 1e-7.

    An interval for the mean square itself would hardly ever cover: its relative variance is 1.6^40.
    """
    truth, network, covered = float(relu_lyapunov(8)) / math.log(2), mlp([8] * 41), 0
    for number in range(400):
        rng = stream(0, "coverage", number)
        logs = radial(network, np.ones(100), rng=rng, cotangent=gaussian, log2=True).square_norms
        found = slope(logs, 0, 40, twins=False)
        assert found is not None
        covered += abs(found.measured - truth) <= found.half_width
    assert covered >= 382
    assert CONFIDENCE == 0.99


def _lyapunov(*widths: int) -> float:
    return sum(float(relu_lyapunov(width)) for width in widths) / len(widths) / math.log(2)


LOGS = {
    "relu": (mlp([16] * 4), 16, float(relu_lyapunov(16)) / math.log(2)),
    "residual": (residual_mlp(8, 3), 8, block_log_ratio(8, 8)),
    "linear": (mlp([8] * 4, activation=None, init=lecun), 8, (1.256117668 - math.log(4)) / math.log(2)),
    "wide relu": (mlp([100] * 4), 100, -5 / 200 / math.log(2)),
    "taper": (mlp([8, 16, 4]), 8, (math.log2(2 / 8 * 16 / 2) + math.log2(2 / 16 * 4 / 2)) / 2 + _lyapunov(16, 4)),
}
"""E log2 of chi^2_8 / 8 is (psi(4) + log(2/8)) / log 2."""


@pytest.mark.parametrize("name", LOGS)
def test_theory_has_mean_logarithms(name: str) -> None:
    network, width, per_block = LOGS[name]
    found = profile(network, np.ones((1, width)), rng=stream(0, "logs", width), draws=4_000, backward=True)
    there, back = found.forward_slope, found.gradient_slope
    assert there is not None
    assert back is not None
    assert there.expected == pytest.approx(per_block, abs=1e-8)
    assert there.agrees
    assert back.agrees
    if name != "taper":  # at equal widths a cotangent has the slope of a state
        assert back.expected == pytest.approx(-per_block, abs=1e-8)


def test_a_wrong_expectation_is_outside() -> None:
    logs = np.array([1.0, 1.5]) + np.random.default_rng(0).standard_normal((1000, 2)) * [0, 0.1]
    found = slope(logs, 0, 1, twins=False, steps=[IDENTITY])
    assert found is not None
    assert found.expected == 0
    assert found.agrees is False
