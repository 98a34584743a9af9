"""Batch norm of one feature, against its formula in NumPy."""

import numpy as np
import pytest

from theory.normalisation import batch_norm


def _normalised(z: np.ndarray, epsilon: float) -> np.ndarray:
    normal: np.ndarray = (z - z.mean()) / np.sqrt(z.var() + epsilon)
    return normal


def test_a_bias_moves_nothing() -> None:
    z = np.array([0.3, -1.0, 2.5])
    assert _normalised(z + 0.7, 0.1) == pytest.approx(_normalised(z, 0.1))
    assert batch_norm.output_shift(0.7) == 0
    assert batch_norm.gradient_of_bias(3) == 0


def test_the_gain_restores() -> None:
    z = np.array([0.3, -1.0, 2.5])
    gain = float(batch_norm.restoring_gain(float(z.var()), 0.1))
    assert gain * _normalised(z, 0.1) + z.mean() == pytest.approx(z)


def test_a_negative_variance_is_refused() -> None:
    with pytest.raises(ValueError, match="variance is -1"):
        batch_norm.restoring_gain(-1, 0)
