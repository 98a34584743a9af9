"""What would cure exponential growth or decay over blocks, in numbers, from what was measured.

Layers one behind the other, positively homogeneous between (no norm, nothing that saturates, biases of 0): the
deviation of their weights times the factor to the power -1 / (2 m), for m layers a block, makes the factor 1. It is
the same backwards.

Residual blocks x + F(x): s F for F multiplies the mean square by 1 + 2 c s + b s^2, with c = E x F / E x^2 and
b = E F^2 / E x^2 from the factor 1 + 2 c + b that was measured. It is 1 + 1 / L, so less than e over L blocks, at the
s that solves this: (b L)^(-1/2) at c = 0, which holds backwards. Where a block has several branches, one after the
other, s on each makes less of them than that. Fixup is the other way: the last layer of each branch 0, the others times
L^(-1 / (2 m - 2)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from audit.measured import Module

RESIDUAL = 0.5
"""Blocks that keep their input, to within this share of it, are residual."""


@dataclass(frozen=True)
class Cure:
    """In words, and the factor of the weights' deviation or of the branch."""

    words: str
    numbers: dict[str, float] = field(default_factory=dict)


def cure(chain: list[Module], factor: float, layers: int, *, forwards: bool) -> Cure:
    """Return what would make the blocks of a chain keep the mean square that each multiplies by `factor`."""
    along = _along(chain)
    if abs(along) < RESIDUAL:
        along = along if forwards else 0.0
        added = factor - 1 - 2 * along
        if added <= 0:
            return Cure("branches take away from their input: no cure is computed")
        times = (math.sqrt(along**2 + added / len(chain)) - along) / added
        words = f"cure: what a block adds, {added:.3g} of its input's mean square, times {times:.3g}"
        if layers > 1:
            fixup = len(chain) ** (-1 / (2 * layers - 2))
            words += f"; or Fixup's, of one branch of {layers} layers: the last 0, the others times {fixup:.3g}"
        return Cure(words, {"branch times": times})
    if not layers:
        return Cure("no layer in the blocks is known to be linear: no cure is computed")
    times = factor ** (-1 / (2 * layers))
    return Cure(f"cure: the deviation of the weights times {times:.3g}", {"weights times": times})


def _along(chain: list[Module]) -> float:
    """Return E x F / E x^2 of blocks x + F(x), averaged over blocks and seeds; NaN where shapes differ."""
    if any("kept" not in one.moments for one in chain):
        return math.nan
    return float(np.mean([one.mean("kept") for one in chain])) - 1
