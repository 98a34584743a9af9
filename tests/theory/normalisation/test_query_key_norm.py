"""Bounds and mean squares of logits behind QK-norm."""

import numpy as np
import pytest

from theory.normalisation import query_key_norm


def test_the_bound_is_that_of_vectors_of_one_direction() -> None:
    q = np.array([1.0, -2.0, 0.5, 3.0])
    q *= 1.5 / np.sqrt((q**2).mean())
    assert float(query_key_norm.largest_logit(4, 1.5)) == pytest.approx(q @ q / 4**0.5)
    weights = np.exp([q @ q / 2, -q @ q / 2, -q @ q / 2])
    assert float(query_key_norm.largest_attention(3, 4, 1.5)) == pytest.approx(weights[0] / weights.sum())


@pytest.mark.parametrize("takes_mean", [True, False])
def test_mean_square_over_directions(takes_mean: bool) -> None:
    rng = np.random.default_rng(4)
    q, k = rng.normal(size=(2, 100_000, 5))
    if takes_mean:
        q, k = q - q.mean(axis=1, keepdims=True), k - k.mean(axis=1, keepdims=True)
    q, k = (1.2 * one / np.sqrt((one**2).mean(axis=1, keepdims=True)) for one in (q, k))
    logits = (q * k).sum(axis=1) / 5**0.5
    assert (logits**2).mean() == pytest.approx(float(query_key_norm.logit_mean_square(5, takes_mean, 1.2)), rel=0.03)


def test_rms_norm_gives_the_fourth_power_of_the_gain() -> None:
    assert query_key_norm.logit_mean_square(64, False, 2) == 16
    assert query_key_norm.largest_logit(64) == 8


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="head is 1"):
        query_key_norm.logit_mean_square(1, True)
    with pytest.raises(ValueError, match="gain is 0"):
        query_key_norm.largest_logit(4, 0)
