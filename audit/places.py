"""Places along a net, with what is predicted at each and what was seen; where it is exact, it is tested.

The ratio of the mean square that a seed made to that which is predicted from the input alone has mean 1 and a variance
that is bounded (`audit.spreads`), so Catoni's test holds at any tails.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from audit.depth import FEWEST, blocks
from audit.layers import ENOUGH
from audit.measured import Array, Measured, Module
from audit.state import State
from evidence import Finding, MeanTest
from evidence.finding import Verdict

ROUNDING = 0.01
"""Relative, of half precision in depth; what scatters less than `STILL` must be right to it."""
STILL = 1e-9


@dataclass(frozen=True)
class Place:
    """A place of the net: what is predicted there and what was seen."""

    name: str
    node: str
    seen: Array
    """Mean squares (seeds,)."""
    state: State
    finding: Finding | None = None
    """Of the test of its level, where that is exact."""

    @property
    def exact(self) -> bool:
        """Whether the prediction is exact."""
        return not self.state.inexact

    @property
    def ratio(self) -> float:
        """Seen / predicted."""
        expected = self.state.mean_square
        return float(self.seen.mean()) / expected if expected > 0 else math.nan

    @property
    def error(self) -> float:
        """The standard error of the mean of what was seen."""
        return float(self.seen.std(ddof=1)) / math.sqrt(self.seen.size)

    def as_numbers(self) -> dict[str, str | float]:
        """Return a row of a table: a line, a band around it, and a point with its error.

        The band is two standard deviations, at most, of what a mean over so many seeds does around an exact line.
        """
        expected, exact = self.state.mean_square, self.finding is not None
        wide = 2 * math.sqrt((self.state.second - 1) / self.seen.size) if exact else math.nan
        return {
            "name": self.name,
            "reading": "mean field" if self.state.inexact else "exact",
            "why": self.state.inexact,
            "predicted": expected,
            "low": expected * max(0.0, 1 - wide - self.state.slack) if exact else math.nan,
            "high": expected * (1 + wide) if exact else math.nan,
            "measured": float(self.seen.mean()),
            "standard error": self.error,
        }


def tests(found: Measured) -> int:
    """Return how many tests the whole net may have: one a place, and one of all steps."""
    return len(_places(found)) + 1 if found.graph.nodes else 0


def along(found: Measured, states: Mapping[str, State], share: float) -> list[Place]:
    """Return the places of a net of which anything is predicted, those that are exact with their tests."""
    made = [Place(name, node, rows, states[node]) for name, node, rows in _places(found) if node in states]
    told = [one for one in made if one.state.depends and not (one.state.taken or isinstance(one.state.squares, tuple))]
    return [replace(one, finding=_level(one, share)) if one.exact else one for one in told]


def _places(found: Measured) -> list[tuple[str, str, Array]]:
    """Return name, node and mean squares: behind every block, or before every layer but the first; and at the end."""
    chain, graph = blocks(found), found.graph
    made = []
    if len(chain) >= FEWEST and chain[0].squares is not None:
        made = [(f"before {one.name}", graph.starts.get(one.name, ""), one, "input") for one in chain[1:]]
    elif len(chain) >= FEWEST:
        made = [(one.name, graph.ends.get(one.name, ""), one, "output") for one in chain]
    last = found.modules.get("")
    end = graph.ends.get("", "")
    if last is not None and end not in [node for _, node, _, _ in made]:
        made.append(("the output", end, last, "output"))
    order = {node: number for number, node in enumerate(graph.nodes)}
    known = {node: (name, node, _rows(one, side)) for name, node, one, side in made if node in order}
    return sorted((one for one in known.values() if np.isfinite(one[2]).all()), key=lambda one: order[one[1]])


def _rows(module: Module, side: str) -> Array:
    return module.moments.get(f"{side} mean square", np.full(module.seeds, np.nan))


def _level(place: Place, share: float) -> Finding:
    """Test that the mean of seen / predicted is 1, or a little less behind norms."""
    state = place.state
    if not state.mean_square > 0:
        return _mean(place.seen, 0.0, 0.0, share)
    ratios = place.seen / state.mean_square
    return _mean(ratios, float(np.clip(ratios.mean(), 1 - state.slack, 1)), state.second - 1, share)


def _mean(ratios: Array, expected: float, variance: float, share: float) -> Finding:
    """Test a mean; without a variance every one of them must be it, but for rounding."""
    if variance < STILL:
        found = MeanTest(0.0, variance=1.0, error=ROUNDING, alpha=share, unit=1.0)(np.zeros(ratios.size))
        verdict: Verdict = "refuted" if np.abs(ratios - expected).max() > ROUNDING else "held"
        seen = float(ratios.mean())
        return replace(found, verdict=verdict, expected=expected, measured=seen, detectable=ROUNDING, note="")
    return MeanTest(expected, variance=variance, error=ENOUGH, alpha=share, unit=1.0)(ratios)
