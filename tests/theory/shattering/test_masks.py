"""Gradient correlations under independent masks, against weights and coins drawn entry by entry."""

import math

import numpy as np
import pytest

from theory.shattering import masks


def test_quoted() -> None:
    assert float(masks.independent_correlation(10)) == 2.0**-10
    assert float(masks.independent_correlation(5, shortcut=1)) == 0.75**5


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
    expected = float(masks.independent_variance(n, layers))
    assert squares.mean() == pytest.approx(expected, abs=5 * squares.std() / math.sqrt(draws))


def test_domain() -> None:
    with pytest.raises(ValueError, match="layers"):
        masks.independent_correlation(-1)
