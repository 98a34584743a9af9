"""Sweeps whose table has closed forms beside the measured means: ``make sweep``, ``python -m profiles.sweep``.

All else is ``simulations/sweep``, which knows no theory; its workers do without it, too.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from profiles.step import Reading
    from simulations.sweep import Cell
    from simulations.sweep.results import Entry


def main(arguments: Sequence[str] | None = None, program: str = "python -m profiles.sweep") -> int:
    """Run the command of sweeps and return its exit status."""
    from simulations.sweep.__main__ import main as sweep

    return sweep(arguments, program, beside)


def beside(entry: Entry) -> str:
    """Return the closed form of the mean at the last position, ~ before it in the limit of wide layers, or nothing."""
    from profiles.words import MARKS, size

    if entry.quantity == "gradient":
        return "1"  # where it starts
    if entry.quantity not in ("second_moment", "variance"):
        return ""
    log2, reading = closed_form(entry.cell, entry.quantity)
    return "" if reading == "none" else MARKS[reading] + size(log2)


@lru_cache(maxsize=1024)
def closed_form(cell: Cell, quantity: str) -> tuple[float, Reading]:
    """Return log2 of the mean second moment or variance of a cell at its last position, over weights and inputs.

    Also "exact", "wide limit" (at the mean input) or "none".
    """
    import numpy as np

    from profiles.chain import follow, there
    from profiles.theory_of import steps_of
    from profiles.variance import variances
    from simulations.sweep.networks import body, layer_widths

    widths = layer_widths(cell)
    steps = steps_of(body(cell), nonnegative=cell.inputs.endswith("digits"))
    logs = np.full((1, len(widths)), np.nan)
    logs[0, 0] = np.log2(_mean_square_norm(cell.inputs, widths[0]))
    chain = follow(logs, there(steps))
    if "none" in chain.readings[1:]:
        return np.nan, "none"
    level, reading = float(chain.levels[0, -1]), chain.readings[-1]
    if quantity == "variance":
        found, readings = variances(chain, steps)
        level, reading = float(found[-1]), readings[-1]
    return level - float(np.log2(widths[-1])), reading


def _mean_square_norm(inputs: str, features: int) -> float:
    """Return the mean squared norm of a sweep's inputs: digits at their raw scale, the others of mean square 1."""
    from simulations import digits
    from simulations.numbers.magnitudes import square_norm

    return float(square_norm(digits().narrowed(features)).mean()) if inputs == "digits" else float(features)


if __name__ == "__main__":
    sys.exit(main())
