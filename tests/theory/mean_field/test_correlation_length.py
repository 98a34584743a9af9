"""The correlation length of tanh nets with biases, against the maps themselves."""

import math

import pytest

from theory.mean_field import correlation_length, tanh_correlation, tanh_maps


def test_settles() -> None:
    q = correlation_length.settled_length(1.5, 0.3)
    assert 1.5**2 * tanh_maps.next_variance(1, q) + 0.3 == pytest.approx(q, rel=1e-12)
    assert correlation_length.chi(1.5, q) == pytest.approx(tanh_maps.gradient_growth(1.5, q), rel=1e-12)


def test_distances_shrink_like_chi() -> None:
    chi = correlation_length.chi(1, correlation_length.settled_length(1, 1))
    assert correlation_length.distance_factor(1, 1, 0.01) == pytest.approx(chi, rel=1e-4)
    assert correlation_length.correlation_length(1, correlation_length.settled_length(1, 1)) == pytest.approx(
        -1 / math.log(chi)
    )


def test_moments_of_nearby_distances() -> None:
    q = correlation_length.settled_length(1, 1)
    slopes = tanh_correlation.mean(lambda z: math.cosh(z) ** -8, q)
    assert correlation_length.distance_moment(4, 1, 1, 0.01) == pytest.approx(3 * slopes, rel=1e-3)


def test_refuses() -> None:
    with pytest.raises(ValueError, match="below 1"):
        correlation_length.correlation_length(2, 0.1)
    with pytest.raises(ValueError, match="bias"):
        correlation_length.settled_length(1, 0)
