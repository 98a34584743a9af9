"""Gradient correlations of two layers at finite width, against networks drawn entry by entry."""

import math

import numpy as np
import pytest

from theory.mean_field import angles
from theory.shattering import two_layers


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
        additional = float(two_layers.reflection().at(theta=angle)) * np.trace(reflection @ product)
        expected = float(angles.mask_overlap(angle)) * np.trace(product) + additional
        assert samples.mean() == pytest.approx(expected, abs=5 * samples.std() / math.sqrt(draws))


def test_moments_of_the_first_layer() -> None:
    n, draws = 5, 100_000
    states, jacobians = first_layer(n, draws)
    products = jacobians[:, 0] @ jacobians[:, 1].swapaxes(1, 2)
    overlaps = np.trace(products, axis1=1, axis2=2) / n
    for samples, expected in (
        ((overlaps - 0.5) ** 2, two_layers.overlap_variance().at(n=n)),
        ((products**2).sum(axis=(1, 2)) / n**2, two_layers.frobenius().at(n=n)),
        ((states**2).sum(axis=2)[:, 0] ** 2 - 1, angles.product_variance(0) / n),
    ):
        assert samples.mean() == pytest.approx(float(expected), abs=5 * samples.std() / math.sqrt(draws))


@pytest.mark.parametrize("width", [256, 1024, 16384])
def test_two_layers_shrink_like_the_width(width: int) -> None:
    known = two_layers.two_layers(width)
    assert known.limit == pytest.approx(angles.gradient_correlations(math.pi / 2, 2)[-1])
    assert 0 < known.bias * width < 50
    assert 0 < known.second_moment * width < 25


def test_lower_tail() -> None:
    """Chernoff's bound lies above the share of 100,000 draws."""
    squares = (np.maximum(np.random.default_rng(4).standard_normal((20_000, 256)), 0) ** 2).mean(axis=1) * 2
    share = (squares < two_layers.LEAST).mean()
    assert 0 < share <= two_layers._lower_tail(256) < 1


def test_domain() -> None:
    with pytest.raises(ValueError, match="width"):
        two_layers.two_layers(1)
