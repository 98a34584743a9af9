"""Jacobians of norms by finite differences, and their means by other ways."""

import numpy as np
import pytest

from theory.normalisation import norm_gradients

X = np.array([0.3, -1.2, 2.5, 0.9])


def _layer_norm(x: np.ndarray) -> np.ndarray:
    return np.asarray((x - x.mean()) / x.std())


def _rms_norm(x: np.ndarray) -> np.ndarray:
    return np.asarray(x / np.sqrt((x**2).mean()))


def _jacobian(takes_mean: bool) -> np.ndarray:
    norm, step = (_layer_norm if takes_mean else _rms_norm), 1e-5
    return np.stack([(norm(X + step * e) - norm(X - step * e)) / (2 * step) for e in np.eye(4)], axis=1)


@pytest.mark.parametrize("takes_mean", [True, False])
def test_mean_square_is_the_trace(takes_mean: bool) -> None:
    jacobian, size = _jacobian(takes_mean), X.var() if takes_mean else (X**2).mean()
    assert float(norm_gradients.norm_through(4, size, takes_mean)) == pytest.approx((jacobian**2).sum(), rel=1e-6)
    assert float(norm_gradients.norm_through(4, size, takes_mean, 3)) == pytest.approx(
        3 * (jacobian**2).sum(), rel=1e-6
    )


@pytest.mark.parametrize("takes_mean", [True, False])
def test_singular_values(takes_mean: bool) -> None:
    moved = X - X.mean() if takes_mean else X
    values = np.linalg.svd(_jacobian(takes_mean), compute_uv=False)
    largest = float(norm_gradients.largest_singular_value(4, moved @ moved))
    lost = 1 + takes_mean
    assert values == pytest.approx([largest] * (4 - lost) + [0.0] * lost, abs=1e-5)


def test_means_over_inputs() -> None:
    """By hand at d = 6, and by sampling at d = 8."""
    found = [float(norm_gradients.norm_through_at_random(6, 1, mean)) for mean in (True, False)]
    assert found == pytest.approx([6 * 4 / 3, 6 * 5 / 4])
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200_000, 8))
    inverse = 1 / x.var(axis=1)
    assert 6 * inverse.mean() == pytest.approx(float(norm_gradients.norm_through_at_random(8, 1, True)), rel=0.02)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="width is 3"):
        norm_gradients.norm_through_at_random(3, 1, True)
    with pytest.raises(ValueError, match="deviation is 0"):
        norm_gradients.norm_through(4, 0, True)
