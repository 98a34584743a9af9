"""Angles and gradient correlations against quadrature, arbitrary precision, and networks drawn entry by entry."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from scipy import integrate, stats

from theory.mean_field import angles
from theory.shattering import looks_linear, residual_pairs
from theory.shattering import masks as shattered
from theory.shattering import two_layers as shattered_width

pytestmark = pytest.mark.filterwarnings("error")
ANGLES = [0.6, math.pi / 2, 2.5]


def rectified(angle: float, power: int) -> float:
    """Average (z1 z2)^power over z1, z2 > 0 by quadrature: z2 is normal given z1."""

    def given(z: float) -> float:
        low = -z * math.cos(angle) / math.sin(angle)
        inner, _ = integrate.quad(
            lambda t: (z * math.cos(angle) + t * math.sin(angle)) ** power * stats.norm.pdf(t), low, max(low, 0) + 10
        )
        return float(z**power * stats.norm.pdf(z) * inner)

    return float(integrate.quad(given, 0, 10, epsabs=1e-9)[0])


@pytest.mark.parametrize("angle", ANGLES)
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
    assert float(shattered.independent_correlation(10)) == 2.0**-10
    assert float(shattered.independent_correlation(5, shortcut=1)) == 0.75**5


def test_small_angles_fall_like_three_pi_over_the_depth() -> None:
    angle = math.pi / 2
    for _ in range(10_000):
        angle = angles.next_angle(angle)
    assert angle * 10_000 / (3 * math.pi) == pytest.approx(1, abs=5e-3)


def test_variance_under_independent_masks() -> None:
    """Weights and coins drawn entry by entry: mean and variance agree to five standard errors."""
    rng, n, layers, draws = np.random.default_rng(1), 3, 2, 400_000
    gradients = np.repeat(rng.standard_normal((draws, 1, n)) / math.sqrt(n), 2, axis=1)
    for _ in range(layers):
        weights = math.sqrt(2 / n) * rng.standard_normal((draws, n, n))
        gradients = (gradients * rng.integers(2, size=gradients.shape)) @ weights
    products = (gradients[:, 0] * gradients[:, 1]).sum(axis=1)
    assert products.mean() == pytest.approx(0.25, abs=5 * products.std() / math.sqrt(draws))
    squares = (products - 0.25) ** 2
    expected = float(shattered.independent_variance(n, layers))
    assert squares.mean() == pytest.approx(expected, abs=5 * squares.std() / math.sqrt(draws))


def first_layer(n: int, draws: int) -> tuple[np.ndarray, np.ndarray]:
    """Hidden states at two orthogonal inputs, (draws, 2, n), and the Jacobians there, (draws, 2, n, n)."""
    weights = math.sqrt(2 / n) * np.random.default_rng(2).standard_normal((draws, n, n))
    y = weights[:, :, :2].swapaxes(1, 2)  # at the first two unit vectors
    return np.maximum(y, 0), (y > 0)[..., None] * weights[:, None]


def test_mean_over_the_second_layer() -> None:
    """(1 - theta/pi) tr M + (sin theta / pi) tr R M for three M, as a mean over rows drawn at an angle of 1."""
    draws, angle, width = 400_000, 1.0, 3
    u = np.array([[1.0, 0.0, 0.0], [math.cos(angle), math.sin(angle), 0.0]])
    bisector, across = ((u[0] + sign * u[1]) / np.linalg.norm(u[0] + sign * u[1]) for sign in (1, -1))
    reflection = np.outer(bisector, bisector) - np.outer(across, across)
    assert reflection @ u[0] == pytest.approx(u[1])
    rows = math.sqrt(2 / width) * np.random.default_rng(3).standard_normal((draws, width))
    active = ((rows @ u.T) > 0).all(axis=1)
    for product in (np.outer(bisector, bisector), np.outer(across, across), np.eye(3)):
        samples = width * active * np.einsum("di,ij,dj->d", rows, product, rows)
        additional = float(shattered_width.reflection().at(theta=angle)) * np.trace(reflection @ product)
        expected = float(angles.mask_overlap(angle)) * np.trace(product) + additional
        assert samples.mean() == pytest.approx(expected, abs=5 * samples.std() / math.sqrt(draws))


def test_moments_of_the_first_layer() -> None:
    n, draws = 5, 100_000
    states, jacobians = first_layer(n, draws)
    products = jacobians[:, 0] @ jacobians[:, 1].swapaxes(1, 2)
    overlaps = np.trace(products, axis1=1, axis2=2) / n
    for samples, expected in (
        ((overlaps - 0.5) ** 2, shattered_width.overlap_variance().at(n=n)),
        ((products**2).sum(axis=(1, 2)) / n**2, shattered_width.frobenius().at(n=n)),
        ((states**2).sum(axis=2)[:, 0] ** 2 - 1, angles.product_variance(0) / n),
    ):
        assert samples.mean() == pytest.approx(float(expected), abs=5 * samples.std() / math.sqrt(draws))


@pytest.mark.parametrize("width", [256, 1024, 16384])
def test_two_layers_shrink_like_the_width(width: int) -> None:
    known = shattered_width.two_layers(width)
    assert known.limit == pytest.approx(angles.gradient_correlations(math.pi / 2, 2)[-1])
    assert 0 < known.bias * width < 50
    assert 0 < known.second_moment * width < 25


def test_lower_tail() -> None:
    """Chernoff's bound lies above the share of 100,000 draws."""
    squares = (np.maximum(np.random.default_rng(4).standard_normal((20_000, 256)), 0) ** 2).mean(axis=1) * 2
    share = (squares < shattered_width.LEAST).mean()
    assert 0 < share <= shattered_width._lower_tail(256) < 1


@pytest.mark.parametrize("angle", [0.5, 2.0])
def test_one_residual_block(angle: float) -> None:
    """Means to five standard errors, and variances below their bounds, with all weights drawn."""
    rng, n, draws = np.random.default_rng(5), 4, 200_000
    first, last = (math.sqrt(v / n) * rng.standard_normal((draws, n, n)) for v in (2, 1))
    x = np.array([[1.0, 0, 0, 0], [math.cos(angle), math.sin(angle), 0, 0]])
    y = x @ first
    states = x + np.maximum(y, 0) @ last
    v = np.full((1, n), 0.5)
    gradients = v + ((y > 0) * (v @ last.swapaxes(1, 2))) @ first.swapaxes(1, 2)
    for both, expected, bound in (
        (gradients, residual_pairs.block_overlap(angle), residual_pairs.overlap_variance_bound(angle, n)),
        (states, residual_pairs.block_cosine(angle), residual_pairs.cosine_variance_bound(angle, n)),
    ):
        samples = (both[:, 0] * both[:, 1]).sum(axis=1) / 2
        assert samples.mean() == pytest.approx(float(expected), abs=5 * samples.std() / math.sqrt(draws))
        squares = (samples - float(expected)) ** 2
        assert 0.2 * float(bound) < squares.mean() < float(bound) + 5 * squares.std() / math.sqrt(draws)


def test_quoted_of_residual_nets() -> None:
    found = residual_pairs.gradient_correlations(math.pi / 2, 300_000)
    assert found[0] == pytest.approx(0.75)
    assert found[4] == pytest.approx(0.3095, abs=1e-4)
    assert found[9] == pytest.approx(0.14016, abs=1e-5)
    assert found[-1] * 300_000**3 == pytest.approx(1933, rel=1e-3)


def test_looks_linear() -> None:
    assert looks_linear.mirrored_pair(3, -2) == -6
    with pytest.raises(ValueError, match="weight"):
        looks_linear.mirrored_pair(math.inf, 1)


def test_domain() -> None:
    for angle in (-0.1, 3.2):
        with pytest.raises(ValueError, match="angle"):
            angles.coactive(angle)
        with pytest.raises(ValueError, match="angle"):
            angles.next_angle(angle)
        with pytest.raises(ValueError, match="angle"):
            residual_pairs.block_cosine(angle)
    with pytest.raises(ValueError, match="width"):
        shattered_width.two_layers(1)
    with pytest.raises(ValueError, match="layers"):
        shattered.independent_correlation(-1)
