"""Exact, given the input: whether a linear layer puts out the mean square that its rule promises, over the seeds.

Given x, the entries of W are independent with variance v, so E y^2 is v times a sum of squares of x at every place, at
any width. One ratio of seen to expected a seed has mean 1. Each of m rows adds w' G w to it, G the Gram matrix of the
inputs, whose variance is at most 2 v^2 tr G^2 at a kurtosis of 3 or less; so the ratio's is at most
s = 2 tr G^2 / (m (tr G)^2), and with groups at most 2 / m, of m rows a group. Over S seeds, with the average of s:

- from above, w' G w has at most the moment generating function that Gaussian entries give it if E exp(a w) is at most
  exp(a^2 v / 2), as of Gaussian, uniform and symmetrically truncated entries (write exp(|Aw|^2) as a Gaussian mean of
  exp(z' A w)). That is sub-gamma with variance s and scale c = sqrt(2 s / m), as no eigenvalue exceeds its share;
- from below, a positive X has E exp(-a X) of at most exp(-a E X + a^2 E X^2 / 2), so the variance is 1 / m + s.

Hence with x = log(2 / alpha) the average ratio is above 1 + sqrt(2 s x / S) + c x / S or below
1 - sqrt(2 (1 / m + s) x / S) with probability alpha at most (Boucheron, Lugosi & Massart 2013, sections 2.4 and 2.7).
Entries that depend on each other may leave the mean alone, but make the ratios scatter by more than s, which
`evidence.stated_variance` tests.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from audit.measured import Array, Measured, Module
from audit.recognise import Recognised
from audit.statement import Statement, Verdict
from evidence.finding import POWER
from evidence.stated_variance import chance_of_variance

TESTS = 2
"""Of a layer: the mean of its ratio, and its scatter."""
ENOUGH = 0.5
"""A test that cannot see a mean square half as large again, or half as large, is unsure."""


def testable(found: Measured) -> list[Module]:
    """Return the linear layers whose weights are their own, drawn apart from their input."""
    return [one for one in found.in_order() if one.squares is not None and one.weight not in found.tied]


def test_layer(module: Module, known: Mapping[str, list[Recognised]], share: float) -> Statement | None:
    """Test one layer, if a rule gives its weights one variance and they are independent."""
    variances = {one.variance for one in known.get(module.weight, [])}
    variance = next(iter(variances), math.nan)
    if len(variances) != 1 or math.isnan(variance):
        return None
    assert module.squares is not None
    assert module.expected is not None
    assert module.spread is not None
    able = module.expected > 0
    if able.sum() < 2:
        return None
    ratio = float((module.squares[able] / (variance * module.expected[able])).mean())
    spread, seeds, rows = float(module.spread[able].mean()), int(able.sum()), module.rows
    above, below = band(share, spread, rows, seeds)
    least, most = band(2 * (1 - POWER), spread, rows, seeds)[::-1]
    sees = max((1 + above) / (1 - least) - 1 if least < 1 else math.inf, 1 - (1 - below) / (1 + most))
    scatter = _scatters(module.squares[able] / (variance * module.expected[able]), module.spread[able]) <= share
    wrong = scatter or not 1 - below <= ratio <= 1 + above
    verdict: Verdict = "against" if wrong else "sound" if sees <= ENOUGH else "unsure"
    keeps = float(np.mean(variance * module.expected[able] / module.moments["input mean square"][able]))
    cause = {
        "against": "the weights depend on each other, as the ratio scatters more than it can"
        if scatter
        else "the weights do not have this variance, or depend on each other or on the input",
        "unsure": "too few seeds, or outputs, for a halved or doubled mean square",
    }
    return Statement(
        kind="exact, given the input",
        where=module.name,
        verdict=verdict,
        words=f"weights make {keeps:.3g} of its input's mean square; seen / expected {ratio:.3g}, sees {sees:.0%}",
        cause=cause.get(verdict, ""),
        severity=abs(math.log(ratio)) if wrong and ratio > 0 else 0.0,
        numbers={"keeps": keeps, "seen / expected": ratio, "sees": sees, "low": 1 - below, "high": 1 + above},
    )


def _scatters(ratios: Array, spreads: Array) -> float:
    """Bound the probability of ratios that vary so much."""
    even = ratios.size // 2 * 2
    return chance_of_variance(ratios[:even], float(spreads[:even].mean()))


def band(alpha: float, spread: float, rows: int, seeds: int) -> tuple[float, float]:
    """Return how far above and below 1 the average ratio is with probability `alpha` at most (see the module)."""
    nats = math.log(2 / alpha) / seeds
    above = math.sqrt(2 * spread * nats) + math.sqrt(2 * spread / rows) * nats
    return above, math.sqrt(2 * (1 / rows + spread) * nats)
