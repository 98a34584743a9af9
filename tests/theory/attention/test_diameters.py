"""Bounds of diameters and slopes against what can be attained, and against heads that are searched for worse."""

import numpy as np
import pytest

from theory.attention import diameters

RNG = np.random.default_rng(3)


def weights(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


def test_no_weights_are_further_apart() -> None:
    """Pairs of weights over four keys whose log ratio ranges over 1; with all keys at either end they come close."""
    bound, largest = float(diameters.variation().at({diameters.SPAN: 1})), 0.0
    for _ in range(3000):
        logits, change = RNG.normal(size=4), RNG.uniform(size=4).round(RNG.integers(3))
        one, other = weights(logits), weights(logits + change / max(np.ptp(change), 1e-9))
        largest = max(largest, np.abs(one - other).sum() / 2)
    assert 0.97 * bound < largest <= bound + 1e-12


def test_opposite_tokens_attain_both_bounds() -> None:
    b, v, x = 0.7, -1.3, np.array([0.9, -0.9])
    shares = weights(b * x[:, None] * x)
    apart = abs((shares[0] - shares[1]) @ x * v)
    assert apart == pytest.approx(float(diameters.largest_diameter(1.8, 1.3, 0.7)))
    slope = abs((shares[0] * x * x).sum() - (shares[0] @ x) ** 2) * abs(v) * 2.5 * 1.7
    undecided = 1 - (shares[0] ** 2).sum()
    assert slope == pytest.approx(float(diameters.largest_query_slope(undecided, 2.5, 1.8, 1.3, 1.7, 1)))


def test_layers_cube_the_logarithm() -> None:
    assert diameters.largest_diameter_behind(2, 0.1, 4) == pytest.approx(0.2**9 / 2)
    assert diameters.largest_diameter_behind(0, 0.1, 4) == pytest.approx(0.1)
    with pytest.raises(ValueError, match="constant"):
        diameters.largest_diameter_behind(1, 0.1, -4)
