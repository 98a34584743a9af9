"""A multiplier and the weights below it against a loss written out: l = (s <w, x> - y)^2 / 2."""

import numpy as np
import pytest
import sympy as sp

from theory.normalisation import multiplier

X, Y = np.array([0.3, -1.2, 0.7]), 0.4


def gradients(s: float, w: np.ndarray) -> tuple[np.ndarray, float]:
    slope = s * (w @ X) - Y
    return slope * s * X, float(slope * (w @ X))


def test_a_step_of_both() -> None:
    s, w, rate, factor = 1.3, np.array([0.5, 0.2, -0.9]), 0.3, 0.1
    g, slope = gradients(s, w)
    assert w @ g == pytest.approx(float(multiplier.gradient_along(s, slope)))
    after, s_after = w - rate * g, s - factor * rate * slope
    moved = after @ after - w @ w
    assert moved == pytest.approx(float(multiplier.square_norm_change(rate, s, slope, g @ g)))
    left = moved - (s_after**2 - s**2) / factor
    assert left == pytest.approx(float(multiplier.drift(rate, factor, slope, g @ g)))


@pytest.mark.parametrize("scale", [0.5, 3.0])
def test_gradients_at_another_scale(scale: float) -> None:
    w = np.array([0.5, 0.2, -0.9])
    there = gradients(1.3 / scale, scale * w)[0]
    assert there == pytest.approx(gradients(1.3, w)[0] * float(multiplier.gradient_factor(scale)))


def test_at_rest_the_norm_moves_as_below_a_normalisation() -> None:
    assert multiplier.square_norm_change(sp.Rational(1, 2), 3, 0, 2) == sp.Rational(1, 2)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="scale is 0"):
        multiplier.gradient_factor(0)
    with pytest.raises(ValueError, match="factor is -1"):
        multiplier.drift(1, -1, 1, 1)
    with pytest.raises(ValueError, match="square is -1"):
        multiplier.square_norm_change(1, 1, 1, -1)
