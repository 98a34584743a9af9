"""The distance of twins against residual blocks written with NumPy alone."""

import numpy as np
import pytest
from numpy.typing import NDArray

from theory.residual import twins


@pytest.mark.parametrize("hidden", [3, 8])
def test_distance_against_drawn_blocks(hidden: int) -> None:
    """Mean within six standard errors; the spread below its bound, which a net of equal twins nearly reaches."""
    rng, n, draws = np.random.default_rng(0), 4, 200_000

    def block(x: NDArray[np.float64]) -> NDArray[np.float64]:
        inner = np.maximum(rng.standard_normal((draws, hidden, n)) @ x, 0) * np.sqrt(2 / n)
        branch = np.einsum("dnh,dh->dn", rng.standard_normal((draws, n, hidden)), inner) / np.sqrt(hidden)
        return np.asarray(x + branch)

    x, y = np.array([1.0, 0, 2, 1]), np.array([1.0, 1, 1, 0])
    before, average = ((x - y) ** 2).sum() / 2, ((x**2).sum() + (y**2).sum()) / 2
    seen = ((block(x) - block(y)) ** 2).sum(axis=1) / 2
    mean = float(twins.distance_after(before, average))
    assert abs(seen.mean() - mean) < 6 * seen.std() / draws**0.5
    bound = float(twins.distance_relative_variance(n, 1 + 5 / hidden))
    assert 0.3 * bound < seen.var() / mean**2 < bound


def test_a_branch_alone_reaches_the_bound() -> None:
    """Twins that are at one place and of which one stands still: D' is half the branch's squared norm."""
    n, h = 4, 8
    assert float(twins.distance_relative_variance(n, 1 + 5 / h)) == (1 + 2 / n) * (1 + 5 / h) - 1


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (twins.distance_after, (-1, 1), "distance_before is -1"),
        (twins.distance_after, (1, -1), "average is -1"),
        (twins.distance_after, (1, 1, -1), "branch_gain is -1"),
        (twins.distance_relative_variance, (0, 1), "width is 0"),
        (twins.distance_relative_variance, (3, 0.5), "kurtosis - 1 is -0.5"),
    ],
)
def test_arguments_outside_the_domain(function, arguments, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=message):
        function(*arguments)
