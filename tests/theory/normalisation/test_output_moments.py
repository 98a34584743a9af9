"""Mean and variance of a batch norm's output, at a batch of numbers."""

import numpy as np
import pytest

from theory.normalisation.output_moments import output_mean, output_variance


def test_a_batch_of_five() -> None:
    z, gain, shift, epsilon = np.array([1.0, -2.0, 0.5, 4.0, 7.0]), -1.5, 0.3, 0.25
    y = gain * (z - z.mean()) / np.sqrt(z.var() + epsilon) + shift
    assert float(output_mean(shift)) == pytest.approx(y.mean(), rel=1e-12)
    assert float(output_variance(gain, z.var(), epsilon)) == pytest.approx(y.var(), rel=1e-12)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ValueError, match="input_variance is -1"):
        output_variance(1, -1, 0.1)
    with pytest.raises(ValueError, match="epsilon is 0"):
        output_variance(1, 1, 0)
