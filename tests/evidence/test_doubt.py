"""What cannot be judged is inconclusive or refused, never held or refuted; and how parts combine."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from evidence import (
    ChiSquareTest,
    CountTest,
    Finding,
    MeanTest,
    all_of,
    binomial_degrees,
    identity,
    inconclusive,
    inequality,
    law,
    rate,
)
from evidence.finding import UNSURE
from tests.evidence.frequencies import at_least, at_most

RNG = np.random.default_rng(0)
NORMAL = RNG.standard_normal(1000)
ONES = np.ones(1000)
NOTHING = np.array([])
X = np.array([1.0, 2.0, 3.0])


def spoiled(value: float) -> np.ndarray:
    return np.where(np.arange(1000) == 7, value, ONES)


def a_law(uniforms: np.ndarray) -> Finding:
    return law(uniforms, measured=1.0, distance_of=lambda error: error, error=9.0, alpha=0.05)


def a_mean(samples: np.ndarray, expected: float = 1.0, variance: float = 1.0, alpha: float = 0.05) -> Finding:
    return MeanTest(expected, variance=variance, error=9.0, alpha=alpha)(samples)


def a_chi_square(statistics: np.ndarray, degrees: np.ndarray | None) -> Finding:
    return ChiSquareTest(binomial_degrees(6), error=9.0, alpha=0.05)(statistics, degrees)


def a_count(successes: int, trials: int, probability: float = 0.5) -> Finding:
    return CountTest(probability, error=0.9, alpha=0.05)(successes, trials)


DOUBTFUL: dict[str, Callable[[], Finding]] = {
    "mean of nothing": lambda: a_mean(NOTHING),
    "mean of NaN": lambda: a_mean(spoiled(math.nan)),
    "mean of an infinite sample": lambda: a_mean(spoiled(math.inf)),
    "mean without variance": lambda: a_mean(ONES, variance=0.0),
    "mean of negative variance": lambda: a_mean(ONES, variance=-1.0),
    "mean of NaN variance": lambda: a_mean(ONES, variance=math.nan),
    "mean that is NaN": lambda: a_mean(ONES, expected=math.nan),
    "mean relative to 0": lambda: a_mean(ONES, expected=0.0),
    "mean of one draw": lambda: a_mean(np.array([50.0])),
    "law of nothing": lambda: a_law(NOTHING),
    "law of NaN": lambda: a_law(spoiled(math.nan)),
    "chi-square of nothing": lambda: a_chi_square(NOTHING, NOTHING),
    "chi-square without degrees": lambda: a_chi_square(ONES, 0 * ONES),
    "chi-square of NaN": lambda: a_chi_square(spoiled(math.nan), ONES),
    "chi-square of an infinite sample": lambda: a_chi_square(RNG.chisquare(1, 1000) + spoiled(math.inf) - 1, ONES),
    "chi-square of NaN degrees": lambda: a_chi_square(RNG.chisquare(1, 1000), spoiled(math.nan)),
    "count of nothing": lambda: a_count(0, 0),
    "count of certain events": lambda: a_count(10, 10, probability=1.0),
    "count of NaN probability": lambda: a_count(5, 10, probability=math.nan),
    "identity of nothing": lambda: identity(NOTHING, NOTHING, rounding=1.0),
    "identity of NaN": lambda: identity(spoiled(math.nan), ONES, rounding=1.0),
    "identity of infinities": lambda: identity(spoiled(math.inf), spoiled(math.inf), rounding=1.0),
    "identity up to infinity": lambda: identity(ONES, ONES, rounding=math.inf),
    "identity up to NaN": lambda: identity(ONES, ONES, rounding=math.nan),
    "identity up to less than nothing": lambda: identity(ONES, ONES, rounding=-1.0),
    "inequality of nothing": lambda: inequality(NOTHING, NOTHING, rounding=0.0),
    "inequality of NaN": lambda: inequality(ONES, spoiled(math.nan), rounding=0.0),
    "vacuous inequality": lambda: inequality(ONES, -ONES, rounding=0.0),
    "rate of nothing": lambda: rate(X, np.empty((0, 3)), expected=1.0, bias=0.1),
    "rate of NaN": lambda: rate(X, np.full((4, 3), math.nan), expected=1.0, bias=0.1),
    "rate of infinities": lambda: rate(X, np.array([[1.0, 2.0, math.inf]]), expected=1.0, bias=0.1),
}


@pytest.mark.parametrize("test", DOUBTFUL.values(), ids=DOUBTFUL.keys())
def test_what_cannot_be_judged_is_inconclusive(test: Callable[[], Finding]) -> None:
    found = test()
    assert found.verdict == "inconclusive"
    assert found.note
    assert found.miss == 1
    assert found.p_value is None or found.p_value > 0.05


REFUSED: dict[str, tuple[Callable[[], object], str]] = {
    "more successes than trials": (lambda: a_count(11, 10), "11"),
    "fewer successes than none": (lambda: a_count(-1, 10), "-1"),
    "degrees of another number": (lambda: a_chi_square(ONES, ONES[:1]), "degrees"),
    "degrees of a mixture that nobody tells": (lambda: a_chi_square(ONES, None), "degrees"),
    "two samples a draw": (lambda: a_mean(np.ones((9, 2))), "one sample a draw"),
    "more degrees than samples": (lambda: a_chi_square(ONES[:1], ONES), "degrees"),
    "uniforms above 1": (lambda: a_law(1.5 * ONES), "0 and 1"),
    "sides of different sizes": (lambda: identity(ONES, ONES[:7], rounding=1.0), "shape"),
    "points of different numbers": (lambda: rate(X, np.ones((4, 2)), expected=1.0, bias=0.1), "."),
    "a slope through one point": (lambda: rate(X[:1], np.ones((4, 1)), expected=1.0, bias=0.1), "two"),
    "a slope through equal points": (lambda: rate(ONES, np.ones((4, 1000)), expected=1.0, bias=0.1), "two"),
    "draws for a negative variance": (lambda: MeanTest(1.0, variance=-1.0, error=0.1, alpha=0.05).draws, "variance"),
    "draws for an infinite variance": (
        lambda: MeanTest(1.0, variance=math.inf, error=0.1, alpha=0.05).draws,
        "variance",
    ),
    "draws for no error": (lambda: MeanTest(1.0, variance=1.0, error=0.0, alpha=0.05).draws, "error"),
    "draws for an error relative to 0": (lambda: MeanTest(0.0, variance=1.0, error=0.1, alpha=0.05).draws, "unit"),
    "an impossible error of a probability": (lambda: CountTest(0.9, error=0.5, alpha=0.05).trials, "error"),
    "no parts": (lambda: all_of([]), "at least one"),
}


@pytest.mark.parametrize(("test", "says"), REFUSED.values(), ids=REFUSED.keys())
def test_what_makes_no_sense_is_refused(test: Callable[[], object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        test()


def part(verdict: str, p_value: float | None = None, **changes: object) -> Finding:
    blank = inconclusive("part", verdict)
    return replace(blank, verdict=verdict, p_value=p_value, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        (["held"], "held"),
        (["held", "held"], "held"),
        (["held", "inconclusive"], "inconclusive"),
        (["inconclusive", "refuted", "held"], "refuted"),
    ],
)
def test_parts_combine(verdicts: list[str], expected: str) -> None:
    assert all_of([part(v) for v in verdicts]).verdict == expected


def test_the_numbers_of_the_whole() -> None:
    held = part("held", 0.4, measured=1.0, detectable=0.1, non_vacuous=0.7)
    refuted = part("refuted", 1e-9, measured=2.0, detectable=0.2, miss=1e-3)
    louder = part("refuted", 1e-8, measured=3.0, detectable="text", miss=1e-5, non_vacuous=0.3)
    whole = all_of([held, refuted, louder])
    assert whole.p_value == pytest.approx(3e-9)
    assert (whole.measured, whole.detectable, whole.non_vacuous) == (3.0, "text", 0.5)
    # The smaller of two bounds is right only if both are.
    assert whole.miss == pytest.approx(1e-5 + UNSURE, rel=1e-6)
    assert all_of([part("held", 0.4), part("held", 0.9)]).p_value == pytest.approx(0.8)
    assert all_of([part("held"), part("held")]).p_value is None
    finer, coarser = part("held", detectable=0.02), part("held", detectable=0.1)
    assert all_of([finer, coarser]).detectable == "2.0% to 10.0%"
    assert all_of([coarser, finer]).detectable == 0.1
    doubtful = part("inconclusive", measured=5.0)
    assert all_of([held, doubtful]).measured == 5.0


@pytest.mark.slow
def test_tests_at_a_share_of_alpha_stay_within_it() -> None:
    """Five tests of true claims at a fifth of alpha each: at most alpha of the combinations are refuted."""
    repetitions, parts, alpha = 500, 5, 0.2
    samples = np.random.default_rng(1).random((repetitions, parts, 40))
    combined = [
        all_of([law(u, measured=1, distance_of=lambda e: e, error=9, alpha=alpha / parts) for u in row])
        for row in samples
    ]
    refuted = [f.verdict == "refuted" for f in combined]
    assert refuted == [f.p_value is not None and f.p_value <= alpha for f in combined]
    # Independent uniform p-values: refuted with probability 1 - (1 - 0.2 / 5)^5 = 0.185, not more and not less.
    share = 1 - (1 - alpha / parts) ** parts
    at_most(share, sum(refuted), repetitions)
    at_least(share, sum(refuted), repetitions)
