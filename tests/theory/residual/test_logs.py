"""Mean logarithms of a block's ratio against quadrature in thirty digits and closed inner means."""

import math
from collections.abc import Callable

import mpmath
import pytest
from scipy import integrate, stats

from theory.residual import logs


@pytest.mark.parametrize(
    ("size", "quoted"), [(4, 0.6051576395405787), (8, 0.7798981882765034), (16, 0.8831705132817312)]
)
def test_log_ratio_in_thirty_digits(size: int, quoted: float) -> None:
    """The quoted values come from a tanh-sinh quadrature of the same integral in 30-digit arithmetic."""
    assert logs.block_log_ratio(size, size) == pytest.approx(quoted, abs=1e-12)


def test_log_ratio_against_the_noncentral_law() -> None:
    """Width 2, one hidden unit: the logarithm is harmonic in the plane: a closed inner mean."""

    def given(rho2: float) -> float:
        """Return E log|1 + rho g|^2 = E_1(1 / (2 rho^2)), by the mean-value property on circles."""
        return float(mpmath.e1(1 / (2 * rho2)))

    scale = 2 / (2 * 1)
    average = integrate.quad(lambda s: given(scale * s**2) * 2 * stats.norm.pdf(s), 1e-6, 12, epsabs=1e-13)[0]
    assert logs.block_log_ratio(2, 1) == pytest.approx(average / 2 / math.log(2), abs=1e-9)


def test_log_ratio_of_an_almost_silent_branch() -> None:
    """For small gain E log R is gain (1 - 2/n) to first order."""
    assert logs.block_log_ratio(6, 5, 1e-5) * math.log(2) == pytest.approx(1e-5 * (1 - 2 / 6), rel=1e-3)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (logs.block_log_ratio, (4, 4, 0), "branch_gain is 0"),
        (logs.block_log_ratio, (4, 1.5), "hidden is 1.5"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
