"""The ratio of a cotangent's norms across one layer against layers written with NumPy alone."""

import numpy as np
import pytest

from theory.plain.backward_fluctuations import layer_relative_variance


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.0])
def test_layer_ratio_against_drawn_layers(slope: float) -> None:
    """The relative variance of squares of 400,000 ratios has a relative deviation below 0.01."""
    rng, m, n, draws = np.random.default_rng(0), 5, 4, 400_000
    w, v = rng.standard_normal((draws, n, m)), rng.standard_normal((draws, n))
    slopes = np.where(w @ np.array([1.0, 2, 0, -1, 3]) > 0, 1.0, slope)
    below = np.einsum("dnm,dn->dm", w, slopes * v)
    ratio = (below**2).sum(axis=1) / (v**2).sum(axis=1)
    assert ratio.mean() == pytest.approx(m * (1 + slope**2) / 2, rel=0.01)
    assert ratio.var() / ratio.mean() ** 2 == pytest.approx(float(layer_relative_variance(m, n, slope)), rel=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"), [((0, 3), "fan_in is 0"), ((3, 0), "is 0; expected an integer"), ((3, 3, 1j), "slope is")]
)
def test_arguments_outside_the_domain(arguments: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        layer_relative_variance(*arguments)
