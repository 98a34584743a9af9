"""Tests of closed forms at every depth, with one probability of a false alarm for all of them together.

Each test is of a mean that theory knows, with a spread that theory knows or bounds, by Catoni's influence function
(`evidence.mean`): its error rate holds at any number of draws and any tails. The probability of a false alarm is shared
equally between all tests of a profile (Bonferroni).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from evidence import Finding, MeanTest, identity
from profiles.chain import Chain, log2_mean
from profiles.seen import States
from profiles.step import Step
from simulations.numbers.arrays import Array

ALPHA = 1e-3
"""Probability that a profile refutes anything although all that theory says of it is true."""
ERROR = 0.25
"""A step held if an error of this size would have been seen; how small an error was seen is told with it."""
EPS = float(np.finfo(np.float64).eps)

What = Literal["step", "level", "gradient step", "gradient level", "twins", "zero"]


@dataclass(frozen=True)
class Test:
    """One mean to be tested: of 2**logs, which theory says is 1, with this variance given the state before."""

    position: int
    what: What
    logs: Array
    spread: Array
    bounds: tuple[float, float] | None = None
    """Where theory gives no value: exact bounds of the mean, in units of what `logs` are relative to."""

    def __call__(self, alpha: float) -> Finding:
        """Run the test at level `alpha`."""
        if self.what == "zero":
            return identity(np.exp2(self.logs), 0.0, rounding=0.0)
        if not self.spread.any():
            return identity(np.exp2(self.logs), 1.0, rounding=64 * EPS * np.maximum(1.0, np.abs(self.logs)))
        deviation = np.sqrt(self.spread)
        sizes = np.exp2(np.minimum(self.logs, 1000.0))
        if self.bounds is None:
            return _mean(sizes, 1.0, deviation, alpha)
        nearest = float(np.clip(sizes.mean(), *self.bounds))
        found = _mean(sizes, nearest, deviation * self.bounds[0], alpha)
        return replace(found, expected=f"{self.bounds[0]:.4g} to {self.bounds[1]:.4g}")


def _mean(sizes: Array, expected: float, deviation: Array, alpha: float) -> Finding:
    """Test the mean of `sizes` in units of their standard deviations."""
    typical = float(np.sqrt(np.mean(deviation**2)))
    test = MeanTest(0.0, variance=1.0, error=ERROR / typical, alpha=alpha, unit=1.0)
    found = test((sizes - expected) / deviation)
    measured, detectable = found.measured, found.detectable
    assert isinstance(measured, float)
    assert isinstance(detectable, float)
    return replace(
        found,
        expected=expected,
        measured=expected + measured * typical,
        detectable=detectable * typical,
        effect=found.effect * typical,
    )


def of_chain(chain: Chain, *, backward: bool = False) -> Iterator[Test]:
    """Yield the tests of a way: every step, and every level that is more than a step from its start.

    On the way back these are of nets that are alive, as its closed forms are.
    """
    last = chain.logs.shape[1] - 1
    alive = np.isfinite(chain.logs).all(axis=1) if backward else np.ones(len(chain.logs), dtype=bool)
    since = 0
    for place in range(1, last + 1):
        given, spread, level = chain.given[place], chain.spreads[place], chain.level_spreads[place]
        position = last - place if backward else place
        if given is None:
            since = place
            continue
        rows = np.isfinite(chain.logs[:, place - 1])
        if rows.any() and np.isneginf(given[rows]).all():
            yield Test(position, "zero", chain.logs[rows, place], np.zeros(int(rows.sum())))
            continue
        rows &= alive
        if spread is not None and rows.any():
            bounds = chain.bounds[place]
            relative_to = given if bounds is None else chain.logs[:, place - 1]
            what: What = "gradient step" if backward else "step"
            yield Test(position, what, chain.logs[rows, place] - relative_to[rows], spread[rows], bounds)
        if chain.readings[place] == "exact" and level and place - since > 1 and rows.any():
            logs = chain.logs[alive, place] - chain.levels[alive, place]
            yield Test(position, "gradient level" if backward else "level", logs, np.full(len(logs), level))


def of_twins(states: States, steps: Sequence[Step]) -> Iterator[Test]:
    """Yield a test of the squared distance of twins behind every block of which theory knows it."""
    squares = log2_mean(np.stack([states.square_norms[::2], states.square_norms[1::2]]))
    for place, step in enumerate(steps):
        if step.apart is None:
            continue
        kept, added, spread = step.apart
        with np.errstate(divide="ignore"):
            given = np.logaddexp2(states.distances[:, place] + np.log2(kept), squares[:, place] + np.log2(added))
        rows = np.isfinite(given)
        if rows.any():
            logs = states.distances[rows, place + 1] - given[rows]
            yield Test(place + 1, "twins", logs, np.full(len(logs), spread))


def judged(tests: Sequence[Test], alpha: float = ALPHA) -> list[tuple[Test, Finding]]:
    """Run tests that share `alpha` equally."""
    return [(test, test(alpha / len(tests))) for test in tests]
