"""Heads among fair coins have SciPy's binomial law, on both sides of the switch from counting to drawing."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from simulations import stream
from simulations.numbers.coins import MOST_COUNTED, heads

DRAWS = 200_000
ALPHA = 1e-9
"""False alarms of each test; one coin too many is seen, at the widest too."""


@pytest.mark.parametrize("coins", [1, 3, 63, 64, 65, 200, MOST_COUNTED, MOST_COUNTED + 1])
def test_heads_are_binomial(coins: int) -> None:
    counts = np.bincount(heads(stream(0, "coins", coins), coins, DRAWS), minlength=coins + 1)
    assert _is_fair(counts, coins)
    too_many = np.bincount(heads(stream(0, "coins", coins), coins + 1, DRAWS), minlength=coins + 2)
    assert not _is_fair(too_many[: coins + 1], coins)


def _is_fair(counts: NDArray[np.int64], coins: int) -> bool:
    """Test counts by chi-square, those of rare numbers of heads put together."""
    expected = DRAWS * stats.binom.pmf(np.arange(coins + 1), coins, 0.5)
    often = expected > 20
    seen = np.append(counts[often], DRAWS - counts[often].sum())
    means = np.append(expected[often], DRAWS - expected[often].sum())
    kept = means > 1e-6
    statistic = ((seen[kept] - means[kept]) ** 2 / means[kept]).sum() + (1e9 if seen[~kept].any() else 0)
    return bool(stats.chi2.sf(statistic, kept.sum() - 1) > ALPHA)


def test_coins_of_one_draw_are_whole_numbers_and_none_gives_none() -> None:
    assert heads(stream(0, "none"), 0, 5).tolist() == [0] * 5
    assert heads(stream(0, "whole"), 70, 5).dtype == np.int64


def test_draws_do_not_depend_on_each_other() -> None:
    one, two = heads(stream(0, "pairs"), 100, 2 * DRAWS).reshape(DRAWS, 2).T
    assert abs(np.corrcoef(one, two)[0, 1]) < 6 / DRAWS**0.5
