"""Counts: a number of successes in independent trials, tested by the exact binomial law."""

from __future__ import annotations

import math

from scipy import optimize, stats

from evidence.finding import POWER, UNSURE, Finding, Verdict, inconclusive


def counts(successes: int, trials: int, *, probability: float, error: float, alpha: float) -> Finding:
    """Test that each of `trials` independent trials succeeds with `probability`; `error` is relative to it."""
    if not 0 <= successes <= trials:
        raise ValueError(f"{successes} successes in {trials} trials")
    if trials < 1 or not 0 < probability < 1:
        return inconclusive("counts", f"{trials} trials, probability {probability}", expected=probability)
    law = stats.binom(trials, probability)
    p_value = min(1.0, 2 * float(min(law.cdf(successes), law.sf(successes - 1))))
    low, high = _acceptance(trials, probability, alpha)
    detectable = _smallest_error(trials, probability, low, high)
    verdict: Verdict = "refuted" if p_value <= alpha else "held" if detectable <= error * (1 + 1e-9) else "inconclusive"
    return Finding(
        "counts",
        verdict,
        p_value,
        probability,
        successes / trials,
        detectable,
        effect=abs(successes / trials / probability - 1),
        miss=_miss(successes, trials, low, high) if verdict == "refuted" else 1.0,
        note="too few trials for the stated error" if verdict == "inconclusive" else "",
    )


def trials_for_counts(probability: float, *, error: float, alpha: float) -> int:
    """Return how many trials see a relative `error` of `probability` at `alpha` with probability 0.999.

    Raises
    ------
    ValueError
        If `error` is not positive, or takes the probability above 1 or below 0.
    """
    if not (0 < probability < 1 and 0 < error <= min(1.0, 1 / probability - 1)):
        raise ValueError(f"a relative error of {error} does not fit a probability of {probability}")
    spread = float(stats.norm.isf(alpha / 2) + stats.norm.isf(1 - POWER))
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
