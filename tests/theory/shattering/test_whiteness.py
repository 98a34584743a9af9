"""The limit of the correlation at scaled angles, against the product over the layers of a deep net."""

import math

import pytest

from theory.mean_field.angles import gradient_correlations
from theory.shattering.whiteness import scaled_correlation


@pytest.mark.parametrize("lag", [0.5, 1, 5, 20])
def test_deep_nets_tend_to_it(lag: float) -> None:
    """The error falls like 1/L: by ten from 100 to 1,000 layers, to within a factor 1.3."""
    limit = float(scaled_correlation(lag))
    errors = [abs(gradient_correlations(lag / layers, layers)[-1] / limit - 1) for layers in (100, 1000)]
    assert errors[1] < 0.01
    assert 10 / 1.3 < errors[0] / errors[1] < 10 * 1.3


def test_at_no_lag_gradients_are_equal() -> None:
    assert scaled_correlation(0) == 1
    assert float(scaled_correlation(3 * math.pi)) == pytest.approx(1 / 8)
    with pytest.raises(ValueError, match="lag is -1"):
        scaled_correlation(-1)
