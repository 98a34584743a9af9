"""Mean-field theory of tanh and ReLU nets, and paths, against quadrature, iteration and enumeration."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats

from theory.fluctuations import width_and_depth
from theory.mean_field import correlation_length, length_maps, tanh_correlation, tanh_maps, tanh_slopes
from theory.plain import attenuation
from theory.residual import paths, tanh_branches

pytestmark = pytest.mark.filterwarnings("error")


class TestTanhCorrelation:
    @pytest.mark.parametrize(("variance", "rel"), [(0.01, 1e-13), (1, 1e-13), (4, 1e-13), (16, 1e-8)])
    def test_length(self, variance: float, rel: float) -> None:
        slow = tanh_maps.next_variance(1.3, variance)
        assert tanh_correlation.next_length(1.3, variance) == pytest.approx(slow, rel=rel)

    @pytest.mark.parametrize("correlation", [-0.7, 0.2, 0.9])
    def test_covariance(self, correlation: float) -> None:
        variance, apart = 2.1, math.sqrt(1 - correlation**2)

        def integrand(t: float, u: float) -> float:
            product = math.tanh(math.sqrt(variance) * u) * math.tanh(
                math.sqrt(variance) * (correlation * u + apart * t)
            )
            return product * math.exp(-(u * u + t * t) / 2) / (2 * math.pi)

        slow, _ = integrate.dblquad(integrand, -9, 9, -9, 9, epsabs=1e-11)
        assert tanh_correlation.covariance(variance, correlation) == pytest.approx(slow, abs=1e-10)

    def test_ends(self) -> None:
        assert tanh_correlation.next_correlation(2, 1.5, 1) == pytest.approx(1, abs=1e-13)
        assert tanh_correlation.next_correlation(2, 1.5, 0) == pytest.approx(0, abs=1e-15)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="16"):
            tanh_correlation.next_length(1, 17)
        with pytest.raises(ValueError, match="variance"):
            tanh_correlation.next_length(1, -1)
        with pytest.raises(ValueError, match="from -1 to 1"):
            tanh_correlation.covariance(1, 1.1)


class TestTanhSlopes:
    @pytest.mark.parametrize(("gain", "known"), [(5 / 3, 0.4309), (2, 0.3310), (1.2, 0.7195)])
    def test_slope(self, gain: float, known: float) -> None:
        settled = tanh_maps.fixed_point(gain)
        slope = tanh_slopes.length_slope(gain, settled)
        assert slope == pytest.approx(known, abs=5e-5)
        assert tanh_slopes.finite_slope(gain, settled - 1e-4, settled + 1e-4) == pytest.approx(slope, rel=1e-6)

    @pytest.mark.parametrize(("start", "layers", "known"), [(1, 10, 1.044), (0.5, 10, 0.978), (4, 10, 1.112)])
    def test_decay(self, start: float, layers: int, known: float) -> None:
        assert 2 * layers * tanh_slopes.lengths(start, layers)[-1] == pytest.approx(known, abs=6e-4)

    def test_decay_in_the_end(self) -> None:
        assert 2000 * tanh_slopes.lengths(1, 1000)[-1] == pytest.approx(1, abs=3e-3)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="low below high"):
            tanh_slopes.finite_slope(1, 2, 1)


class TestCorrelationLength:
    def test_settles(self) -> None:
        q = correlation_length.settled_length(1.5, 0.3)
        assert 1.5**2 * tanh_maps.next_variance(1, q) + 0.3 == pytest.approx(q, rel=1e-12)
        assert correlation_length.chi(1.5, q) == pytest.approx(tanh_maps.gradient_growth(1.5, q), rel=1e-12)

    def test_distances_shrink_like_chi(self) -> None:
        chi = correlation_length.chi(1, correlation_length.settled_length(1, 1))
        assert correlation_length.distance_factor(1, 1, 0.01) == pytest.approx(chi, rel=1e-4)
        assert correlation_length.correlation_length(1, correlation_length.settled_length(1, 1)) == pytest.approx(
            -1 / math.log(chi)
        )

    def test_moments_of_nearby_distances(self) -> None:
        q = correlation_length.settled_length(1, 1)
        slopes = tanh_correlation.mean(lambda z: math.cosh(z) ** -8, q)
        assert correlation_length.distance_moment(4, 1, 1, 0.01) == pytest.approx(3 * slopes, rel=1e-3)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="below 1"):
            correlation_length.correlation_length(2, 0.1)
        with pytest.raises(ValueError, match="bias"):
            correlation_length.settled_length(1, 0)


class TestReLUMaps:
    @pytest.mark.parametrize("weight", [1, 2, 3])
    def test_in_layers(self, weight: int) -> None:
        q, square = 1.7, 1.7**2
        seconds = length_maps.second_moments(weight, 0.4, 1.7, 5, 7)
        for layer in range(1, 6):
            square = (1 + 5 / 7) * (weight**2 * square / 4 + weight * 0.4 * q + 0.16)
            q = weight * q / 2 + 0.4
            assert float(length_maps.in_layers(weight, 0.4, 1.7, layer)) == pytest.approx(q)
            assert float(seconds[layer - 1]) == pytest.approx(square)

    def test_distance(self) -> None:
        assert float(length_maps.distance_factor(3, 0.01)) == pytest.approx(
            1.5 * (1 - 2 * 0.01 / (3 * math.pi)), rel=1e-4
        )
        assert float(length_maps.distance_factor(2, math.pi)) == pytest.approx(0.5)


class TestPaths:
    def test_equal_gains_are_binomial(self) -> None:
        found = np.array([float(value) for value in paths.path_variances([0.3] * 5)])
        assert found / 1.3**5 == pytest.approx(stats.binom(5, 0.3 / 1.3).pmf(range(6)))
        assert float(paths.mean_branches([0.3] * 5)) == pytest.approx(5 * 0.3 / 1.3)

    def test_normalised(self) -> None:
        gains = [paths.normalised_gain(block) for block in range(1, 7)]
        assert sum(paths.path_variances(gains)) == 7
        assert float(paths.mean_branches(gains)) == pytest.approx(sum(1 / (block + 1) for block in range(1, 7)))

    def test_uneven_gains(self) -> None:
        gains = (0.2, 0.5, 1.5)
        found = [0.0] * 4
        for taken in itertools.product((0, 1), repeat=3):
            found[sum(taken)] += math.prod(g for g, one in zip(gains, taken, strict=True) if one)
        assert [float(value) for value in paths.path_variances(gains)] == pytest.approx(found)

    def test_bounds_are_above_the_square_of_the_mean(self) -> None:
        means = paths.path_variances([0.5] * 4)
        bounds = paths.fourth_moment_bounds([0.5] * 4, 8, 8)
        assert all(float(bound) >= float(value) ** 2 for bound, value in zip(bounds, means, strict=True))
        assert float(paths.fourth_moment_bounds([1], 8, 8)[1]) == pytest.approx((1 + 2 / 8) * (1 + 5 / 8))


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


def test_width_and_depth() -> None:
    assert float(width_and_depth.fourth_moment_limit(20)) == pytest.approx(math.exp(0.25))
    assert float(width_and_depth.fourth_moment(20 * 500, 500)) == pytest.approx(math.exp(0.25), rel=1e-3)
    with pytest.raises(ValueError, match="width_per_layer"):
        width_and_depth.fourth_moment_limit(0)


def test_attenuation() -> None:
    assert [round(float(attenuation.attenuation(d, 0.01)), 2) for d in (64, 128, 256, 512)] == [5.89, 4.17, 2.95, 2.08]
