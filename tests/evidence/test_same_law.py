"""Evidence of kind "same law": error rates, power, miss and refusals, for continuous laws and for laws with atoms."""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from evidence import Finding, draws_for_same_law, same_law
from evidence.finding import POWER, UNSURE
from tests.evidence.frequencies import at_least, at_most, refutations, superuniform

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]
Sampler = Callable[[np.random.Generator, tuple[int, ...]], Array]
ALPHA = 0.05
REPETITIONS = 2000


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)


def coin(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.where(rng.random(shape) < 0.5, 1.0, 0.0)


def poisson(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.poisson(3.0, shape).astype(np.float64)


def dead_or_not(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """The positive part of a normal: an atom at 0 beside a density."""
    return np.maximum(rng.standard_normal(shape), 0)


LAWS: list[Sampler] = [normal, coin, poisson, dead_or_not]


def find(first: Array, second: Array, error: float = 1.0, alpha: float = ALPHA) -> Finding:
    """Test samples of shape (draws, statistics)."""
    names = [f"s{i}" for i in range(first.shape[1])]
    sides = [dict(zip(names, side.T, strict=True)) for side in (first, second)]
    return same_law(*sides, error=error, alpha=alpha)


@pytest.mark.parametrize("sampler", LAWS)
@pytest.mark.parametrize("statistics", [1, 5])
def test_equal_laws_are_refuted_no_more_often_than_promised(sampler: Sampler, statistics: int) -> None:
    first, second = sampler(np.random.default_rng(1), (2, REPETITIONS, 100, statistics))
    found = [find(a, b) for a, b in zip(first, second, strict=True)]
    superuniform([f.p_value for f in found])
    at_most(ALPHA, refutations(found), REPETITIONS)
    assert [f.verdict == "refuted" for f in found] == [f.p_value is not None and f.p_value <= ALPHA for f in found]


def test_the_p_value_of_one_continuous_statistic_is_exact() -> None:
    """Walked: D of two samples of 6 reaches k / 6 in as many of their 924 orders as the p-value says."""
    count = 6
    orders = np.array([[(code >> i) & 1 for i in range(2 * count)] for code in range(4**count)])
    orders = orders[orders.sum(axis=1) == count]
    gaps = np.abs(np.cumsum(2 * orders - 1, axis=1)).max(axis=1)
    for order, gap in zip(orders[::50], gaps[::50], strict=True):
        places = np.arange(2.0 * count)[:, None]
        found = find(places[order == 1], places[order == 0])
        assert found.effect == gap / count
        assert found.p_value == pytest.approx(float(Fraction(int((gaps >= gap).sum()), len(gaps))), rel=1e-12)


@pytest.mark.parametrize("count", [1, 7, 300, 458, 10_000])
def test_the_distance_and_its_tail_are_scipys(count: int) -> None:
    rng = np.random.default_rng(2)
    for shift in (0.0, 1 / math.sqrt(count), -6 / math.sqrt(count)):
        for digits in (1, 15):  # with ties, and without
            first, second = rng.standard_normal((2, count)).round(digits)
            oracle = stats.ks_2samp(first, second + shift, method="exact")
            found = find(first[:, None], second[:, None] + shift)
            assert found.effect == pytest.approx(oracle.statistic, abs=1e-12)
            assert found.p_value == pytest.approx(oracle.pvalue, rel=1e-8)


def apart(sampler: Sampler, rng: np.random.Generator, shape: tuple[int, ...], distance: float) -> Array:
    """Samples whose law is at `distance` from that of `sampler`: so many of them are moved beyond all others."""
    return np.where(rng.random(shape) < distance, 100.0, sampler(rng, shape))


@pytest.mark.parametrize("sampler", LAWS)
@pytest.mark.parametrize("side", [0, 1])
def test_a_distance_in_one_statistic_is_seen(sampler: Sampler, side: int) -> None:
    """At the largest of the distances that this makes in any of the laws, all of it below 100."""
    error, statistics, repetitions = 0.3, 3, 1000
    draws = draws_for_same_law(statistics, error=error, alpha=ALPHA)
    rng = np.random.default_rng([3, side])
    first, second = sampler(rng, (2, repetitions, draws, statistics))
    at_most(ALPHA, refutations([find(a, b, error) for a, b in zip(first, second, strict=True)]), repetitions)
    (first, second)[side][..., 1] = apart(sampler, rng, (repetitions, draws), error)
    found = [find(a, b, error) for a, b in zip(first, second, strict=True)]
    at_least(POWER, refutations(found), repetitions)
    assert {str(f.measured).split(" in ")[1] for f in found} == {"s1"}


@pytest.mark.parametrize("count", [40, 100, 458])
@pytest.mark.parametrize("statistics", [1, 5])
def test_the_detectable_distance_is_seen(count: int, statistics: int) -> None:
    """The hardest place for it is the middle: coins of probability 1/2 -+ d/2, whose power is enumerated."""
    distance = float(find(np.zeros((count, statistics)), np.zeros((count, statistics))).detectable)
    heads = np.arange(count + 1)
    gaps = np.abs(heads[:, None] - heads) / count
    law_of = [stats.binom.pmf(heads, count, 0.5 + sign * distance / 2) for sign in (-1, 1)]
    sizes = np.arange(count + 1)
    tails = [statistics * find_gap(int(gap), count) for gap in sizes]
    critical = int(np.argmax(np.array(tails) <= ALPHA)) / count
    power = float(law_of[0] @ (gaps >= critical - 1e-12) @ law_of[1])
    assert power >= POWER
    assert distance == pytest.approx(critical + math.sqrt(math.log(1000) / count), rel=1e-12)


def find_gap(gap: int, count: int) -> float:
    """Return the p-value of one statistic whose D is gap / count."""
    places = np.arange(1.0 * count)[:, None]
    found = find(places, places + gap - 0.5 if gap else places)
    assert found.effect == gap / count
    assert found.p_value is not None
    return found.p_value


@pytest.mark.parametrize("error", [0.02, 0.1, 0.2])
@pytest.mark.parametrize("alpha", [1e-8, ALPHA])
def test_draws_for_the_same_law_suffice_and_are_not_wasted(error: float, alpha: float) -> None:
    draws = draws_for_same_law(4, error=error, alpha=alpha)
    for count in (draws, draws + 1, draws + 17, 2 * draws):
        assert find(np.zeros((count, 4)), np.zeros((count, 4)), error, alpha).verdict == "held"
    few = int(0.9 * draws)
    assert few < 458 or find(np.zeros((few, 4)), np.zeros((few, 4)), error, alpha).verdict == "inconclusive"


def test_the_bound_that_plans_holds_from_458_samples_on() -> None:
    """Wei & Dudley's threshold, replayed; plans do not go below it."""
    for count in (457, 458, 1000):
        ratios = [find_gap(gap, count) / (2 * math.exp(-(gap**2) / count)) for gap in range(1, 3 * math.isqrt(count))]
        assert (max(ratios) <= 1) == (count >= 458)
    assert draws_for_same_law(1, error=1.0, alpha=ALPHA) == 458


def test_more_statistics_need_more_draws() -> None:
    """The level is divided among them: 4 draws a side tell two laws apart at 1/20, but not one of two pairs."""
    draws = np.arange(4.0)[:, None]
    one, two = find(draws, draws + 9), find(np.hstack([draws, draws]), np.hstack([draws + 9, draws]))
    assert (one.verdict, two.verdict) == ("refuted", "inconclusive")
    assert one.p_value == pytest.approx(1 / 35)
    assert two.p_value == pytest.approx(2 / 35)


def test_miss_is_seldom_below_the_frequency_of_surviving(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a confidence bound allowed to fail in 1 of 20 cases; coins, for which Hoeffding's bound is nearly sharp."""
    unsure, draws, rng = 0.05, 400, np.random.default_rng(4)
    monkeypatch.setattr(importlib.import_module("evidence.same_law"), "UNSURE", unsure)
    for distance in (0.14, 0.3):
        heads = [0.5 - distance / 2, 0.5 + distance / 2]
        first, second = (1.0 * (rng.random((REPETITIONS, draws, 1)) < p) for p in heads)
        found = [find(a, b) for a, b in zip(first, second, strict=True)]
        survivors = REPETITIONS - refutations(found)
        told = np.array([f.miss - unsure for f in found if f.verdict == "refuted"])
        at_most(unsure, int((told < survivors / REPETITIONS).sum()), REPETITIONS)
        assert all(f.miss == 1 for f in found if f.verdict != "refuted")
        assert (survivors > 0.05 * REPETITIONS) if distance < 0.2 else (np.median(told) < 0.5), "it says something"


@pytest.mark.parametrize("statistics", [1, 5])
def test_miss_is_that_of_a_confidence_bound(statistics: int) -> None:
    """Written out: DKW bands for all statistics on both sides below the distance seen, then Hoeffding's bound."""
    count, gap = 2000, 560
    places = np.tile(np.arange(1.0 * count)[:, None], statistics)
    found = find(places, places + gap - 0.5)
    band = math.sqrt(math.log(2 * 2 * statistics / UNSURE) / (2 * count))
    critical = float(found.detectable) - math.sqrt(math.log(1000) / count)
    chance = math.exp(-2 * (gap / count - 2 * band - critical) ** 2 / (2 * count / count**2))
    assert UNSURE < chance < 1e-3
    assert found.miss == pytest.approx(chance + UNSURE, rel=1e-9)


def test_miss_of_laws_far_apart_is_small() -> None:
    first, second = np.random.default_rng(5).random((2, 2000, 3))
    found = find(first, second + 0.7, alpha=1e-8)
    assert found.verdict == "refuted"
    assert UNSURE <= found.miss < 10 * UNSURE


def test_what_is_shown() -> None:
    first = {"norm": np.arange(1000.0), "loss": np.arange(1000.0)}
    found = same_law(first, first | {"loss": first["loss"] + 13}, error=0.3, alpha=1e-6)
    assert (found.kind, found.expected, found.measured) == ("same law", "same law", "distance 0.013 in loss")
    assert (found.verdict, found.effect, found.miss) == ("held", 0.013, 1.0)


X = np.arange(500.0)
DOUBTFUL: dict[str, tuple[dict[str, Array], dict[str, Array], str]] = {
    "no statistics": ({}, {}, "any statistic"),
    "no samples": ({"loss": X[:0]}, {"loss": X[:0]}, "loss"),
    "few samples": ({"loss": X[:50]}, {"loss": X[:50]}, "few"),
    **{
        f"{value} on side {side + 1}": (
            {"norm": X, "loss": np.where((X == 7) & (side == 0), value, X)},
            {"norm": X + 1e6, "loss": np.where((X == 7) & (side == 1), value, X)},
            "loss",
        )
        for value in (math.nan, math.inf, -math.inf)
        for side in (0, 1)
    },
}


@pytest.mark.parametrize(("first", "second", "says"), DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_what_cannot_be_judged_is_inconclusive(first: dict[str, Array], second: dict[str, Array], says: str) -> None:
    found = same_law(first, second, error=0.3, alpha=1e-6)
    assert found.verdict == "inconclusive"
    assert says in found.note
    assert found.miss == 1


def test_a_distance_above_1_is_no_power() -> None:
    assert find(X[:2, None], X[:2, None], error=9.0).verdict == "inconclusive"


REFUSED: dict[str, tuple[dict[str, Array], dict[str, Array], str]] = {
    "other names": ({"loss": X, "norm": X}, {"loss": X, "angle": X}, "angle, norm"),
    "a missing name": ({"loss": X, "norm": X}, {"loss": X}, "norm"),
    "other numbers of samples": ({"loss": X}, {"loss": X[:9]}, r"\(500,\) and \(9,\) of loss"),
    "samples on one side": ({"loss": X[:0]}, {"loss": X}, r"\(0,\) and \(500,\) of loss"),
    "statistics of other numbers": ({"loss": X, "norm": X[:9]}, {"loss": X, "norm": X[:9]}, "norm"),
    "two values a draw": ({"loss": X[:, None]}, {"loss": X[:, None]}, "loss"),
}


@pytest.mark.parametrize(("first", "second", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_sides_that_differ_are_refused(first: dict[str, Array], second: dict[str, Array], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        same_law(first, second, error=0.3, alpha=ALPHA)


@pytest.mark.parametrize(("statistics", "error", "alpha"), [(0, 0.1, 0.1), (1, 0.0, 0.1), (1, 1.1, 0.1), (1, 0.1, 0.0)])
def test_plans_that_make_no_sense_are_refused(statistics: int, error: float, alpha: float) -> None:
    with pytest.raises(ValueError, match="no plan"):
        draws_for_same_law(statistics, error=error, alpha=alpha)
