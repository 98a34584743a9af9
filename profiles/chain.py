"""Closed forms in depth: what theory says of a squared norm at every position of a network, one way.

The way there and the way back are the same thing here: squared norms in base-2 logarithms at every position, and for
each block a link, which says what the mean is behind it given the norm before it. Levels are those means put one into
the other from the start of the way, or from the last position without a closed form, where they take what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from profiles.step import Along, Reading, Step, constant, times
from simulations.numbers.arrays import Array


@dataclass(frozen=True, kw_only=True)
class Link:
    """What theory says of one block on this way; see `profiles.step.Step`."""

    forward: Along | None
    spread: Along | None
    affine: bool = True
    reading: Reading = "exact"
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True)
class Chain:
    """Squared norms on one way, in base-2 logarithms, with what theory says of them; arrays (draws, positions).

    Attributes
    ----------
    logs : array
        What was measured.
    levels : array
        The closed form given the start of the way.
    given : list of arrays (draws,) or None
        The closed form at each position given the one before it; at the first None.
    spreads : list of arrays (draws,) or None
        The relative variance that belongs to `given`, or a bound.
    readings : list of str
        What kind of closed form `levels` has: "exact", "wide limit" or, where it takes what was measured, "none".
    level_spreads : list of float or None
        The relative variance of the level given the start, or a bound; None where it is not known.
    """

    logs: Array
    levels: Array
    given: list[Array | None]
    spreads: list[Array | None]
    readings: list[Reading]
    level_spreads: list[float | None]
    bounds: list[tuple[float, float] | None]


def there(steps: Sequence[Step]) -> list[Link]:
    """Return the links of the way from the input to the output."""
    return [
        Link(forward=s.forward, spread=s.spread, affine=s.affine, reading=s.reading, bounds=s.bounds) for s in steps
    ]


def back(steps: Sequence[Step]) -> list[Link]:
    """Return the links of the way from the output to the input, of nets that are alive.

    In a net that is alive a unit of every ReLU layer is open, which makes the means larger by 1 / P(alive).
    """
    return [
        Link(
            forward=None if step.backward is None else times(step.backward / step.alive),
            spread=None if step.backward_spread is None else constant(step.backward_spread),
            reading="none" if step.backward is None else "exact",
        )
        for step in reversed(steps)
    ]


def follow(logs: Array, links: Sequence[Link]) -> Chain:
    """Put links after each other.

    Parameters
    ----------
    logs : array (draws, positions)
        Measured squared norms in the order of the way, in base-2 logarithms.
    """
    levels, given, spreads = [logs[:, 0]], list[Array | None]([None]), list[Array | None]([None])
    readings, level_spreads = list[Reading](["none"]), list[float | None]([0.0])
    for before, after, link in zip(logs.T[:-1], logs.T[1:], links, strict=True):
        if link.forward is None:
            levels.append(after)
            given.append(None)
            spreads.append(None)
            readings.append("none")
            level_spreads.append(0.0)
            continue
        spread = None if link.spread is None else link.spread(before)
        exact = link.reading == "exact" and readings[-1] != "wide limit" and (link.affine or readings[-1] == "none")
        level_spreads.append(_after(level_spreads[-1], spread))
        levels.append(link.forward(levels[-1]))
        given.append(link.forward(before))
        spreads.append(spread)
        readings.append("exact" if exact else "wide limit")
    return Chain(
        logs, np.stack(levels, axis=1), given, spreads, readings, level_spreads, [None, *(one.bounds for one in links)]
    )


def _after(so_far: float | None, spread: Array | None) -> float | None:
    """Return the relative variance behind one more block, where it is the same at every state."""
    if so_far is None or spread is None or not np.ptp(spread) < 1e-12:
        return None
    return (1 + so_far) * (1 + float(spread[0])) - 1


def log2_mean(logs: Array) -> Array:
    """Return log2 of the mean over draws of numbers given by their base-2 logarithms; -inf where all are 0."""
    largest = np.where(np.isfinite(logs).any(axis=0), logs.max(axis=0), 0.0)
    with np.errstate(divide="ignore"):
        found: Array = np.log2(np.exp2(logs - largest).mean(axis=0)) + largest
    return found
