"""The test that squared entries are shares of one squared normal in the sum of n, Beta(1/2, (n - 1)/2)."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.run import Run
from evidence import Finding, law
from evidence.finding import POWER
from simulations.numbers.arrays import Array
from theory.normalisation import layer_norm

SHARE = sp.Symbol("s", nonnegative=True)
Law = Callable[[sp.Expr, int], sp.Expr]
"""The distribution function of a share, given n."""


@dataclass(frozen=True)
class ShareTest:
    """A test of the law of shares of `free` dimensions: it sees that they are (1 + `error`) times too large."""

    run: Run
    free: int
    error: float
    at_most: float

    @property
    def draws(self) -> int:
        """The number of shares with which that is seen with probability 0.999."""
        nats = math.sqrt(math.log(4 / self.run.alpha) / 2) + math.sqrt(math.log(4 / (1 - POWER)) / 2)
        return math.ceil(1.02 * (nats / self._distance(self.run.error(self.error, self.at_most))) ** 2)

    def __call__(self, shares: Array, told: Law, free: int) -> Finding:
        """Test that `shares` (draws,) have the law that is told, of `free` dimensions."""
        uniforms = np.clip(sp.lambdify(SHARE, told(SHARE, free), "scipy")(np.minimum(shares, 1.0)), 0.0, 1.0)
        return law(
            uniforms,
            measured=float(shares.mean() * self.free),
            distance_of=self._distance,
            error=self.run.error(self.error, self.at_most),
            alpha=self.run.alpha,
        )

    def _distance(self, error: float) -> float:
        """Return the Kolmogorov distance of the law from that of shares (1 + error) times as large."""
        cdf = sp.lambdify(SHARE, layer_norm.share_cdf(SHARE, self.free), "scipy")
        shares = np.linspace(0, 1, 400) ** 2
        return float(np.max(cdf(np.minimum(1.0, shares * (1 + error))) - cdf(shares)))


def normal(share: sp.Expr, free: int) -> sp.Expr:
    """Return the law that shares would have if entries were standard normal: a mutant of both claims."""
    return sp.erf(sp.sqrt(free * share / 2))


def uniform(share: sp.Expr, free: int) -> sp.Expr:
    """Return the law of three dimensions, Archimedes' uniform entries, for all."""
    return sp.sqrt(share)
