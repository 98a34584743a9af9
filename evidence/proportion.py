"""Proportions: at least so large a share succeeds, by the exact binomial law of independent trials."""

from __future__ import annotations

from scipy import optimize, stats

from evidence.counts import whole
from evidence.finding import POWER, UNSURE, Finding, inconclusive, judged, sensible


def at_least(successes: int, trials: int, *, share: float, error: float, alpha: float) -> Finding:
    """Test that each of `trials` independent trials succeeds with a probability of at least `share`.

    At level `alpha`; a probability of ``share (1 - error)`` would be refuted with probability 0.999, or the finding is
    inconclusive.

    Raises
    ------
    ValueError
        If there are more successes than trials, fewer than none, or they are no whole numbers, or `error` or `alpha`
        make no sense.
    """
    sensible(error=error, alpha=alpha)
    successes, trials = whole(successes, trials)
    if trials < 1 or not 0 < share < 1:
        return inconclusive("proportion", f"{trials} trials, a share of {share}", expected=f"at least {share:g}")
    p_value = float(stats.binom.cdf(successes, trials, share))
    most = int(stats.binom.ppf(alpha, trials, share))  # successes that still refute, found at the edge of alpha
    most -= stats.binom.cdf(most, trials, share) > alpha
    highest = float(stats.beta.isf(UNSURE, successes + 1, trials - successes)) if successes < trials else 1.0
    return judged(
        "proportion",
        refuted=p_value <= alpha,
        p_value=p_value,
        expected=f"at least {share:g}",
        measured=successes / trials,
        detectable=_smallest_error(trials, share, most),
        error=error,
        effect=max(0.0, 1 - successes / trials / share),
        miss=min(1.0, float(stats.binom.sf(most, trials, highest)) + UNSURE),
        samples="trials",
    )


def _smallest_error(trials: int, share: float, most: int) -> float:
    """Return the error at which as few as `most` successes have probability 0.999."""
    if most < 0:
        return 1.0
    return float(optimize.brentq(lambda e: stats.binom.cdf(most, trials, share * (1 - e)) - POWER, 0, 1, rtol=1e-6))
