"""The probability of a gradient within a band, at small depths by the chi-square law itself."""

import math

import pytest
from scipy import integrate, stats

from theory.fluctuations.trainable import alive_probability, probability


def one_layer(gain: float, width: int, low: float, high: float) -> float:
    """The probability that one layer's factor lies between two numbers."""
    units = [(math.comb(width, k) / 2**width, stats.chi2(k)) for k in range(1, width + 1)]
    ends = low * width / gain**2, high * width / gain**2
    return float(sum(share * (law.cdf(ends[1]) - law.cdf(ends[0])) for share, law in units))


@pytest.mark.parametrize(("gain", "width", "bound"), [(1.5, 1, 3), (2**0.5, 3, 2), (0.7, 8, 10)])
def test_one_layer(gain: float, width: int, bound: float) -> None:
    expected = one_layer(gain, width, bound**-2, bound**2)
    assert probability(gain, width, 1, bound) == pytest.approx(expected, abs=1e-12)


def test_two_layers() -> None:
    gain, width, bound = 1.6, 3, 2.0
    expected = 0.0
    for k in range(1, width + 1):
        law, share = stats.chi2(k, scale=gain**2 / width), math.comb(width, k) / 2**width

        def inside(log: float, law: stats.rv_continuous = law) -> float:
            factor = math.exp(log)
            within = one_layer(gain, width, bound**-2 / factor, bound**2 / factor)
            return float(law.pdf(factor)) * factor * within

        expected += share * integrate.quad(inside, -30, 6, limit=200)[0]
    assert probability(gain, width, 2, bound) == pytest.approx(expected, abs=1e-8)


def test_all_that_are_alive_lie_in_a_wide_band() -> None:
    assert probability(2**0.5, 4, 4, 1e30) == pytest.approx(float(alive_probability(4, 4)), abs=1e-12)


def test_bad_arguments_are_named() -> None:
    for wrong, name in (((0, 4, 4, 3), "gain"), ((1, 0, 4, 3), "width"), ((1, 4, 0, 3), "layers")):
        with pytest.raises(ValueError, match=f"{name} is 0"):
            probability(*wrong)
    with pytest.raises(ValueError, match="bound is 1; expected a number above 1"):
        probability(1, 4, 4, 1)
