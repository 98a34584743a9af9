"""Gradient correlations of residual nets, against blocks drawn entry by entry."""

import math

import numpy as np
import pytest

from theory.shattering import residual_pairs


@pytest.mark.parametrize("angle", [0.5, 2.0])
def test_one_residual_block(angle: float) -> None:
    """Means to five standard errors, and variances below their bounds, with all weights drawn."""
    rng, n, draws = np.random.default_rng(5), 4, 200_000
    first, last = (math.sqrt(v / n) * rng.standard_normal((draws, n, n)) for v in (2, 1))
    x = np.array([[1.0, 0, 0, 0], [math.cos(angle), math.sin(angle), 0, 0]])
    y = x @ first
    states = x + np.maximum(y, 0) @ last
    v = np.full((1, n), 0.5)
    gradients = v + ((y > 0) * (v @ last.swapaxes(1, 2))) @ first.swapaxes(1, 2)
    for both, expected, bound in (
        (gradients, residual_pairs.block_overlap(angle), residual_pairs.overlap_variance_bound(angle, n)),
        (states, residual_pairs.block_cosine(angle), residual_pairs.cosine_variance_bound(angle, n)),
    ):
        samples = (both[:, 0] * both[:, 1]).sum(axis=1) / 2
        assert samples.mean() == pytest.approx(float(expected), abs=5 * samples.std() / math.sqrt(draws))
        squares = (samples - float(expected)) ** 2
        assert 0.2 * float(bound) < squares.mean() < float(bound) + 5 * squares.std() / math.sqrt(draws)


def test_quoted_of_residual_nets() -> None:
    found = residual_pairs.gradient_correlations(math.pi / 2, 300_000)
    assert found[0] == pytest.approx(0.75)
    assert found[4] == pytest.approx(0.3095, abs=1e-4)
    assert found[9] == pytest.approx(0.14016, abs=1e-5)
    assert found[-1] * 300_000**3 == pytest.approx(1933, rel=1e-3)


@pytest.mark.parametrize("angle", [-0.1, 3.2])
def test_domain(angle: float) -> None:
    with pytest.raises(ValueError, match="angle"):
        residual_pairs.block_cosine(angle)
