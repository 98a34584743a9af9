"""Moments of rectified normals against quadrature."""

from collections.abc import Callable

import pytest
import sympy as sp

from tests.theory.averages import normal_mean
from theory.layer import rectifiers

X = sp.Symbol("x", positive=True)


@pytest.mark.parametrize("order", range(1, 9))
@pytest.mark.parametrize("slope", [0, 0.2, 1, -1, -2.5])
def test_leaky_moment(order: int, slope: float) -> None:
    oracle = normal_mean(lambda z: (z if z > 0 else slope * z) ** order, 1.7)
    assert float(rectifiers.leaky_moment(order, slope, 1.7)) == pytest.approx(oracle, rel=1e-10, abs=1e-10)


def test_relu() -> None:
    assert rectifiers.relu_mean(X) == sp.sqrt(X / (2 * sp.pi))
    assert rectifiers.relu_second_moment(X) == X / 2
    assert rectifiers.relu_fourth_moment(X) == 3 * X**2 / 2
    assert float(rectifiers.relu_variance(1)) == pytest.approx(0.34085, abs=5e-6)


def test_the_symmetric_and_the_gaussian_route_agree() -> None:
    slope = sp.Symbol("a", real=True)
    assert sp.expand(rectifiers.leaky_second_moment(slope, X) - rectifiers.leaky_moment(2, slope, X)) == 0


def test_gain() -> None:
    gains = [rectifiers.leaky_gain(slope) for slope in (0, 1, -1)]
    assert gains == [sp.sqrt(2), 1, 1]
    assert rectifiers.leaky_gain(sp.sqrt(5)) ** 2 == sp.Rational(1, 3)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (rectifiers.leaky_moment, (0, 0, 1), "order is 0"),
        (rectifiers.leaky_moment, (2, sp.I, 1), "slope is I"),
        (rectifiers.relu_mean, (-1,), "variance is -1"),
        (rectifiers.leaky_gain, (sp.oo,), "slope is oo"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
