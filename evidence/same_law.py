"""Same law: whether two simulators have the same law, told by a list of statistics fixed in advance.

Of each statistic both sides give n independent samples, and D is the largest distance between the two empirical cdfs.
For one continuous law its tail is known at any n (Gnedenko & Korolyuk 1951),

    P(n D >= k) = 2 sum_{i >= 1} (-1)^(i + 1) C(2n, n - ik) / C(2n, n),

and with atoms D is only smaller: breaking ties at random gives a continuous law, and D looks at the ends of ties alone.
So this tail is a p-value for any law. It is never above 2 exp(-n D^2) from n = 458 on (Wei & Dudley 2012), which fails
below; here that bound is used for planning only.

Where the true cdfs differ by d, the empirical ones differ by less than d - s with probability at most exp(-n s^2)
(Hoeffding's bound for 2n independent steps of 1/n), which gives the power. The confidence bound on d behind ``miss``
must hold at all points, both signs and, as the worst is picked, all statistics: there each empirical cdf has its own
Dvoretzky-Kiefer-Wolfowitz band with Massart's constant.
"""

from __future__ import annotations

import bisect
import math

import numpy as np
from scipy import special

from evidence.arrays import Array, real
from evidence.finding import POWER, UNSURE, Finding, inconclusive, judged, sensible

_PLANNED_FROM = 458
"""Wei and Dudley's bound has the constant 2 from this many samples a side on."""


def draws_for_same_law(statistics: int, *, error: float, alpha: float) -> int:
    """Return the number of samples on each side that see a distance of `error` in one statistic with probability 0.999.

    More samples than these see it too.

    Raises
    ------
    ValueError
        If there are no statistics, `alpha` is not positive, or `error` is no distance between cdfs.
    """
    if not (statistics >= 1 and 0 < error <= 1 and 0 < alpha < 1):
        raise ValueError(f"no plan for {statistics} statistics with error {error}, alpha {alpha}")
    # n error = sqrt(n) nats + 1: the critical n D is a whole number.
    nats = math.sqrt(math.log(2 * statistics / alpha)) + math.sqrt(-math.log(1 - POWER))
    root = (nats + math.sqrt(nats**2 + 4 * error)) / (2 * error)
    return max(_PLANNED_FROM, math.ceil(root**2))


def same_law(first: dict[str, Array], second: dict[str, Array], *, error: float, alpha: float) -> Finding:
    """Test that each statistic has the same law on both sides, at alpha divided by their number.

    Parameters
    ----------
    first, second : dict of arrays (draws,)
        Samples by name of statistic. The draws are independent, and so are the two sides; the statistics of one draw
        need not be. Values that differ by rounding are different: round a statistic that has atoms.
    error : float
        The distance that must be seen if any one statistic is off by it: absolute, the largest difference between the
        two cdfs.
    alpha : float
        The probability of refuting two simulators with the same law.

    Raises
    ------
    ValueError
        If the sides differ in their names or in their numbers of samples, or `error` or `alpha` make no sense.
    """
    sensible(error=error, alpha=alpha)
    first, second = ({name: real(one, f"samples of {name}") for name, one in side.items()} for side in (first, second))
    count = _samples_a_side(first, second)
    if count == 0:
        unsampled = ", ".join(first) or "any statistic"
        return inconclusive("same law", f"nothing sampled of {unsampled}", expected="same law")
    for name in first:
        if not (np.isfinite(first[name]).all() and np.isfinite(second[name]).all()):
            return inconclusive("same law", f"samples of {name} that are NaN or infinite", expected="same law")
    gaps = {name: _gap(first[name], second[name]) for name in first}
    worst = max(gaps, key=gaps.__getitem__)
    distance, share = gaps[worst] / count, alpha / len(gaps)
    tail = _tail(gaps[worst], count)
    sizes = range(1, count + 1)
    critical = sizes[0] + bisect.bisect_left(sizes, -share, key=lambda gap: -_tail(gap, count))
    true_distance = distance - math.sqrt(2 * math.log(4 * len(gaps) / UNSURE) / count)
    surplus = max(0.0, true_distance - critical / count)
    return judged(
        "same law",
        refuted=tail <= share,
        p_value=min(1.0, len(gaps) * tail),
        expected="same law",
        measured=f"distance {distance:.2g} in {worst}",
        detectable=critical / count + math.sqrt(-math.log(1 - POWER) / count),
        error=min(1.0, error),  # no two cdfs are further apart
        effect=distance,
        miss=min(1.0, math.exp(-count * surplus**2) + UNSURE),
    )


def _samples_a_side(first: dict[str, Array], second: dict[str, Array]) -> int:
    if first.keys() != second.keys():
        raise ValueError(f"statistics of one side only: {', '.join(sorted(first.keys() ^ second.keys()))}")
    count = next((samples.size for samples in first.values()), 0)
    for name in first:
        if not first[name].shape == second[name].shape == (count,):
            shapes = f"{first[name].shape} and {second[name].shape}"
            raise ValueError(f"expected {count} samples of each statistic a side, got {shapes} of {name}")
    return count


def _gap(first: Array, second: Array) -> int:
    """Return n D: of the samples up to some value, how many more there are on one side."""
    first, second = np.sort(first), np.sort(second)
    ranks = np.arange(1, first.size + 1)
    above = ranks - np.searchsorted(second, first, side="right")
    below = ranks - np.searchsorted(first, second, side="right")
    return int(max(above.max(), below.max()))


def _tail(gap: int, count: int) -> float:
    """Return P(n D >= gap) for one continuous law (see the module)."""
    if gap == 0:
        return 1.0
    steps = gap * np.arange(1, count // gap + 1)
    logs = special.gammaln(count + 1 - steps) + special.gammaln(count + 1 + steps) - 2 * special.gammaln(count + 1)
    terms = np.exp(-logs)
    return 2 * float(terms[::2].sum() - terms[1::2].sum())
