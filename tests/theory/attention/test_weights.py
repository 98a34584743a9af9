"""Attention weights against quoted numbers and NumPy."""

import numpy as np
import pytest

from theory.attention import weights


@pytest.mark.parametrize(
    ("keys", "deviation", "told"), [(256, 0.5, 1.2815), (256, 1, 2.649), (16, 0.5, 1.2515), (16, 2, 5.06)]
)
def test_participation(keys: int, deviation: float, told: float) -> None:
    """Quoted from a simulation, to its last digit."""
    assert weights.participation(keys, deviation) == pytest.approx(told, rel=2e-3)


def test_participation_in_its_limits() -> None:
    assert weights.participation(12, 0.01) == pytest.approx(float(weights.small_participation(12, 0.01)), rel=1e-7)
    assert weights.participation(10**6, 0.5) == pytest.approx(float(weights.participation_of_many(0.5)), rel=1e-4)
    assert weights.participation(1, 2.0) == pytest.approx(1)


def test_mean_entropy() -> None:
    assert np.log(8) - weights.mean_entropy(8, 0.3) == pytest.approx(0.03863, abs=3e-4)
    drawn = np.exp(np.random.default_rng(1).normal(0, 1.5, (100_000, 4)))
    drawn /= drawn.sum(axis=1, keepdims=True)
    entropies = -(drawn * np.log(drawn)).sum(axis=1)
    assert weights.mean_entropy(4, 1.5) == pytest.approx(entropies.mean(), abs=6 * entropies.std() / 316)


def test_causal_shares() -> None:
    assert float(weights.causal_weight(6, 1)) == pytest.approx(0.40833, abs=5e-6)
    assert float(weights.causal_weight(6, 6)) == pytest.approx(1 / 36)
    assert sum(weights.causal_weight(7, key) for key in range(1, 8)) == 1
    with pytest.raises(ValueError, match="key 7 of 6"):
        weights.causal_weight(6, 7)
