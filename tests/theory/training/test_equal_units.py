"""Equal units as one unit: a step of a net of three, by hand."""

import math

import numpy as np
import pytest

from theory.training import equal_units


@pytest.mark.parametrize("units", [1, 3])
def test_a_step_by_hand(units: int) -> None:
    """z = sum a tanh(w x), squared loss against 1: h copies, and one unit with the sum of their outgoing weights."""
    w, a, x, rate = 0.7, -0.4, 1.3, 0.2
    hidden = math.tanh(w * x)
    slope = units * a * hidden - 1
    after = w - rate * slope * a * (1 - hidden**2) * x, a - rate * slope * hidden
    into, out = map(float, equal_units.rates(rate, units))
    total = units * a
    one = w - into * slope * total * (1 - hidden**2) * x, total - out * slope * hidden
    assert one == pytest.approx((after[0], units * after[1]))


def test_rates() -> None:
    assert equal_units.rates(1, 4) == (pytest.approx(1 / 4), 4)
    assert np.prod([float(rate) for rate in equal_units.rates(0.5, 7)]) == pytest.approx(0.25)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="rate is -1"):
        equal_units.rates(-1, 2)
    with pytest.raises(ValueError, match="units is 0"):
        equal_units.rates(1, 0)
