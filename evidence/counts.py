"""Counts: a number of successes in independent trials, tested by the exact binomial law."""

from __future__ import annotations

import math
from dataclasses import KW_ONLY, dataclass
from functools import cache
from numbers import Integral
from typing import SupportsFloat

from scipy import optimize, stats

from evidence.finding import POWER, UNSURE, Finding, inconclusive, judged, sensible

MOST_TRIALS = 1e12


@dataclass(frozen=True)
class CountTest:
    """A test of a probability: planned from what theory says it is, then called with a number of successes.

    Parameters
    ----------
    probability : float
        What theory says the probability of a success is.
    error : float
        The error that must be seen with probability 0.999, relative to the probability.
    alpha : float
        The probability of refuting a true claim.

    Examples
    --------
    >>> test = CountTest(0.5, error=0.1, alpha=1e-6)
    >>> test(int(0.501 * test.trials), test.trials).verdict
    'held'
    >>> test(int(0.501 * test.trials), test.trials, expected=0.6).verdict
    'refuted'
    """

    probability: float
    _: KW_ONLY
    error: float
    alpha: float

    @property
    def trials(self) -> int:
        """The number of independent trials with which the stated error is seen with probability 0.999.

        Raises
        ------
        ValueError
            If `error` is not positive, or takes the probability above 1 or below 0, `alpha` is no probability, or no
            number of trials would do.
        """
        sensible(error=self.error, alpha=self.alpha)
        return _trials(self.probability, self.error, self.alpha)

    def __call__(self, successes: int, trials: int, expected: SupportsFloat | None = None) -> Finding:
        """Test that each of `trials` independent trials succeeds with the probability `expected`, by default theory's.

        Raises
        ------
        ValueError
            If there are more successes than trials, fewer than none, or they are no whole numbers, or the plan makes
            no sense.
        """
        sensible(error=self.error, alpha=self.alpha)
        successes, trials = whole(successes, trials)
        probability = self.probability if expected is None else float(expected)
        if trials < 1 or not 0 < probability < 1:
            return inconclusive("counts", f"{trials} trials, probability {probability}", expected=probability)
        law = stats.binom(trials, probability)
        p_value = min(1.0, 2 * float(min(law.cdf(successes), law.sf(successes - 1))))
        low, high = _acceptance(trials, probability, self.alpha)
        refuted = p_value <= self.alpha
        return judged(
            "counts",
            refuted=refuted,
            p_value=p_value,
            expected=probability,
            measured=successes / trials,
            detectable=_smallest_error(trials, probability, low, high),
            error=self.error,
            effect=abs(successes / trials / probability - 1),
            miss=_miss(successes, trials, low, high) if refuted else 1.0,
            samples="trials",
        )


def whole(successes: int, trials: int) -> tuple[int, int]:
    """Return both as Python's whole numbers.

    Raises
    ------
    ValueError
        If there are more successes than trials, fewer than none, or they are no whole numbers.
    """
    if not (isinstance(successes, Integral) and isinstance(trials, Integral) and 0 <= successes <= trials):
        raise ValueError(f"expected whole numbers, from 0 to all trials, got {successes} successes in {trials} trials")
    return int(successes), int(trials)


@cache
def _trials(probability: float, error: float, alpha: float) -> int:
    if not (0 < probability < 1 and 0 < error <= min(1.0, 1 / probability - 1)):
        raise ValueError(f"a relative error of {error} does not fit a probability of {probability}")
    spread = float(stats.norm.isf(alpha / 2) + stats.norm.isf(1 - POWER))
    if not (1 - probability) / probability / error**2 < MOST_TRIALS:
        raise ValueError(f"no number of trials sees a relative error of {error} of a probability of {probability}")
    trials = math.ceil(1.1 * spread**2 * (1 - probability) / (probability * error**2)) + 20
    while _smallest_error(trials, probability, *_acceptance(trials, probability, alpha)) > error:
        trials = math.ceil(1.02 * trials)
    return trials


def _acceptance(trials: int, probability: float, alpha: float) -> tuple[int, int]:
    """Return the smallest and largest number of successes whose two-sided p-value is above `alpha`."""
    law = stats.binom(trials, probability)
    return int(law.ppf(alpha / 2)), int(law.isf(alpha / 2))


def _smallest_error(trials: int, probability: float, low: int, high: int) -> float:
    def shortfall(error: float) -> float:
        power = min(
            1 - _inside(trials, min(1.0, probability * (1 + error)), low, high),
            1 - _inside(trials, max(0.0, probability * (1 - error)), low, high),
        )
        return power - POWER

    largest = min(1.0, 1 / probability - 1)
    return float(optimize.brentq(shortfall, 0, largest, rtol=1e-6)) if shortfall(largest) > 0 else math.inf


def _inside(trials: int, probability: float, low: int, high: int) -> float:
    below, upto = stats.binom.cdf([low - 1, high], trials, probability)
    return float(upto - below)


def _miss(successes: int, trials: int, low: int, high: int) -> float:
    """Bound it by one tail, which is monotone in the probability; the acceptance region as a whole is not."""
    if successes > high:
        nearest = float(stats.beta.ppf(UNSURE / 2, successes, trials - successes + 1))
        return min(1.0, float(stats.binom.cdf(high, trials, nearest)) + UNSURE)
    nearest = float(stats.beta.isf(UNSURE / 2, successes + 1, trials - successes))
    return min(1.0, float(stats.binom.sf(low - 1, trials, nearest)) + UNSURE)
