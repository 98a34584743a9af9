"""Symmetry: whether w and -w have the same law, tested without knowing the law.

In order of |w| the signs of independent symmetric samples are steps of a simple random walk, whatever the law and even
if it differs from sample to sample; the reflection principle bounds the walk's largest excursion.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from evidence.arrays import Array, real
from evidence.finding import POWER, UNSURE, Finding, inconclusive, judged, sensible


def draws_for_symmetry(*, error: float, alpha: float) -> int:
    """Return how many samples see P(w > t) and P(w < -t) differ by `error` at some t, with probability 0.999.

    Raises
    ------
    ValueError
        If `error` is not positive, or `alpha` is no probability.
    """
    sensible(error=error, alpha=alpha)
    return math.ceil(((math.sqrt(2 * math.log(4 / alpha)) + math.sqrt(-2 * math.log(1 - POWER))) / error) ** 2)


def symmetry(entries: Array, *, error: float, alpha: float) -> Finding:
    """Test that w and -w have the same law.

    Parameters
    ----------
    entries : array (draws,)
        Independent samples; zeros are left out.
    error : float
        The largest difference between P(w > t) and P(w < -t), over all t >= 0, to be seen with probability 0.999.
    alpha : float
        The probability of refuting a symmetric law.

    Raises
    ------
    ValueError
        If `error` or `alpha` make no sense, or there is not one sample a draw.
    """
    sensible(error=error, alpha=alpha)
    entries = real(entries, "samples")
    if entries.ndim != 1:
        raise ValueError(f"expected one sample a draw, got shape {entries.shape}")
    if not np.isfinite(entries).all():
        return inconclusive("symmetry", "samples that are NaN or infinite", expected=0.0)
    signs = np.sign(entries[np.argsort(-np.abs(entries), kind="stable")])
    count = int(np.count_nonzero(signs))
    if count == 0:
        return inconclusive("symmetry", "no entry but 0", expected=0.0)
    excursion = int(np.abs(np.cumsum(signs)).max())
    walk = stats.binom(count, 0.5)  # the walk ends at 2 B - count
    tails = walk.sf(math.ceil((count + excursion) / 2) - 1) + walk.sf((count + excursion) // 2)
    p_value = min(1.0, 2 * float(tails))
    # Hoeffding's bounds on the critical excursion and on the walk at the t of the largest difference.
    critical, slack = math.sqrt(2 * count * math.log(4 / alpha)), math.sqrt(-2 * count * math.log(1 - POWER))
    surplus = max(0.0, excursion - math.sqrt(2 * count * math.log(2 / UNSURE)) - critical)
    return judged(
        "symmetry",
        refuted=p_value <= alpha,
        p_value=p_value,
        expected=0.0,
        measured=excursion / count,
        detectable=(critical + slack) / count,
        error=error,
        effect=excursion / count,
        miss=min(1.0, math.exp(-(surplus**2) / (2 * count)) + UNSURE),
    )
