"""The binomial test of a share from below: its error rate, its power, its miss and what it refuses."""

import pytest
from scipy import stats

from evidence import at_least

TRIALS, SHARE, ALPHA = 300, 0.5, 1e-6


def verdicts(error: float = 0.5) -> list[str]:
    return [at_least(k, TRIALS, share=SHARE, error=error, alpha=ALPHA).verdict for k in range(TRIALS + 1)]


@pytest.mark.slow
def test_false_alarms_are_at_most_alpha_and_nearly() -> None:
    refuted = verdicts().count("refuted")
    assert verdicts()[:refuted] == ["refuted"] * refuted
    assert stats.binom.cdf(refuted - 1, TRIALS, SHARE) <= ALPHA < stats.binom.cdf(refuted, TRIALS, SHARE)


def test_the_stated_error_is_seen() -> None:
    found = at_least(200, TRIALS, share=SHARE, error=0.5, alpha=ALPHA)
    assert found.verdict == "held"
    assert isinstance(found.detectable, float)
    refuted = verdicts().count("refuted") - 1
    assert stats.binom.cdf(refuted, TRIALS, SHARE * (1 - found.detectable)) == pytest.approx(0.999, abs=1e-6)
    finer = at_least(200, TRIALS, share=SHARE, error=0.9 * found.detectable, alpha=ALPHA)
    assert (finer.verdict, finer.note) == ("inconclusive", "too few trials for the stated error")


@pytest.mark.slow
@pytest.mark.parametrize("successes", [0, 30, 60])
def test_miss_bounds_what_fresh_trials_would_do(successes: int) -> None:
    found = at_least(successes, TRIALS, share=SHARE, error=0.5, alpha=ALPHA)
    survive = float(stats.binom.sf(verdicts().count("refuted") - 1, TRIALS, successes / TRIALS))
    assert survive <= found.miss
    assert successes > 30 or found.miss < 1e-3
    assert found.effect == pytest.approx(1 - successes / TRIALS / SHARE)


def test_refusals() -> None:
    with pytest.raises(ValueError, match="4 successes in 3 trials"):
        at_least(4, 3, share=0.5, error=0.5, alpha=0.01)
    assert at_least(0, 0, share=0.5, error=0.5, alpha=0.01).verdict == "inconclusive"
    assert at_least(1, 2, share=1.5, error=0.5, alpha=0.01).verdict == "inconclusive"
    assert at_least(3, 3, share=0.5, error=0.5, alpha=0.01).verdict == "inconclusive"  # three trials refute nothing
