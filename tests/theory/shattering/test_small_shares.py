"""Branches with small shares against arbitrary precision, the catalogue's numbers, and blocks drawn entry by entry."""

import math

import mpmath
import numpy as np
import pytest

from theory.shattering import residual_pairs, small_shares


@pytest.mark.slow
def test_products() -> None:
    for blocks in (0, 1, 10, 50):
        product = math.prod(1 - 1 / (2 * (block + 1)) for block in range(1, blocks + 1))
        assert float(small_shares.normalised_correlation(blocks)) == pytest.approx(product, rel=1e-12)
    blocks = 10**6
    falling = mpmath.gammaprod([blocks + 1.5], [1.5, blocks + 2]) * math.sqrt(math.pi * blocks) / 2
    assert float(falling) == pytest.approx(1, abs=1e-5)
    assert math.exp(float(small_shares.normalised_tail().result)) == pytest.approx(2 / math.sqrt(math.pi))
    assert float(small_shares.scaled_correlation(1)) == 0.75
    assert float(small_shares.scaled_correlation(10**5)) == pytest.approx(math.exp(-0.5), abs=1e-5)


def test_quoted_of_real_nets() -> None:
    found = small_shares.gradient_correlations(math.pi / 2, [1 / block for block in range(1, 10_001)])
    for blocks, value in {10: 0.394, 100: 0.1986, 1000: 0.1118, 10_000: 0.0691}.items():
        assert found[blocks - 1] == pytest.approx(value, abs=6e-4)
    assert small_shares.gradient_correlations(math.pi / 2, [1e-4] * 10_000)[-1] == pytest.approx(0.6336, abs=1e-4)


def test_unscaled_branches_are_those_of_residual_nets() -> None:
    assert small_shares.block_overlap(1, 1).equals(residual_pairs.block_overlap(1))
    assert float(small_shares.block_cosine(1, 1)) == pytest.approx(float(residual_pairs.block_cosine(1)))
    for bounds in ("overlap_variance_bound", "cosine_variance_bound"):
        ours, theirs = getattr(small_shares, bounds)(1, 1, 8), getattr(residual_pairs, bounds)(1, 8)
        assert float(ours) == pytest.approx(float(theirs))
    assert small_shares.gradient_correlations(1.0, [1.0] * 9) == pytest.approx(
        residual_pairs.gradient_correlations(1.0, 9)
    )


@pytest.mark.slow
def test_variance_under_independent_masks() -> None:
    """Three unequal blocks drawn entry by entry: mean and variance to five standard errors, so 1e-6 false alarms."""
    rng, n, draws, branches = np.random.default_rng(1), 3, 300_000, (1.5, 0.5, 0.25)
    gradients = np.full((draws, 2, n), 1 / math.sqrt(n))
    for branch in reversed(branches):
        first, last = (math.sqrt(gain / n) * rng.standard_normal((draws, n, n)) for gain in (2, 1))
        masked = (gradients @ last) * rng.integers(2, size=gradients.shape)
        gradients = gradients + math.sqrt(branch) * (masked @ first)
    samples = (gradients[:, 0] * gradients[:, 1]).sum(axis=1) / math.prod(1 + branch for branch in branches)
    truth = math.prod((1 + branch / 2) / (1 + branch) for branch in branches)
    assert samples.mean() == pytest.approx(truth, abs=5 * samples.std() / math.sqrt(draws))
    squares, variance = (samples - truth) ** 2, float(small_shares.independent_variance(n, branches))
    assert squares.mean() == pytest.approx(variance, abs=5 * squares.std() / math.sqrt(draws))


def test_domain() -> None:
    with pytest.raises(ValueError, match="blocks"):
        small_shares.normalised_correlation(-1)
    with pytest.raises(ValueError, match="blocks"):
        small_shares.scaled_correlation(0)
    with pytest.raises(ValueError, match="branch"):
        small_shares.independent_variance(3, [0])
    with pytest.raises(ValueError, match="angle"):
        small_shares.block_overlap(4, 1)
