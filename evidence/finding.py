"""What a piece of evidence found: a verdict, with the error rates that stand behind it.

*held*: the measurement lies inside what the claim allows, and an error of the stated size would have been seen with
probability 0.999. *refuted*: it lies outside, which happens to a true claim with probability at most alpha.
*inconclusive*: neither can be said (too little power, NaN, nothing sampled, a bound that says nothing).

``miss`` answers another question, asked of wrong versions of a claim: were all draws made anew, with what probability
would this evidence not refute? It is bounded from the data at hand by a confidence bound; the chance of 1e-11 that the
confidence bound itself fails is included.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

Verdict = Literal["held", "refuted", "inconclusive"]
Number = float | str

POWER = 0.999
"""Probability with which an error of the stated size is seen."""
UNSURE = 1e-11
"""Probability that the confidence bound behind ``miss`` fails."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """The outcome of one test (see the module)."""

    kind: str
    verdict: Verdict
    p_value: float | None
    expected: Number
    measured: Number
    detectable: Number
    """The smallest error seen with probability 0.999: relative to what is expected, unless a text says otherwise."""
    effect: float
    """The error seen, in the unit of `detectable`; of identities and inequalities, the share of draws that fail."""
    miss: float
    non_vacuous: float | None = None
    """Of an inequality, the share of samples in which it says anything."""
    note: str = ""


def sensible(*, error: float, alpha: float) -> None:
    """Raise ValueError unless an error is positive and finite, and alpha a probability above 0 and below 1."""
    if not (0 < error < math.inf and 0 < alpha < 1):
        raise ValueError(f"expected a positive error and an alpha between 0 and 1, got error {error}, alpha {alpha}")


def judged(
    kind: str,
    *,
    refuted: bool,
    p_value: float,
    expected: Number,
    measured: Number,
    detectable: float,
    error: float,
    effect: float,
    miss: float,
    samples: str = "draws",
) -> Finding:
    """Return the finding of a test with power: what is not refuted held if `detectable` is at most the stated `error`.

    Parameters
    ----------
    refuted : bool
        Whether the measurement lies outside what the claim allows.
    miss : float
        Counts where the test refuted; what survived once may always do so.
    samples : str
        What a test that is not able to see `error` has too few of.
    """
    able = detectable <= error * (1 + 1e-9)
    return Finding(
        kind=kind,
        verdict="refuted" if refuted else "held" if able else "inconclusive",
        p_value=p_value,
        expected=expected,
        measured=measured,
        detectable=detectable,
        effect=effect,
        miss=miss if refuted else 1.0,
        note="" if refuted or able else f"too few {samples} for the stated error",
    )


def inconclusive(kind: str, note: str, *, expected: Number = math.nan, measured: Number = math.nan) -> Finding:
    """Return the finding that nothing can be said, and why."""
    return Finding(
        kind=kind,
        verdict="inconclusive",
        p_value=None,
        expected=expected,
        measured=measured,
        detectable=math.inf,
        effect=0.0,
        miss=1.0,
        note=note,
    )


def all_of(findings: Iterable[Finding]) -> Finding:
    """Combine the parts of a claim: held if all held, refuted if any was; p-values by Bonferroni.

    Each part must have been tested at its share of alpha. The numbers shown are those of the part that speaks loudest:
    a refuted one, else an inconclusive one, else the first.

    Raises
    ------
    ValueError
        If there are no findings.
    """
    findings = list(findings)
    if not findings:
        raise ValueError("a claim needs at least one finding")
    refuted = [f for f in findings if f.verdict == "refuted"]
    doubtful = [f for f in findings if f.verdict == "inconclusive"]
    loudest = min(refuted, key=lambda f: f.miss) if refuted else (doubtful or findings)[0]
    p_values = [f.p_value for f in findings if f.p_value is not None]
    shares = [f.non_vacuous for f in findings if f.non_vacuous is not None]
    return replace(
        loudest,
        kind=" + ".join(dict.fromkeys(f.kind for f in findings)),
        miss=min(1.0, loudest.miss + max(0, len(refuted) - 1) * UNSURE),  # the least of several bounds: all must stand
        detectable=loudest.detectable if refuted or doubtful else _range([f.detectable for f in findings]),
        p_value=min(1.0, len(findings) * min(p_values)) if p_values else None,
        non_vacuous=sum(shares) / len(shares) if shares else None,
    )


def _range(sizes: Sequence[Number]) -> Number:
    """Return the first size, or a text with first and largest where the largest is a good deal larger."""
    numbers = [size for size in sizes if not isinstance(size, str)]
    first, largest = sizes[0], max(numbers, default=0.0)
    if isinstance(first, str) or largest <= max(1.2 * first, 1e-3):
        return first
    return f"{percentage(first)} to {percentage(largest)}"


def percentage(size: float) -> str:
    """Return a size as a percentage, or as a power of ten where it is rounding or beyond all bounds."""
    return f"{size:.1%}" if 1e-3 <= size < 100 else f"{size:.0e}"
