"""The slope of log2 of a squared norm in depth: of one draw, which is what one sees, and not of the mean over draws.

A norm in depth is nearly log-normal, so its mean is made by rare draws, and means of it converge slowly. The slope of
its logarithm is an average over blocks for each draw and an average over draws then, nearly normal: Student's interval
covers (``tests/profiles/test_slope.py`` counts).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from profiles.step import Step
from simulations.numbers.arrays import Array

CONFIDENCE = 0.99


@dataclass(frozen=True)
class Slope:
    """Change of log2 of a squared norm a block, mean over draws that are alive, between two positions.

    Attributes
    ----------
    measured, half_width : float
        With an interval of confidence 0.99 around it.
    expected, off : float or None
        What theory says it is at this width, and how far that may be off; None if it does not say.
    first, last : int
        The positions.
    """

    measured: float
    half_width: float
    expected: float | None
    off: float | None
    first: int
    last: int

    @property
    def agrees(self) -> bool | None:
        """Whether the interval contains what is expected; None if nothing is."""
        if self.expected is None or self.off is None:
            return None
        return abs(self.measured - self.expected) <= self.half_width + self.off


def slope(
    logs: Array, first: int, last: int, *, twins: bool, steps: Sequence[Step] = (), backward: bool = False
) -> Slope | None:
    """Estimate the slope between two positions of logarithms (draws, positions); None if there is nothing to estimate.

    Parameters
    ----------
    twins : bool
        Whether draws 2k and 2k + 1 share an input, so that only their averages are independent.
    steps : sequence of Step
        All blocks of the network, for what theory says.
    backward : bool
        Whether the logarithms are of cotangents, which grow from the last position to the first.
    """
    if last - first < 1 or logs.shape[1] <= last:
        return None
    with np.errstate(invalid="ignore"):
        slopes = (logs[:, last] - logs[:, first]) / (last - first)
    if twins:
        slopes = slopes.reshape(-1, 2).mean(axis=1)
    slopes = slopes[np.isfinite(slopes)]
    if len(slopes) < 2:
        return None
    error = float(slopes.std(ddof=1)) / math.sqrt(len(slopes))
    half = float(stdtrit(len(slopes) - 1, (1 + CONFIDENCE) / 2)) * error + 1e-12
    expected, off = _expected(steps[first:last], backward)
    return Slope(float(slopes.mean()), half, expected, off, first, last)


def _expected(steps: Sequence[Step], backward: bool) -> tuple[float | None, float | None]:
    known = [step.log_slope_back if backward else step.log_slope for step in steps]
    told = [one() for one in known if one is not None]
    if not told or len(told) < len(known):
        return None, None
    mean, off = (sum(parts) / len(told) for parts in zip(*told, strict=True))
    return -mean if backward else mean, off
