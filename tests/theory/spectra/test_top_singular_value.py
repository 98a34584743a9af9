"""The largest singular value of a Gaussian matrix against SciPy's law of a sum of lengths and bidiagonal matrices."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from theory.spectra import top_singular_value


@pytest.mark.slow
def test_two_by_two() -> None:
    """The sum of two Rayleigh lengths of scale 1/2, by integrating its distribution function."""
    law = stats.rayleigh(scale=0.5)

    def beyond(s: float) -> float:
        return 1 - float(integrate.quad(lambda r: law.pdf(r) * law.cdf(s - r), 0, s)[0])

    mean, variance = (float(one) for one in top_singular_value.top_of_two())
    assert mean == pytest.approx(integrate.quad(beyond, 0, 8)[0], rel=1e-7)
    square = integrate.quad(lambda s: 2 * s * beyond(s), 0, 8)[0]
    assert variance == pytest.approx(square - mean**2, rel=1e-6)


@pytest.mark.parametrize("width", [2, 3, 8, 40, 400])
def test_bounds_by_lengths(width: int) -> None:
    """The lower bound is below the norm of the bidiagonal matrix of mean lengths, which any vectors bound."""
    low, high = (float(one) for one in top_singular_value.bounds(width))
    diagonal, beside = stats.chi.mean(np.arange(width, 0, -1)), stats.chi.mean(np.arange(width - 1, 0, -1))
    best = np.linalg.norm(np.diag(diagonal) + np.diag(beside, 1), 2) / math.sqrt(width)
    assert low <= best <= high < 2
    assert high == pytest.approx(2 * stats.chi.mean(width) / math.sqrt(width), rel=1e-12)


def test_bounds_close_on_two() -> None:
    """The half wave leaves min pi^2 / (2 k^2) + k / (2 n) = 2.03 n^(-2/3) in wide layers, the lengths 1 / (2 n)."""
    low, high = (float(one) for one in top_singular_value.bounds(4000))
    assert (2 - low) * 4000 ** (2 / 3) == pytest.approx(1.5 * (2 * math.pi**2) ** (1 / 3) / 2, rel=0.1)
    assert (2 - high) * 4000 == pytest.approx(0.5, rel=1e-3)


def test_the_mean_lies_between() -> None:
    """4,000 matrices: the mean's standard error is below 1 / sqrt(8 * 4000), of which the margin is 8."""
    weights = np.random.default_rng(0).standard_normal((4000, 8, 8)) / math.sqrt(8)
    mean = np.linalg.svd(weights, compute_uv=False)[:, 0].mean()
    low, high = (float(one) for one in top_singular_value.bounds(8))
    assert low - 8 / math.sqrt(32_000) < mean < high + 8 / math.sqrt(32_000)


def test_domain() -> None:
    with pytest.raises(ValueError, match="width is 1; expected an integer of at least 2"):
        top_singular_value.bounds(1)
