"""Angles between two inputs against quadrature and arbitrary precision."""

import math

import mpmath
import pytest
from scipy import integrate

from tests.theory.averages import normal_density
from theory.mean_field import angles


def rectified(angle: float, power: int) -> float:
    """Average (z1 z2)^power over z1, z2 > 0 by quadrature: z2 is normal given z1."""

    def given(z: float) -> float:
        low = -z * math.cos(angle) / math.sin(angle)
        inner, _ = integrate.quad(
            lambda t: (z * math.cos(angle) + t * math.sin(angle)) ** power * normal_density(t), low, max(low, 0) + 10
        )
        return float(z**power * normal_density(z) * inner)

    return float(integrate.quad(given, 0, 10, epsabs=1e-9)[0])


@pytest.mark.slow
@pytest.mark.parametrize("angle", [0.6, math.pi / 2, 2.5])
def test_pairs_of_units(angle: float) -> None:
    assert float(angles.coactive(angle)) == pytest.approx(rectified(angle, 0), abs=1e-7)
    assert float(angles.mask_overlap(angle)) == pytest.approx(2 * rectified(angle, 0), abs=1e-7)
    cosine = 2 * rectified(angle, 1)
    assert float(angles.next_cosine(angle)) == pytest.approx(cosine, abs=1e-7)
    assert float(angles.product_variance(angle)) == pytest.approx(4 * rectified(angle, 2) - cosine**2, abs=1e-6)


@pytest.mark.parametrize("angle", [1e-6, 1e-4, 0.01, 1.0, 3.0, math.pi])
def test_the_next_angle_does_not_cancel(angle: float) -> None:
    with mpmath.workdps(50):
        theta = mpmath.mpf(angle)
        expected = mpmath.acos((mpmath.sin(theta) + (mpmath.pi - theta) * mpmath.cos(theta)) / mpmath.pi)
    assert angles.next_angle(angle) == pytest.approx(float(expected), rel=1e-9)


def test_quoted() -> None:
    found = angles.gradient_correlations(math.pi / 2, 100_000)
    quoted = {1: 0.5, 2: 0.30156, 5: 0.10456, 10: 0.03365, 50: 9.12e-4, 100: 1.441e-4}
    for layers, value in quoted.items():
        assert found[layers - 1] == pytest.approx(value, rel=1e-3)
    assert found[-1] * 1e15 == pytest.approx(196.7, rel=1e-3)


def test_small_angles_fall_like_three_pi_over_the_depth() -> None:
    angle = math.pi / 2
    for _ in range(10_000):
        angle = angles.next_angle(angle)
    assert angle * 10_000 / (3 * math.pi) == pytest.approx(1, abs=5e-3)


@pytest.mark.parametrize("angle", [-0.1, 3.2])
def test_domain(angle: float) -> None:
    for function in (angles.coactive, angles.next_angle):
        with pytest.raises(ValueError, match="angle"):
            function(angle)
