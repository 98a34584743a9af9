"""The tangent kernel of a chain of scalars against finite differences."""

import numpy as np
import pytest
import sympy as sp

from theory.fixup import scalar_resnet


def test_rows_of_the_table() -> None:
    size = sp.Symbol("L", integer=True, positive=True)
    assert scalar_resnet.tangent_kernel(5, 1, 1) == sp.Rational(5, 2) * 4**5
    assert scalar_resnet.tangent_kernel(size, 1, 0) == size
    assert scalar_resnet.tangent_kernel(size, 1 / sp.sqrt(size), 0) == 1


def test_finite_differences() -> None:
    def output(scales: np.ndarray) -> float:
        return float(np.prod(1 + scales.prod(axis=1)) * 1.5)

    scales, step = np.tile([0.7, -0.4], (3, 1)), 1e-6
    slopes = []
    for index in np.ndindex(scales.shape):
        moved = np.zeros_like(scales)
        moved[index] = step
        slopes.append((output(scales + moved) - output(scales - moved)) / (2 * step))
    expected = float(scalar_resnet.tangent_kernel(3, 0.7, -0.4, 1.5))
    assert np.square(slopes).sum() == pytest.approx(expected, rel=1e-6)
