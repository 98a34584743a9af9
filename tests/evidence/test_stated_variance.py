"""A variance that is stated of samples is tested on them: understated ones are refused, true ones hardly ever."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from numpy.typing import NDArray

from evidence import MeanTest
from evidence.mean import OF_VARIANCE
from evidence.stated_variance import chance_of_variance
from simulations import stream
from tests.evidence.frequencies import at_most, superuniform

Array = NDArray[np.float64]


def growth(rng: np.random.Generator, draws: int) -> Array:
    """Log-normal samples of mean 2 and variance 1.53, as the square norm behind a narrow residual block has them."""
    spread = math.log(1 + 1.53 / 4)
    return rng.lognormal(math.log(2) - spread / 2, math.sqrt(spread), draws)


def test_a_claim_off_by_5_percent_is_not_held_by_an_understated_variance() -> None:
    """A variance of 0.001 where 1.53 is true asks for some 130 draws, which see nothing of 2 %."""
    rng, verdicts = stream(0, "understated"), Counter[str]()
    for _ in range(155):
        test = MeanTest(2.1, variance=0.001, error=0.02, alpha=1e-8)
        found = test(growth(rng, test.draws))
        verdicts[found.verdict] += 1
        assert found.verdict != "inconclusive" or "refutes the stated 0.001; state a true bound" in found.note
    assert verdicts["held"] == 0
    assert verdicts["inconclusive"] > 0


def test_a_true_variance_is_kept() -> None:
    test = MeanTest(2.0, variance=1.53, error=0.02, alpha=1e-6)
    assert test(growth(stream(0, "true"), test.draws)).verdict == "held"


@pytest.mark.slow
@pytest.mark.parametrize("law", ["normal", "coins", "rare", "log-normal"])
def test_a_true_variance_is_refused_at_most_as_often_as_said(law: str) -> None:
    """1,000 repetitions, down to the level of 0.01: laws of variance 1 of light tails, of two points, and of heavy."""
    rng, shape = stream(1, law), (1000, 60)
    spread = math.sqrt(math.log(1 + 1 / 4))
    samples = {
        "normal": rng.standard_normal(shape),
        "coins": rng.choice([-1.0, 1.0], shape),
        "rare": (rng.random(shape) < 0.01) / math.sqrt(0.01 * 0.99),
        "log-normal": rng.lognormal(math.log(2) - spread**2 / 2, spread, shape),
    }[law]
    chances = [chance_of_variance(row, 1.0) for row in samples]
    superuniform(chances)
    at_most(OF_VARIANCE, sum(chance <= OF_VARIANCE for chance in chances), 1000)


def test_larger_variances_are_seen_by_light_and_by_rare_samples() -> None:
    rng = stream(2, "seen")
    normal = rng.standard_normal(10_000)
    assert chance_of_variance(math.sqrt(1.5) * normal, 1.0) < 1e-10
    rare = np.where(rng.random(10_000) < 0.01, 100.0, 0.0)
    assert chance_of_variance(rare, 20.0) < 1e-10  # their variance is 99
    assert chance_of_variance(rare, 99.0) > 1e-3


def test_the_chance_needs_two_samples_and_bears_any_size() -> None:
    assert chance_of_variance(np.ones(1), 1.0) == 1
    assert chance_of_variance(np.array([1e308, -1e308]), 1e-300) < 0.1


def test_the_power_against_a_mutant_is_not_that_of_a_wrong_variance() -> None:
    """Where the samples refute the stated variance the closed form of the miss counts no more."""
    samples = growth(stream(3, "miss"), 200)
    test = MeanTest(2.0, variance=0.001, error=0.02, alpha=1e-6)
    assert test(samples, expected=2.5).miss > 0.5
