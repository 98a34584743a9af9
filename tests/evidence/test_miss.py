"""`miss` bounds the probability that fresh draws would not refute: it is at least the frequency with which they do not.

The settings are chosen so that this frequency can be measured. Every refuted finding's own bound must stand, the
smallest among them included: each fails with probability `UNSURE`.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from evidence import CountTest, Finding, MeanTest, identity, law
from evidence.finding import UNSURE
from evidence.mean import smallest_shift
from tests.evidence.frequencies import at_most

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]
ALPHA = 0.05
REPETITIONS = 3000


def check(findings: list[Finding], low: float, high: float) -> float:
    """Assert that the smallest miss is no lower than the frequency of surviving; return that frequency."""
    survivors = sum(f.verdict != "refuted" for f in findings)
    frequency = survivors / len(findings)
    assert low <= frequency <= high, f"{frequency:.3f} survive: the setting measures nothing"
    at_most(min(f.miss for f in findings if f.verdict == "refuted"), survivors, len(findings))
    return frequency


@pytest.mark.parametrize("shift", [-0.75, 0.75])
def test_of_a_mean_whose_truth_is_told(shift: float) -> None:
    """The closed form, for shifts below the detectable one."""
    draws, rng = 200, np.random.default_rng(1)
    expected = 1 + shift * smallest_shift(draws, 1.0, ALPHA)
    samples = 1 + rng.standard_normal((REPETITIONS, draws))
    test = MeanTest(1.0, variance=1.0, error=9.0, alpha=ALPHA)
    found = [test(x, expected) for x in samples]
    frequency = check(found, 0.001, 0.9)
    told = [f.miss for f in found if f.verdict == "refuted"]
    assert frequency < np.median(told) < 1, "the bound says something"


@pytest.mark.parametrize("heavy", [False, True])
def test_of_a_mean_that_was_only_seen(heavy: bool) -> None:
    """The empirical Bernstein branch: the simulation is wrong, so nothing is known of its law."""
    draws, rng = 400, np.random.default_rng(2)
    shape = (REPETITIONS, draws)
    noise = (rng.random(shape) < 0.05) / np.sqrt(0.05 * 0.95) if heavy else rng.standard_normal(shape)
    samples = 1 + noise + (0.0 if heavy else 0.2)
    check(list(map(MeanTest(1.0, variance=1.0, error=9.0, alpha=ALPHA), samples)), 0.0, 0.95)


def test_of_a_mean_far_off_is_small() -> None:
    samples = 3 + np.random.default_rng(3).standard_normal((100, 2000))
    found = map(MeanTest(1.0, variance=1.0, error=9.0, alpha=1e-6), samples)
    assert all(f.verdict == "refuted" and UNSURE <= f.miss < 10 * UNSURE for f in found)


@pytest.mark.parametrize(("direction", "distance"), [(-1, 0.08), (1, 0.12)])
def test_of_a_law(direction: int, distance: float) -> None:
    count = 200
    uniforms = np.random.default_rng(4).random((REPETITIONS // 2, count))
    samples = np.where(uniforms < distance, 0.0, (uniforms - distance) / (1 - distance))
    check([_law(x if direction < 0 else 1 - x) for x in samples], 0.02, 0.7)


def _law(uniforms: Array) -> Finding:
    return law(uniforms, measured=1.0, distance_of=lambda error: error, error=9.0, alpha=ALPHA)


def test_of_a_law_far_off_is_small() -> None:
    uniforms = np.random.default_rng(5).random((100, 2000)) * 0.7
    assert all(f.verdict == "refuted" and UNSURE <= f.miss < 1e-6 for f in map(_law, uniforms))


@pytest.mark.parametrize("probability", [0.3, 0.5, 0.8])
@pytest.mark.parametrize("offset", [-0.12, -0.06, 0.0, 0.06, 0.12])
def test_of_counts(probability: float, offset: float) -> None:
    """The true probability may be nearer to the claimed one than the confidence bound is, or beyond it."""
    trials = 100
    seen = np.random.default_rng(6).binomial(trials, probability + offset, REPETITIONS)
    test = CountTest(probability, error=0.9, alpha=ALPHA)
    by_count = {k: test(int(k), trials) for k in np.unique(seen)}
    check([by_count[k] for k in seen], 0.02, 1.0)


def test_of_counts_far_off_is_small() -> None:
    for seen in (100, 900):
        assert UNSURE <= CountTest(0.5, error=0.9, alpha=1e-6)(seen, 1000).miss < 10 * UNSURE


@pytest.mark.parametrize("probability", [0.01, 0.05, 0.2])
def test_of_an_identity(probability: float) -> None:
    """N draws of which each violates with probability q: none does with probability (1 - q)^N."""
    draws = int(1.5 / probability)
    violated = np.random.default_rng(7).random((REPETITIONS, draws)) < probability
    check([identity(1.0 * v, np.zeros(draws), rounding=0.5) for v in violated], 0.05, 0.5)


def test_of_an_identity_often_violated_is_small() -> None:
    left = (np.arange(1000) % 2).astype(float)
    assert UNSURE <= identity(left, np.zeros(1000), rounding=0.5).miss < 10 * UNSURE
    assert identity(left, np.zeros(1000), rounding=0.5, chance=False).miss == 0
    assert identity(np.zeros(1000), np.zeros(1000), rounding=0.5).miss == 1


BOUNDS: list[Callable[[Array], Finding]] = [
    MeanTest(0.0, variance=1.0, error=9.0, alpha=ALPHA, unit=1.0),
    lambda x: _law(np.abs(np.tanh(x))),
    lambda x: CountTest(0.5, error=0.9, alpha=ALPHA)(int((x > 0).sum()), x.size),
    lambda x: identity(x, x, rounding=0.0),
]


@pytest.mark.parametrize("test", BOUNDS)
def test_what_is_not_refuted_may_always_survive(test: Callable[[Array], Finding]) -> None:
    samples = np.random.default_rng(8).standard_normal((30, 50))
    found = [test(x) for x in samples]
    assert all(f.miss == 1 for f in found if f.verdict != "refuted")
    assert all(0 < f.miss <= 1 for f in found)
