"""Shares of logits that leave float32, against NumPy and SciPy."""

import numpy as np
import pytest
from scipy import stats

from theory.precision import softmax
from theory.precision.formats import FLOAT32


def test_the_logit_of_overflow_is_that_of_numpy() -> None:
    logit = float(softmax.logit_of_overflow(FLOAT32))
    with np.errstate(over="ignore"):
        assert np.isinf(np.exp(np.float32(logit + 1e-4)))
    assert np.isfinite(np.exp(np.float32(logit - 1e-4)))


def test_the_lead_of_saturation_is_that_of_numpy() -> None:
    lead = float(softmax.lead_of_saturation(FLOAT32))
    assert np.float32(1) + np.exp(np.float32(-lead - 1e-4)) == 1
    assert np.float32(1) + np.exp(np.float32(-lead + 1e-4)) > 1


def test_shares_are_those_of_scipy() -> None:
    one = stats.norm.sf(float(softmax.logit_of_overflow(FLOAT32)) / 128)
    assert float(softmax.share_of_overflow(128, FLOAT32)) == pytest.approx(one)
    assert float(softmax.share_of_overflow(128, FLOAT32, 10)) == pytest.approx(1 - (1 - one) ** 10)
    lead = float(softmax.lead_of_saturation(FLOAT32))
    assert float(softmax.share_without_gradient(128, FLOAT32)) == pytest.approx(stats.norm.sf(lead, scale=128 * 2**0.5))


def test_deviations_are_positive() -> None:
    with pytest.raises(ValueError, match="deviation is 0"):
        softmax.share_of_overflow(0, FLOAT32)
