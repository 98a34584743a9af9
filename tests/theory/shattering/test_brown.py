"""The gradient of one layer along a circle, with all weights drawn entry by entry."""

import math

import numpy as np
import pytest

from theory.mean_field import angles
from theory.shattering import brown


@pytest.mark.slow
@pytest.mark.parametrize("width", [2, 5])
def test_correlations_along_a_circle(width: int) -> None:
    """Means to five standard errors, so 1e-6 false alarms a mean, and variances below their bound and near it."""
    rng, draws, lags = np.random.default_rng(1), 200_000, np.array([0.0, 0.7, 1.5, 2.6])
    weights = math.sqrt(2 / width) * rng.standard_normal((draws, width, width))
    v = rng.standard_normal((draws, 1, width)) / math.sqrt(width)
    active = weights[:, 0] * np.cos(lags)[:, None, None] + weights[:, 1] * np.sin(lags)[:, None, None] > 0
    gradients = (active.swapaxes(0, 1) * v) @ weights.swapaxes(1, 2)
    for position, lag in enumerate(lags[1:], 1):
        samples = (gradients[:, 0] * gradients[:, position]).sum(axis=1)
        error = 5 * samples.std() / math.sqrt(draws)
        assert samples.mean() == pytest.approx(float(brown.lag_correlation(lag)), abs=error)
        squares, bound = (samples - samples.mean()) ** 2, float(brown.variance_bound(lag, width))
        assert 0.2 * bound < squares.mean() < bound + 5 * squares.std() / math.sqrt(draws)
    steps = np.diff(gradients, axis=1)
    following = (steps[:, 0] * steps[:, 1]).sum(axis=1)
    assert following.mean() == pytest.approx(0, abs=5 * following.std() / math.sqrt(draws))
    squares = (steps[:, 0] ** 2).sum(axis=1)
    expected = float(brown.increment().at(theta=0.7))
    assert squares.mean() == pytest.approx(expected, abs=5 * squares.std() / math.sqrt(draws))


@pytest.mark.parametrize("layers", [1, 3, 10])
def test_wide_nets_start_with_the_slope_of_their_depth(layers: int) -> None:
    lag = 1e-5
    assert (1 - angles.gradient_correlations(lag, layers)[-1]) / lag == pytest.approx(layers / math.pi, rel=1e-3)


def test_domain() -> None:
    with pytest.raises(ValueError, match="angle"):
        brown.lag_correlation(4)
    with pytest.raises(ValueError, match="width"):
        brown.variance_bound(1, 0)
