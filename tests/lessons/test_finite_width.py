"""Lesson 5: measured columns agree with their closed forms, and these with sums over the number of active units.

Seeds are fixed. Bounds are 6 standard errors: nearly normal means would break one in 5e8, and about 120 are compared.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import chi2

from lessons.experiments import finite_width, norm_law
from simulations.numbers.arrays import Array
from theory.expectation import fourth_central_moment
from theory.fluctuations import norms as fluctuations

BOUND = 6.0


def _one_layer(width: int, at: Array) -> Array:
    """The density of log (2/n) T at `at`, T chi-square with Bin(n, 1/2) degrees of freedom, not 0."""
    t, masks = np.exp(at) * width / 2, 2.0**width - 1
    parts = [math.comb(width, k) / masks * chi2.pdf(t, k) * t for k in range(1, width + 1)]
    return np.asarray(np.sum(parts, axis=0))


@pytest.mark.parametrize("width", [2, 8, 40])
def test_logarithm_s_moments_are_theory_s(width: int) -> None:
    mean, variance = norm_law.log_moments_of(width)
    assert mean == pytest.approx(float(fluctuations.relu_lyapunov(width)), rel=1e-10)
    assert variance == pytest.approx(float(fluctuations.relu_log_variance(width)), rel=1e-9)


@pytest.mark.parametrize("width", [8, 32, 256])
def test_density_of_one_layer(width: int) -> None:
    spread = math.sqrt(norm_law.log_moments_of(width)[1])
    at = np.linspace(-6 * spread, 4 * spread, 50)
    exact = _one_layer(width, at)
    assert np.abs(norm_law.density(width, 1, at) - exact).max() <= 1e-4 * exact.max()


def test_density_of_two_layers_is_a_convolution() -> None:
    grid = np.linspace(-16, 6, 4401)
    one = _one_layer(8, grid)
    at = np.array([-3.0, -1.0, 0.0, 1.0])
    exact = [np.sum(one * _one_layer(8, value - grid)) * (grid[1] - grid[0]) for value in at]
    assert norm_law.density(8, 2, at) == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize(("width", "depth"), [(8, 1), (8, 64), (32, 32), (256, 64)])
def test_histogram_has_the_exact_law(width: int, depth: int) -> None:
    """Pearson's test refuses a true law once in a million; at width 8 it can tell a normal one of variance 5 L / n."""
    table, values = norm_law.law(width, depth, seed=3)
    step = table["at"][1] - table["at"][0]
    alive = norm_law.DRAWS * (1 - 2.0**-width) ** depth

    def doubt(column: str) -> float:
        wanted, seen = alive * step * table.numbers(column), alive * step * table.numbers("measured")
        enough = wanted >= 8
        return float(chi2.sf(np.sum((seen - wanted)[enough] ** 2 / wanted[enough]), enough.sum()))

    assert doubt("expected") > 1e-6
    assert width > 8 or doubt("normal") < 1e-6
    mean = depth * norm_law.log_moments_of(width)[0]
    assert values["typical"] == pytest.approx(math.exp(mean), rel=1e-8)
    assert values["beta"] == pytest.approx(5 * depth / width)
    assert abs(math.log(values["measured"]) - mean) <= BOUND * math.sqrt(values["spread"] / (0.9 * alive))


@pytest.mark.parametrize("width", [10, 100])
def test_relative_variance_of_one_layer(width: int) -> None:
    nets = 10_000
    table = finite_width.growth(width, 1, nets, seed=3)
    moments = [float(fluctuations.relu_ratio_moment(order, width)) for order in (2, 3, 4)]
    spread = float(fourth_central_moment(1, *moments)) - (moments[0] - 1) ** 2
    assert abs(table["measured"][0] - table["expected"][0]) <= BOUND * math.sqrt(spread / nets)


def test_relative_variance_by_summing_over_masks() -> None:
    second = sum(math.comb(10, k) / 2**10 * 0.2**2 * k * (k + 2) for k in range(11))
    table = finite_width.growth(10, 3, 100, seed=0)
    assert table.numbers("expected") == pytest.approx([second - 1, second**2 - 1, second**3 - 1])
    assert table.numbers("exponential") == pytest.approx([math.expm1(0.5 * layer) for layer in (1, 2, 3)])
    assert table.numbers("added") == pytest.approx([0.5, 1, 1.5])


def test_both_averages() -> None:
    table = finite_width.running(256, 8, seed=3)
    nets, (mean, variance) = table.numbers("nets"), norm_law.log_moments_of(256)
    many = nets >= 100  # both averages are then nearly normal
    assert (np.abs(table.numbers("measured") - 1) <= BOUND * table.numbers("error"))[many].all()
    assert table["error"][-1] == pytest.approx(math.sqrt(((1 + 5 / 256) ** 8 - 1) / 20_000))
    assert table["typical"][0] == pytest.approx(math.exp(8 * mean))
    logs = np.abs(np.log(table.numbers("typical measured")) - 8 * mean)
    assert (logs <= BOUND * np.sqrt(8 * variance / nets))[many].all()


@pytest.mark.parametrize("width", [1, 3, 5, 12])
def test_dead_nets(width: int) -> None:
    """Shares are binomial; a count whose mean is below one may still be a few, hence the 10."""
    table = finite_width.dead(width, 50, seed=3)
    share = 1 - (1 - 2.0**-width) ** np.arange(51)
    assert table.numbers("expected") == pytest.approx(share)
    off = np.abs(table.numbers("measured") - share)
    assert (off <= BOUND * np.sqrt(share * (1 - share) / norm_law.DRAWS) + 10 / norm_law.DRAWS).all()


def test_truths() -> None:
    assert finite_width.narrowest() == pytest.approx(5 / (2**0.01 - 1))
    assert finite_width.guessed()["running"] == pytest.approx(100 * ((1 + 5 / 32) ** 32 - 1))
