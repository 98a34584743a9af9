"""What a claim is given to work with: inputs, random streams, and its share of the error budget."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field, replace
from typing import Concatenate, Literal, ParamSpec, TypeVar, cast

import numpy as np

from simulations import Inputs, stream

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

    def error(self, standard: float) -> float:
        """Return the error that must be seen at this effort, given the one at standard effort."""
        return standard * COARSER[self.effort]

    def share(self, parts: int) -> Run:
        """Return a run with its alpha divided among `parts` tests."""
        return replace(self, alpha=self.alpha / parts)

    def rng(self, *address: str | int) -> np.random.Generator:
        """Open the claim's random stream at `address`."""
        return stream(self.seed, self.claim_id, *address)

    def once(self, simulate: Callable[Concatenate[Run, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``simulate(run, ...)`` once, so that the claim and mutants that ask the same of it share one sample.

        Arguments must be hashable, and what `simulate` draws must come from streams of the run.
        """
        key = (simulate, args, tuple(sorted(kwargs.items())))
        if key not in self.samples:
            self.samples[key] = simulate(self, *args, **kwargs)
        return cast(T, self.samples[key])
