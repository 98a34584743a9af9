"""An error of the stated size is refuted as often as promised, at the number of draws that the planners return."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from evidence import ChiSquareTest, CountTest, Finding, MeanTest, binomial_degrees, law
from evidence.finding import POWER
from evidence.mean import influence, smallest_shift
from tests.evidence.frequencies import at_least, at_most, refutations

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

Array = NDArray[np.float64]
Sampler = Callable[[np.random.Generator, tuple[int, ...]], Array]
ALPHA = 0.05
REPETITIONS = 2000


def rare(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Mean 0, variance 1, and nearly all of it in 2 % of the draws."""
    samples: Array = (np.where(rng.random(shape) < 0.02, 1.0, 0.0) - 0.02) / np.sqrt(0.02 * 0.98)
    return samples


def exponential(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.exponential(size=shape) - 1


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.standard_normal(shape)


@pytest.mark.parametrize("sampler", [normal, exponential, rare])
@pytest.mark.parametrize("direction", [-1, 1])
def test_a_shifted_mean_is_seen(sampler: Sampler, direction: int) -> None:
    error = 0.3
    rng = np.random.default_rng([1, direction + 1])

    def hits(expected: float) -> int:
        test = MeanTest(expected, variance=1.0, error=error, alpha=ALPHA, unit=1.0)
        return refutations([test(row) for row in samples])

    draws = MeanTest(1.0, variance=1.0, error=error, alpha=ALPHA).draws
    samples = 1 + sampler(rng, (REPETITIONS, draws))
    at_least(POWER, hits(1 + direction * error), REPETITIONS)
    at_most(ALPHA, hits(1.0), REPETITIONS)


@pytest.mark.parametrize("truth", [-3.0, 0.01, 5.0])
def test_an_error_is_relative_to_the_truth_or_to_a_unit(truth: float) -> None:
    """The same shift, said in both ways, needs the same draws and is seen by the same test."""
    relative = MeanTest(truth, variance=2.0, error=0.1, alpha=ALPHA)
    absolute = MeanTest(truth, variance=2.0, error=0.1 * abs(truth), alpha=ALPHA, unit=1.0)
    assert relative.draws == absolute.draws
    samples = truth + np.random.default_rng(7).standard_normal(relative.draws)
    seen = [test(samples, expected=1.5 * truth) for test in (relative, absolute)]
    assert float(seen[0].detectable) * abs(truth) == pytest.approx(seen[1].detectable)
    assert seen[0].effect * abs(truth) == pytest.approx(seen[1].effect)
    assert (seen[0].p_value, seen[0].miss) == (seen[1].p_value, seen[1].miss)


def test_draws_for_a_mean_are_not_wasted() -> None:
    """The shift they see is the stated one: 10 % fewer draws would not do."""
    for variance in (1e-6, 1.0, 1e6):
        for alpha in (1e-8, 0.05):
            draws = MeanTest(1.0, variance=variance, error=0.02, alpha=alpha).draws
            assert smallest_shift(draws, variance, alpha) <= 0.02
            assert draws < 300 or smallest_shift(int(0.9 * draws), variance, alpha) > 0.02


@pytest.mark.parametrize("scale", [1 / 1.4, 1.4])
@pytest.mark.parametrize("width", [3, None])
def test_a_scaled_chi_square_is_seen(scale: float, width: int | None) -> None:
    """With fixed degrees, and with those of the active ones among 6 units."""
    rng, repetitions = np.random.default_rng(2), 200
    test = ChiSquareTest(binomial_degrees(6) if width is None else width, error=0.4, alpha=ALPHA)
    draws = int(1.05 * test.draws)  # 1 in 64 of 6 units is dead
    observed = rng.binomial(6, 0.5, (repetitions, draws)) * 1.0 if width is None else np.full((repetitions, draws), 3.0)
    pivots = scale * 2 * rng.standard_gamma(observed / 2)
    pairs = list(zip(pivots, observed, strict=True))
    at_least(POWER, refutations([test(p, d) for p, d in pairs]), repetitions)
    at_most(ALPHA, refutations([test(p / scale, d) for p, d in pairs]), repetitions)


@pytest.mark.parametrize("count", [100, 1000, 100_000])
def test_the_detectable_error_of_a_scale_is_that_of_its_distance(count: int) -> None:
    """Two degrees are an exponential law: off by a factor f, its cdf is off by f^(-1/(f-1)) - f^(-f/(f-1)) at most.

    DKW needs a distance of (sqrt(log(2/alpha)) + sqrt(log(2/0.001))) / sqrt(2 N). The quantiles that are searched are
    0.02 apart; by the curvature at the maximum, e^2 times it, missing it by 0.01 costs 4e-4 of the distance.
    """
    pivots = 2 * np.random.default_rng(6).standard_exponential(count)
    detectable = ChiSquareTest(2.0, error=9.0, alpha=ALPHA)(pivots).detectable
    needed = (np.sqrt(np.log(2 / ALPHA)) + np.sqrt(np.log(2 / (1 - POWER)))) / np.sqrt(2 * count)
    factor = 1 + float(detectable)
    distance = factor ** (-1 / (factor - 1)) - factor ** (-factor / (factor - 1))
    assert needed * (1 - 1e-3) <= distance <= needed * (1 + 2e-3)


def test_a_reshaped_law_is_seen() -> None:
    """A law at exactly the detectable Kolmogorov distance, with the mean of the claimed one."""
    count, rng = 400, np.random.default_rng(3)
    probe = law(rng.random(count), measured=1.0, distance_of=lambda error: error, error=9.0, alpha=ALPHA)
    distance = float(probe.detectable)
    # Moving the middle out by an amount d on both sides: F(u) - u reaches +-d at 1/2 -+ 0, and the mean stays 1/2.
    uniforms = rng.random((REPETITIONS, count))
    spread = np.where(uniforms < 0.5, uniforms * (0.5 - distance) / 0.5, 1 - (1 - uniforms) * (0.5 - distance) / 0.5)
    assert stats.ks_1samp(spread.ravel(), stats.uniform.cdf).statistic == pytest.approx(distance, abs=5e-3)

    def hits(samples: Array) -> int:
        return refutations(
            [law(u, measured=1.0, distance_of=lambda error: error, error=distance, alpha=ALPHA) for u in samples]
        )

    at_least(POWER, hits(spread), REPETITIONS)
    at_most(ALPHA, hits(uniforms), REPETITIONS)


@pytest.mark.parametrize(("probability", "error"), [(0.5, 0.3), (0.5, 0.5), (0.25, 0.5), (0.1, 0.5), (0.9, 0.1)])
def test_a_wrong_probability_is_seen(probability: float, error: float) -> None:
    test, rng = CountTest(probability, error=error, alpha=ALPHA), np.random.default_rng(4)
    trials = test.trials

    @cache
    def find(successes: int) -> Finding:
        return test(successes, trials)

    for factor in (1 - error, 1 + error):
        seen = rng.binomial(trials, probability * factor, REPETITIONS)
        at_least(POWER, refutations([find(int(k)) for k in seen]), REPETITIONS)
    seen = rng.binomial(trials, probability, REPETITIONS)
    at_most(ALPHA, refutations([find(int(k)) for k in seen]), REPETITIONS)


@pytest.mark.parametrize("probability", [0.1, 0.5, 0.9])
def test_the_detectable_error_of_a_probability_is_exact(probability: float) -> None:
    """Enumerated: of an error upwards and one downwards, both are refuted with probability 0.999, one no more often."""
    trials = 600
    error = float(CountTest(probability, error=0.9, alpha=ALPHA)(0, trials).detectable)
    seen, claimed = np.arange(trials + 1), stats.binom(trials, probability)
    refuted = 2 * np.minimum(claimed.cdf(seen), claimed.sf(seen - 1)) <= ALPHA
    law_of = [stats.binom.pmf(seen, trials, probability * (1 + sign * error)) for sign in (-1, 1)]
    assert min(float(p[refuted].sum()) for p in law_of) == pytest.approx(POWER, abs=1e-6)


def test_fewer_draws_than_needed_are_inconclusive() -> None:
    rng = np.random.default_rng(5)
    mean = MeanTest(1.0, variance=1.0, error=0.1, alpha=1e-6)
    chi_square, count = ChiSquareTest(4.0, error=0.1, alpha=1e-6), CountTest(0.5, error=0.1, alpha=1e-6)
    few = count.trials // 2
    found = [
        mean(1 + normal(rng, (mean.draws // 2,))),
        chi_square(rng.chisquare(4, chi_square.draws // 2)),
        count(few // 2, few),
    ]
    assert [f.verdict for f in found] == ["inconclusive"] * 3
    assert [f.note for f in found] == [
        f"too few {samples} for the stated error" for samples in ("draws", "draws", "trials")
    ]


def test_the_influence_function_lies_between_its_logarithms() -> None:
    """Catoni & Giulini's inequality, on which every bound on a mean rests, and what their proof uses besides."""
    u = np.concatenate([np.linspace(-4, 4, 80_001), np.array([-np.sqrt(2), np.sqrt(2), -1e6, 1e6])])
    psi, rounding = influence(u), 4 * np.finfo(float).eps
    assert (psi <= np.log1p(u + u**2 / 2) + rounding).all()
    assert (psi >= -np.log1p(-u + u**2 / 2) - rounding).all()
    assert (np.diff(psi[:80_001]) >= 0).all()
    assert (influence(-u) == -psi).all()
    assert np.abs(psi).max() == pytest.approx(2 * np.sqrt(2) / 3, rel=1e-15)
