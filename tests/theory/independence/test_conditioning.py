"""What is known of products with Gaussian weights, against the textbook formula for conditional Gaussians."""

import numpy as np
import pytest

from theory.independence import conditioning

VARIANCE = 0.7


def test_the_gradient_on_open_units_given_the_forward_pass() -> None:
    rng = np.random.default_rng(0)
    fan_in, fan_out, active = 5, 3, 3
    x = np.concatenate([rng.standard_normal(active), np.zeros(fan_in - active)])
    y, d = rng.standard_normal((2, fan_out))
    asked = np.kron(x, np.eye(fan_out))  # x W as a linear map of the entries of W, row by row
    gain = asked.T @ np.linalg.inv(asked @ asked.T)
    mean, covariance = gain @ y, VARIANCE * (np.eye(fan_in * fan_out) - gain @ asked)
    told = np.kron(np.eye(fan_in), d)[:active]  # d W^T on the open units
    square = np.square(told @ mean).sum() + np.trace(told @ covariance @ told.T)
    claimed = conditioning.gradient_square(float(y @ d), float(x @ x), VARIANCE, float(d @ d), active)
    assert float(claimed) == pytest.approx(square)


def test_one_open_unit_leaves_nothing_to_chance() -> None:
    assert float(conditioning.gradient_square(3, 2, VARIANCE, 5, 1)) == pytest.approx(4.5)


def test_domains() -> None:
    with pytest.raises(ValueError, match="square_norm"):
        conditioning.gradient_square(1, 0, 1, 1, 2)
    with pytest.raises(ValueError, match="active"):
        conditioning.gradient_square(1, 1, 1, 1, 0)
