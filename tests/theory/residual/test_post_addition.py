"""Blocks with a ReLU after the addition against quadrature, simulation of single coordinates, and quoted numbers."""

import math

import numpy as np
import pytest
from scipy import integrate

from tests.theory.averages import normal_density
from theory.residual import post_addition


def rectified_square(u: float, gain: float) -> float:
    """Average relu(u + sqrt(gain) t)^2 over t by quadrature."""
    spread = math.sqrt(gain)
    value, _ = integrate.quad(
        lambda y: y**2 * normal_density(y, u, spread), 0, max(u, 0) + 12 * spread, epsabs=1e-12, epsrel=1e-11
    )
    return float(value)


@pytest.mark.parametrize("gain", [0.3, 1, 2])
@pytest.mark.parametrize("u", [-1.5, 0, 0.4, 1, 3])
def test_an_entry(u: float, gain: float) -> None:
    assert float(post_addition.block_growth(u, gain)) == pytest.approx(rectified_square(u, gain), rel=1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("gain", [0.3, 1, 2])
def test_above_a_wide_relu_layer(gain: float) -> None:
    positive, _ = integrate.quad(
        lambda z: rectified_square(math.sqrt(2) * z, gain) * normal_density(z), 0, 10, epsabs=1e-10
    )
    assert float(post_addition.rectified_growth(gain)) == pytest.approx(gain / 4 + positive, rel=1e-7)


def test_quoted() -> None:
    assert float(post_addition.block_growth(1)) == pytest.approx(1.92466, abs=5e-6)
    assert float(post_addition.rectified_growth()) == pytest.approx(1.6812, abs=5e-5)
    assert float(post_addition.rectified_growth(2)) == pytest.approx(2 + 1 / math.pi)
    assert post_addition.limit_growth(1) == pytest.approx(1.7441, abs=1e-4)
    assert post_addition.limit_growth(2) == pytest.approx(2.3989, abs=1e-4)


@pytest.mark.parametrize("gain", [0.3, 1, 2])
@pytest.mark.parametrize("u", [0, 0.5, 1, 4])
def test_bounds_where_the_stream_is_not_negative(u: float, gain: float) -> None:
    low, high = (float(bound) - 1 for bound in post_addition.growth_bounds(gain))
    assert low - 1e-12 <= float(post_addition.block_growth(u, gain)) - u**2 <= high + 1e-12


@pytest.mark.parametrize("gain", [1.0, 2.0])
class TestLimit:
    def test_the_first_block_is_that_of_a_flat_input(self, gain: float) -> None:
        expected = float(post_addition.block_growth(1, gain))
        assert post_addition.growths(gain)[0] == pytest.approx(expected, abs=1e-5)

    def test_finer_steps_and_more_blocks_agree(self, gain: float) -> None:
        """The accuracy that the docstrings state."""
        limit = post_addition.limit_growth(gain)
        assert post_addition.growths(gain, 12, 240)[-1] == pytest.approx(limit, abs=1e-5)
        assert post_addition.growths(gain, 13)[-1] == pytest.approx(limit, abs=1e-5)

    def test_against_many_coordinates(self, gain: float) -> None:
        """An infinitely wide layer imitated by 400,000 coordinates: the growths agree to five standard errors."""
        rng, x = np.random.default_rng(1), np.ones(400_000)
        for growth in post_addition.growths(gain, 5):
            x = np.maximum(x + math.sqrt(gain) * rng.standard_normal(x.size), 0)
            squares = x**2
            assert squares.mean() == pytest.approx(growth, abs=5 * squares.std() / math.sqrt(x.size))
            x /= math.sqrt(squares.mean())


@pytest.mark.parametrize(("gain", "blocks", "steps"), [(0, 1, 120), (1, 0, 120), (1, 1, 3), (math.inf, 1, 120)])
def test_domain(gain: float, blocks: int, steps: int) -> None:
    with pytest.raises(ValueError, match="expected gain"):
        post_addition.growths(gain, blocks, steps)


def test_domain_of_the_closed_forms() -> None:
    with pytest.raises(ValueError, match="gain"):
        post_addition.rectified_growth(0)
    with pytest.raises(ValueError, match="gain"):
        post_addition.block_growth(1, 0)
    with pytest.raises(ValueError, match="gain"):
        post_addition.growth_bounds(-1)
