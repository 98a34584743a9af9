"""Shares of padded convolutions against convolving, and quoted numbers."""

import numpy as np
import pytest
import sympy as sp

from theory.convolution import padding


def test_shares_by_convolving() -> None:
    shares = np.ones((4, 4))
    for layers in (1, 2, 3):
        around = np.pad(shares, 1)
        shares = np.array([[around[i : i + 3, j : j + 3].mean() for j in range(4)] for i in range(4)])
        axis = np.array(padding.axis_shares(4, 3, 1, layers), dtype=float)
        np.testing.assert_allclose(np.outer(axis, axis), shares, rtol=1e-14)


def test_quoted() -> None:
    assert padding.share(2, 3, 3) == sp.Rational(6, 9)
    assert padding.share(2, 2, 3) == sp.Rational(4, 9)
    assert padding.axis_shares(5, 3, 1) == (sp.Rational(2, 3), 1, 1, 1, sp.Rational(2, 3))
    assert padding.axis_shares(5, 3, 0) == (1, 1, 1)
    assert padding.fan_out_growth(16, 32) == sp.Rational(1, 2)
    assert padding.axis_windows(5, 3, 2, 0) == (1, 1, 2, 1, 1)
    assert padding.axis_windows(4, 3, 1, 1) == (2, 3, 3, 2)
    assert padding.cotangent_second_moment(3, 3, 3) == 2


def test_shared_bias_by_a_covariance_matrix() -> None:
    channels, positions = 3, 5
    total = np.ones(channels * positions) @ np.eye(channels * positions) @ np.ones(channels * positions)
    assert float(padding.shared_bias_ratio(channels, positions)) == total


@pytest.mark.parametrize("arguments", [(0, 3, 1), (3, 0, 1), (3, 3, -1), (3, 3, 1, 0)])
def test_domain(arguments: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="expected an integer"):
        padding.axis_shares(*arguments)


def test_a_window_that_does_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit"):
        padding.axis_shares(4, 3, 0, 2)
