"""Ratios of norms under orthogonal weights, against one unit and an integral over the circle."""

import numpy as np
import pytest
from scipy import integrate

from theory.fluctuations import orthogonal_relu


def test_moments_of_one_unit() -> None:
    """With one unit the layer is sqrt 2 relu(+-x)."""
    assert [orthogonal_relu.orthogonal_ratio_moment(k, 1) for k in (1, 2, 3, 4)] == [1, 2, 4, 8]


def test_moments_on_the_circle() -> None:
    for order in (1, 2, 3, 4):
        exact, _ = integrate.quad(
            lambda a, k=order: (2 * max(np.cos(a), 0) ** 2 + 2 * max(np.sin(a), 0) ** 2) ** k / (2 * np.pi),
            0,
            2 * np.pi,
            points=[np.pi / 2, np.pi, 3 * np.pi / 2],
        )
        assert float(orthogonal_relu.orthogonal_ratio_moment(order, 2)) == pytest.approx(exact)


def test_domain() -> None:
    with pytest.raises(ValueError, match="order"):
        orthogonal_relu.orthogonal_ratio_moment(5, 2)
