"""Rates: one slope a draw, of a logarithm against that of depth, within the derived bias of the expected one."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from evidence.arrays import Array, real
from evidence.certain import identity
from evidence.finding import Finding


def slopes(x: Array, y: Array) -> Array:
    """Return the least-squares slope of each row of `y` (draws, points) against `x` (points,)."""
    x, y = real(x, "points"), real(y, "rows over the points")
    if x.ndim != 1 or x.size < 2 or np.ptp(x) == 0:
        raise ValueError(f"a slope needs at least two different points, got {x}")
    if y.ndim != 2 or y.shape[1] != x.size:
        raise ValueError(f"expected rows over {x.size} points (draws, points), got shape {y.shape}")
    centred = x - x.mean()
    with np.errstate(invalid="ignore"):
        fitted: Array = y @ centred / (centred @ centred)
    return fitted


def rate(x: Array, y: Array, *, expected: float, bias: float, chance: bool = True) -> Finding:
    """Test that every row of `y` has slope `expected` against `x`, up to `bias`.

    Parameters
    ----------
    x : array (points,)
        The logarithms of depths, say.
    y : array (draws, points)
        The logarithms of what was measured there.
    bias : float
        A bound, derived by the caller, on what an asymptotic statement leaves out at these points, and on rounding.
        The detectable error is absolute: twice the bias.
    chance : bool
        False if nothing was drawn at random: a violation is then certain to be seen again.

    Raises
    ------
    ValueError
        If `x` has fewer than two different points, or rows of `y` have not as many.
    """
    fitted = slopes(x, y)
    found = identity(fitted, np.full_like(fitted, expected), rounding=bias, chance=chance)
    shown = float(np.median(fitted)) if fitted.size else math.nan
    return replace(
        found,
        kind="rate",
        expected=expected,
        measured=shown,
        detectable=f"{2 * bias:.1g} (slope)",
        effect=abs(shown - expected),
    )
