"""What a profile has: two numbers for each quantity and position, and verdicts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evidence import Finding
from profiles.slope import Slope
from profiles.step import Reading, Step
from profiles.verdicts import Test
from simulations.numbers.arrays import Array

Verdict = Literal["held", "refuted", "too few draws", "not judged"]


@dataclass(frozen=True)
class Column:
    """One quantity per position: its closed form and what was measured, in base-2 logarithms; -inf for 0, NaN if none.

    Attributes
    ----------
    readings : tuple of "exact", "wide limit" or "none"
        What kind of closed form there is at each position.
    """

    expected: Array
    measured: Array
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Profile:
    """A network per position: 0 is the input, then behind every block.

    Attributes
    ----------
    second_moment : Column
        Mean square of a unit.
    variance : Column or None
        Of a unit over weights at a fixed input; None if no states were seen.
    gradient : Column or None
        Mean square of an entry of the cotangent, from a normal one at the output.
    means, active : array (positions,) or None
        Mean of the units, and the share of them that are not zero.
    typical : array (positions,)
        Mean of log2 of the mean square of a unit, over draws that are alive.
    forward_slope, gradient_slope : Slope or None
        Of log2 of the squared norm of a draw, a block.
    rarity : float or None
        Relative variance of the squared norm at the last position given the input, or a bound; None if it is unknown.
    findings : tuple of (Test, Finding)
        All tests that were made; they share `ALPHA`.
    """

    name: str
    steps: tuple[Step, ...]
    widths: tuple[int, ...]
    draws: int
    state_draws: int
    engine: str
    second_moment: Column
    variance: Column | None
    gradient: Column | None
    means: Array | None
    active: Array | None
    typical: Array
    forward_slope: Slope | None
    gradient_slope: Slope | None
    rarity: float | None
    findings: tuple[tuple[Test, Finding], ...]

    def at(self, position: int) -> Verdict:
        """Return the verdict at a position: over all tests made there."""
        here = [found for test, found in self.findings if test.position == position]
        if any(found.verdict == "refuted" for found in here):
            return "refuted"
        steps = [
            f.verdict
            for test, f in self.findings
            if test.position == position and test.what in ("step", "gradient step", "zero")
        ]
        if not steps:
            return "not judged"
        return "held" if set(steps) == {"held"} else "too few draws"

    @property
    def verdict(self) -> Verdict:
        """The verdict on the network: refuted if it is anywhere, held if it is somewhere and nowhere else wrong."""
        all_of_them = [self.at(position) for position in range(len(self.widths))]
        for verdict in ("refuted", "too few draws", "held"):
            if verdict in all_of_them:
                return verdict
        return "not judged"

    def sees(self, position: int) -> float | None:
        """Return the smallest relative error of a step that its test would have seen; None if there was no test."""
        found = [f.detectable for test, f in self.findings if test.position == position and test.what == "step"]
        return found[0] if found and isinstance(found[0], float) else None
