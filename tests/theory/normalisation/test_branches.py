"""Moments of normalised and rectified batches against quadrature and points on a circle."""

import math

import numpy as np
import pytest
import sympy as sp
from scipy import integrate, stats

from theory.normalisation import branches


def test_gain_of_the_literature() -> None:
    assert float(branches.standardised_gain()) == pytest.approx(1.71286, abs=1e-5)
    assert branches.centred_second_moment(branches.standardised_gain()).equals(1)


def test_relu_moments_by_quadrature() -> None:
    def moment(order: int, centre: float = 0.0) -> float:
        value, _ = integrate.quad(
            lambda z: (max(z, 0) - centre) ** order * stats.norm.pdf(z), -12, 12, points=[0.0], epsabs=1e-12
        )
        return float(value)

    mean = moment(1)
    assert mean == pytest.approx(float(branches.MEAN))
    assert moment(2, mean) == pytest.approx(float(branches.SPREAD))
    assert moment(4, mean) == pytest.approx(float(branches.relu_fourth_central_moment()))


def test_smallest_batches() -> None:
    """Two inputs become 1 and -1, three are a point on a circle: 2 Var relu, averaged over its angle."""
    assert branches.rectified_variance(2) == sp.Rational(1, 2)
    basis = np.array([[1, -1, 0], [1, 1, -2]]) / np.sqrt([[2], [6]])
    angles = (np.arange(60_000) + 0.5) * 2 * np.pi / 60_000
    z = np.sqrt(3) * np.stack([np.cos(angles), np.sin(angles)], axis=1) @ basis
    assert 2 * np.maximum(z, 0).var(axis=1).mean() == pytest.approx(float(branches.rectified_variance(3)))


def test_large_batches_tend_to_the_limit() -> None:
    assert float(branches.rectified_limit()) == pytest.approx(1 - 1 / math.pi)
    assert float(branches.rectified_variance(10**6)) == pytest.approx(1 - 1 / math.pi, abs=1e-5)


def test_domains() -> None:
    with pytest.raises(ValueError, match="batch is 1; expected an integer of at least 2"):
        branches.rectified_variance(1)
    with pytest.raises(ValueError, match="gain is 0"):
        branches.centred_second_moment(0)
    assert branches.stream_variance(sp.Rational(1, 2), 3) == sp.Rational(7, 2)
