"""The power of the audit's test of a layer: how small an error in the variance it finds, and how surely."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from audit.layers import band, test_layer
from audit.measured import Module
from audit.recognise import Recognised
from audit.statement import Statement
from figures.tools.table import Table, stacked
from lessons.experiments.own_network import SEEDS
from lessons.tools.prose import Prose, typeset
from simulations import stream
from simulations.numbers.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

FACTORS = np.geomspace(0.5, 2.0, 15)
"""What the variance of a layer is multiplied by where the power of a test is measured."""
AUDITS = 40
RATES = {"lax": 1e-2, "usual": 1e-6, "strict": 1e-10}
"""Error rates of one test; the audit gives each of a hundred tests 1e-6, so that it has 1e-4 together."""


def power(width: int, seeds: int, alpha: float, seed: int) -> Table:
    """Measure how often the test of a layer speaks against one whose variance is not what was claimed.

    One input and so many units, whose weights are Gaussian: the outputs are, too, and are drawn as such. In closed form
    the mean of seen / expected is chi-square of width times seeds degrees of freedom, over these.
    """
    rng = stream(seed, "lesson 12", "power", width, seeds)
    return stacked(
        dict.fromkeys(("factor", "found", "expected"), "1"),
        {
            "factor": FACTORS,
            "found": [np.mean([_is_found(rng, width, seeds, alpha, one) for _ in range(AUDITS)]) for one in FACTORS],
            "expected": [chance(width, seeds, alpha, one) for one in FACTORS.tolist()],
        },
    )


def _is_found(rng: np.random.Generator, width: int, seeds: int, alpha: float, factor: float) -> bool:
    said = _layer_test(factor * rng.chisquare(width, seeds) / width, width, alpha)
    return said.verdict == "against"


def _layer_test(seen: Array, width: int, alpha: float) -> Statement:
    """Put mean squares of outputs to the audit's test, against an expectation of 1."""
    ones = np.ones(len(seen))
    module = Module("layer", "Linear", width, len(seen), moments={"input mean square": ones})
    module.squares, module.expected, module.spread, module.rows = seen, ones, 2 / width * ones, width
    rule = Statement(kind="initialiser", where="layer", verdict="sound", words="")
    said = test_layer(module, {module.weight: [Recognised(rule, 1.0)]}, alpha)
    assert said is not None
    return said


def chance(width: int, seeds: int, alpha: float, factor: float) -> float:
    """Return the probability that the mean is outside its band, in closed form."""
    above, below = band(alpha, 2 / width, width, seeds)
    count = width * seeds
    law = stats.chi2(count, scale=factor / count)
    return float(law.cdf(1 - below) + law.sf(1 + above))


def sees(width: int, seeds: int, alpha: float) -> float:
    """Return the smallest error that the test sees almost surely, as the audit states it."""
    return _layer_test(np.ones(seeds), width, alpha).numbers["sees"]


def stated(width: int, seeds: int, alpha: float, prose: Prose) -> str:
    """Say that error, in per cent."""
    size = sees(width, seeds, alpha)
    return prose.label("percent").format(typeset(100 * size)) if size < math.inf else prose.label("no size")


def draw_power(table: Table, labels: Mapping[str, str]) -> Picture:
    """Draw the share of audits that speak against a layer over the factor on its variance."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import FixedLocator

    picture, axes = plt.subplots()
    axes.set(xlabel=labels["power across"], ylabel=labels["power up"], title=labels["power title"], ylim=(-0.03, 1.2))
    axes.plot(table["factor"], table["expected"], color="C0", label=labels["column expected"])
    axes.plot(table["factor"], table["found"], "o", color="C0", clip_on=False, label=labels["column found"])
    axes.axvline(1, color="0.5", linewidth=1, zorder=0)
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.xaxis.set_major_locator(FixedLocator([0.5, 0.7, 0.8, 0.9, 1, 1.1, 1.25, 1.5, 2]))
    axes.xaxis.set_major_formatter("{x:g}")
    axes.legend(loc="upper center", ncols=2)
    return picture


GUESSED_UNITS, GUESSED_FACTOR = 64, 1.1


def guessed_power() -> float:
    """Return in how many of 100 audits of 50 seeds a layer of 64 units, with 10 % too much variance, is found."""
    return 100 * chance(GUESSED_UNITS, SEEDS, RATES["usual"], GUESSED_FACTOR)
