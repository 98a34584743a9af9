"""What the tests of all figures share: their data at quick effort from one seed, and when measured is expected.

A bound of 6 standard errors is one that a normal mean leaves with probability 2e-9. What is skewed or has few draws
says what else is true of it. `within` knows the number of draws and takes the quantile of Student's t, 5 to 10
standard errors, that a mean leaves with probability 1e-6; it compares fewer than 1,000 numbers in all.
"""

from functools import cache

import numpy as np
from scipy.stats import t

from figures.tools.figure import load
from figures.tools.table import Table

FALSE_ALARM = 1e-6


@cache
def quick(name: str) -> Table:
    """The data of a figure."""
    return changed(name)


def changed(name: str, **parameters: object) -> Table:
    """The data of a figure with some of its parameters changed."""
    module = load(name)
    return module.data({**module.FIGURE.parameters, **parameters}, "quick", 0)


def expected(name: str, **values: str | float) -> float:
    """The expected number of the one row that has these values."""
    found = quick(name).where(**values).numbers("expected")
    assert found.shape == (1,), f"{values} are in {len(found)} rows"
    return float(found[0])


def off(rows: Table) -> np.ndarray:
    """The distance of measured from expected."""
    return np.abs(rows.numbers("measured") - rows.numbers("expected"))


def within(rows: Table, draws: int, bias: float = 0.0) -> None:
    """Assert that measured is expected, up to what noise of `draws` draws makes and a relative bias."""
    seen = rows.seen()
    assert len(seen)
    noise, truth = t.isf(FALSE_ALARM / 2, draws - 1) * seen.numbers("error"), seen.numbers("expected")
    assert (off(seen) <= noise + bias * np.abs(truth) + 1e-12).all(), f"{seen['measured']} for {truth}"
