"""The larger variance with which G2 pays for the bias of a finite width."""

import pytest

from claims.shattering.masks import WIDE, paid
from evidence import MeanTest
from evidence.mean import _rate
from theory.shattering import two_layers as shattered_width


@pytest.mark.parametrize("alpha", [1e-6, 1e-9])
@pytest.mark.parametrize("error", [0.01, 0.02])  # thorough, and standard or quick
def test_the_bias_is_paid_for(error: float, alpha: float) -> None:
    """N rate^2 (paid - v) / 2, by which the threshold is larger, covers N rate b, and twice that for the power."""
    known = shattered_width.two_layers(WIDE)
    variance = paid(known, error)
    rate = _rate(MeanTest(known.limit, variance=variance, error=error, alpha=alpha, unit=1.0).draws, variance, alpha)
    assert variance - known.second_moment >= 4 * known.bias / rate
