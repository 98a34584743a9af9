"""Gradients at two inputs against networks whose weights are drawn."""

import numpy as np
import pytest
from scipy import stats

from simulations import mlp, stream
from simulations.experiments.gradient_pairs import gradient_pairs
from simulations.numbers.arrays import Array

WIDTHS, DRAWS = (4, 6, 5, 3), 20_000
PAIRS = stream(0, "gradient pairs").standard_normal((3, 2, 4))


def summaries(gradients: Array) -> Array:
    """Inner product, both norms and an entry: (4, draws)."""
    first, second = gradients[:, 0], gradients[:, 1]
    return np.stack([(first * second).sum(1), (first**2).sum(1), (second**2).sum(1), first[:, 1] * second[:, 2]])


def test_undrawn_and_drawn_weights_have_one_law() -> None:
    rng = stream(1, "gradient pairs")
    network = mlp(WIDTHS)
    passed = network.run(network.draw(rng, DRAWS), PAIRS[rng.integers(3, size=DRAWS)])
    cotangent = np.repeat(rng.standard_normal((DRAWS, 1, 3)) / 3**0.5, 2, axis=1)
    drawn = summaries(passed.backward(cotangent)[0])
    undrawn = summaries(gradient_pairs(WIDTHS, PAIRS, draws=DRAWS, rng=rng))
    for one, other in zip(drawn, undrawn, strict=True):
        assert stats.ks_2samp(one, other).pvalue > 1e-6


def test_equal_inputs_have_equal_gradients_unless_masks_are_coins() -> None:
    twins = np.repeat(PAIRS[:, :1], 2, axis=1)
    own, coins = (
        gradient_pairs(WIDTHS, twins, draws=50, rng=stream(2, "gradient pairs"), masks=masks)
        for masks in ("own", "coins")
    )
    assert own[:, 0] == pytest.approx(own[:, 1])
    assert not np.allclose(coins[:, 0], coins[:, 1])


@pytest.mark.parametrize(("draws", "pairs"), [(0, PAIRS), (5, PAIRS[:, 0]), (5, PAIRS[..., :3]), (5, PAIRS[:0])])
def test_shapes(draws: int, pairs: Array) -> None:
    with pytest.raises(ValueError, match="expected draws and pairs"):
        gradient_pairs(WIDTHS, pairs, draws=draws, rng=stream(0, "gradient pairs"))
