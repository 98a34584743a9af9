"""What a claim is given to work with: inputs, random streams, and its share of the error budget."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import Concatenate, Literal, ParamSpec, TypeVar, cast

import numpy as np

from evidence import ChiSquareTest, CountTest, MeanTest
from evidence.arrays import Array
from simulations import Inputs, stream
from theory.derivation import Value
from theory.domain import number

Effort = Literal["quick", "standard", "thorough"]

COARSER: dict[Effort, float] = {"quick": 3.0, "standard": 1.0, "thorough": 0.5}
"""By how much the stated errors of each effort differ from those of the standard one."""
ALPHA = 1e-6
"""Probability that a run refutes any true claim, shared equally by all claims of the registry."""
MISS = 1e-6
"""Probability allowed for any mutant of a run to survive."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """One claim's part of one run."""

    claim_id: str
    inputs: Inputs
    seed: int
    effort: Effort
    alpha: float
    """The probability with which this claim (or, after `share`, this part of it) may be refuted though true."""
    samples: dict[Hashable, object] = field(default_factory=dict, compare=False, repr=False)

    def error(self, standard: float, at_most: float = math.inf) -> float:
        """Return the error that must be seen at this effort, given the one at standard effort."""
        return min(standard * COARSER[self.effort], at_most)

    def share(self, parts: int) -> Run:
        """Return a run with its alpha divided among `parts` tests."""
        return replace(self, alpha=self.alpha / parts)

    def mean(
        self, truth: Value, *, variance: Value, error: float, at_most: float = math.inf, unit: float | None = None
    ) -> MeanTest:
        """Plan the test of a mean (see `MeanTest`): `draws` says how many samples it needs, a call tests them.

        Parameters
        ----------
        truth, variance : number or SymPy number
            What theory says the mean is, and the variance of a sample or a bound on it.
        error : float
            The relative error to be seen at standard effort (`at_most` so much at any); absolute with a `unit` of 1.
        """
        error = self.error(error, at_most)
        return MeanTest(number(truth), variance=number(variance), error=error, alpha=self.alpha, unit=unit)

    def chi_square(self, degrees: Array | float, *, error: float, at_most: float = math.inf) -> ChiSquareTest:
        """Plan the test of chi-square laws (see `ChiSquareTest`); the relative error of scale is as in `mean`."""
        return ChiSquareTest(degrees, error=self.error(error, at_most), alpha=self.alpha)

    def count(self, probability: Value, *, error: float, at_most: float = math.inf) -> CountTest:
        """Plan the test of a probability (see `CountTest`); the relative error is as in `mean`."""
        return CountTest(number(probability), error=self.error(error, at_most), alpha=self.alpha)

    def rng(self, *address: str | int) -> np.random.Generator:
        """Open the claim's random stream at `address`."""
        return stream(self.seed, self.claim_id, *address)

    def widths(self, count: int, *, least: int, most: int) -> tuple[int, ...]:
        """Draw widths from `least` to `most`, no two within a quarter of each other, for what is exact at any width.

        Widths that are nearly equal would hide which of them a statement means.
        """
        rng = self.rng("widths", count, least, most)
        while True:
            found = tuple(int(width) for width in rng.integers(least, most + 1, count))
            ordered = sorted(found)
            if all(4 * larger >= 5 * smaller for smaller, larger in pairwise(ordered)):
                return found

    def once(self, simulate: Callable[Concatenate[Run, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``simulate(run, ...)`` once, so that the claim and mutants that ask the same of it share one sample.

        Arguments must be hashable, and what `simulate` draws must come from streams of the run.
        """
        key = (simulate, args, tuple(sorted(kwargs.items())))
        if key not in self.samples:
            self.samples[key] = simulate(self, *args, **kwargs)
        return cast(T, self.samples[key])
