"""Evidence without chance in the claim: identities and inequalities that must hold on every sample, up to rounding.

The tolerance is a bound on the rounding error, given by whoever computed the two sides. Chance enters for wrong
versions only: if each independent draw violates with probability q, none of N does with probability (1 - q)^N; q is
bounded below by Clopper and Pearson.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evidence.arrays import Array, real
from evidence.finding import UNSURE, Finding, inconclusive


def identity(
    left: Array | float, right: Array | float, *, rounding: Array | float, chance: bool = True, expected: str = "equal"
) -> Finding:
    """Test that `left` equals `right` everywhere, up to `rounding`.

    Parameters
    ----------
    left, right : array (draws, ...) or float
        The first axis counts independent draws.
    rounding : array or float
        A bound on the rounding error of ``left - right``, for each entry or for all.
    chance : bool
        False if nothing was drawn at random: a violation is then certain to be seen again.
    expected : str
        What the report shows as expected; as measured it shows how much of the tolerance was used.

    Returns
    -------
    Finding
        Refuted if the two differ anywhere by more than `rounding`, else held; inconclusive where there is nothing
        to compare, something is NaN or infinite, or the tolerance is negative.

    Raises
    ------
    ValueError
        If the sides are no real numbers, or of shapes that do not go together.
    """
    left, right = _sides(left, right)
    trouble = _trouble(left, right, rounding)
    if trouble:
        return inconclusive("identity", trouble, expected=expected)
    gap = np.abs(left - right)
    violated = _any(np.asarray(gap > rounding))
    return Finding(
        kind="identity",
        verdict="refuted" if violated.any() else "held",
        p_value=None,
        expected=expected,
        measured=_agreement(gap, rounding) if not violated.any() else f"{violated.mean():.0%} of draws differ",
        detectable=_typical(rounding, right),
        effect=float(violated.mean()),
        miss=miss_of_violations(violated, chance),
    )


def inequality(
    larger: Array | float,
    smaller: Array | float,
    *,
    rounding: Array | float,
    says: NDArray[np.bool_] | bool | None = None,
    chance: bool = True,
) -> Finding:
    """Test that `larger` is at least `smaller` everywhere, up to `rounding`.

    Parameters
    ----------
    larger, smaller : array (draws, ...) or float
        The first axis counts independent draws.
    rounding : array or float
        A bound on the rounding error of ``smaller - larger``, for each entry or for all.
    says : boolean array or bool, optional
        Where the bound says anything; by default where `smaller` exceeds the rounding, as a bound below 0 on what is
        never negative says nothing.
    chance : bool
        False if nothing was drawn at random: a violation is then certain to be seen again.

    Returns
    -------
    Finding
        Refuted if `smaller` is larger anywhere by more than `rounding`; inconclusive where it says nothing anywhere,
        or cannot be judged; else held.

    Raises
    ------
    ValueError
        If the sides are no real numbers, or of shapes that do not go together.
    """
    larger, smaller = _sides(larger, smaller)
    trouble = _trouble(larger, smaller, rounding)
    if trouble:
        return inconclusive("inequality", trouble)
    told = np.asarray(smaller > rounding) if says is None else np.broadcast_to(says, smaller.shape)
    share = float(told.mean())
    violated = _any(np.asarray(smaller - larger > rounding))
    tightness = float(np.median(smaller[told] / larger[told])) if share and (larger[told] > 0).all() else math.nan
    return Finding(
        kind="inequality",
        verdict="refuted" if violated.any() else "held" if share > 0 else "inconclusive",
        p_value=None,
        expected="no violation",
        measured=f"{tightness:.0%} tight" if not violated.any() else f"{violated.mean():.0%} of draws fail",
        detectable=_typical(rounding, larger),
        effect=float(violated.mean()),
        miss=miss_of_violations(violated, chance),
        non_vacuous=share,
        note="the bound is vacuous everywhere" if share == 0 else "",
    )


def miss_of_violations(violated: NDArray[np.bool_], chance: bool = True) -> float:
    """Bound the probability that as many fresh independent draws show no violation, given which of these did."""
    count, total = int(violated.sum()), violated.size
    if count == 0:
        return 1.0
    if not chance:
        return 0.0
    least = float(stats.beta.ppf(UNSURE, count, total - count + 1))
    return min(1.0, (1 - least) ** total + UNSURE)


def _sides(first: Array | float, second: Array | float) -> tuple[Array, Array]:
    """Return both as arrays of one shape, with at least one axis."""
    one, other = (np.atleast_1d(real(side, "two sides")) for side in (first, second))
    try:
        one, other = np.broadcast_arrays(one, other)
    except ValueError:
        raise ValueError(f"expected two sides of one shape, got {one.shape} and {other.shape}") from None
    return one, other


def _any(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(flags.reshape(len(flags), -1).any(axis=1))


def _typical(rounding: Array | float, size: Array) -> float:
    """Return twice the median rounding relative to `size`: an error that is sure to be seen in half of the samples."""
    return 2 * float(np.median(rounding / np.maximum(np.abs(size), np.finfo(float).tiny)))


def _agreement(gap: Array, rounding: Array | float) -> str:
    worst = float(np.max(gap / np.maximum(rounding, np.finfo(float).tiny)))
    return f"gap {math.floor(100 * worst)}% of tolerance" if worst else "bit for bit"


def _trouble(left: Array, right: Array, rounding: Array | float) -> str:
    if left.size == 0:
        return "nothing sampled"
    if (np.asarray(rounding) < 0).any():
        return "a negative bound on the rounding error"
    finite = np.isfinite(left).all() and np.isfinite(right).all() and np.isfinite(rounding).all()
    return "" if finite else "values that are NaN or infinite"
