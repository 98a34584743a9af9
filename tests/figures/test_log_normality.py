"""Log-norms: measured against expected, and that against one unit and the closed variance."""

import math

import numpy as np
import pytest

from figures import log_normality
from tests.figures.agreement import off, quick
from theory.domain import number
from theory.fluctuations import norms as fluctuations


def test_log_normality_agrees() -> None:
    """Bins: Bernstein's bound, of probability 2 exp(-18) each; their mean, and variances of 1000 logs: 6 errors."""
    law, spread = (quick("log_normality").where(part=part) for part in ("law", "variance"))
    step = log_normality.EDGES[1] - log_normality.EDGES[0]
    draws, variance = 16_000, 5.68
    assert np.all(off(law) <= 6 * law.numbers("error") + 6 / (draws * step))
    measured, exact, normal = (
        law.numbers("at") @ law.numbers(name) * step for name in ("measured", "expected", "leading")
    )
    assert abs(measured - exact) <= 6 * math.sqrt(variance / draws) < abs(exact - normal)
    assert np.all(off(spread) <= 6 * spread.numbers("error"))


def test_log_normality_expects() -> None:
    assert log_normality.log_variance(8) == pytest.approx(number(fluctuations.relu_log_variance(8)), rel=1e-9)
    # One unit, given that it is active: r = 2 z^2, z ~ N(0, 1).
    edges = np.linspace(-6, 3, 10)
    below = [math.erf(math.sqrt(math.exp(edge) / 4)) for edge in edges]
    assert log_normality.exact_probabilities(1, 1, edges) == pytest.approx(np.diff(below), abs=1e-6)
