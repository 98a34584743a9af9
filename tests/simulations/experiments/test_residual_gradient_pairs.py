"""Gradients of residual nets at two inputs against networks whose weights are drawn."""

import numpy as np
import pytest
from scipy import stats

from simulations import residual_mlp, stream
from simulations.experiments.residual_gradient_pairs import residual_gradient_pairs
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import rademacher

WIDTH, BLOCKS, DRAWS = 4, 2, 20_000
PAIRS = stream(0, "residual pairs").standard_normal((3, 2, WIDTH))


def summaries(a: Array) -> Array:
    """Inner product, square norm and an entry: (3, draws)."""
    return np.stack([(a[:, 0] * a[:, 1]).sum(1), (a[:, 0] ** 2).sum(1), a[:, 1, 2]])


def test_undrawn_and_drawn_weights_have_one_law() -> None:
    """Six Kolmogorov-Smirnov tests at 1e-6 each."""
    rng, network = stream(1, "residual pairs"), residual_mlp(WIDTH, BLOCKS)
    passed = network.run(network.draw(rng, DRAWS), PAIRS[rng.integers(3, size=DRAWS)])
    v = np.repeat(rademacher(rng, (DRAWS, 1, WIDTH)) / WIDTH**0.5, 2, axis=1)
    drawn = passed.backward(v)[0], passed.output
    undrawn = residual_gradient_pairs([1.0] * BLOCKS, PAIRS, draws=DRAWS, rng=rng)
    for one, other in zip(drawn, undrawn, strict=True):
        for before, after in zip(summaries(one), summaries(other), strict=True):
            assert stats.ks_2samp(before, after).pvalue > 1e-6


def test_equal_inputs_have_equal_gradients_unless_masks_are_coins() -> None:
    twins = np.repeat(PAIRS[:, :1], 2, axis=1)
    own, coins = (
        residual_gradient_pairs([0.5], twins, draws=50, rng=stream(2, "residual pairs"), masks=masks)[0]
        for masks in ("own", "coins")
    )
    assert own[:, 0] == pytest.approx(own[:, 1])
    assert not np.allclose(coins[:, 0], coins[:, 1])


def test_errors() -> None:
    rng = stream(3, "residual pairs")
    for draws, pairs in ((0, PAIRS), (5, PAIRS[:, 0]), (5, PAIRS[:0])):
        with pytest.raises(ValueError, match="expected draws and pairs"):
            residual_gradient_pairs([1.0], pairs, draws=draws, rng=rng)
    for branches in ([], [0.0], [np.inf], [np.nan]):
        with pytest.raises(ValueError, match="branches"):
            residual_gradient_pairs(branches, PAIRS, draws=5, rng=rng)
