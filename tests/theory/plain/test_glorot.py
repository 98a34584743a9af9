"""Glorot's, He's and rival variances at quoted numbers."""

from collections.abc import Callable

import pytest
import sympy as sp

from theory.plain import glorot
from theory.plain import norms as plain

X = sp.Symbol("x", positive=True)


def test_quoted() -> None:
    assert glorot.glorot_variance(100, 300) == sp.Rational(1, 200)
    assert glorot.harmonic_mean_of_fans_variance(100, 300) == sp.Rational(1, 150)
    assert glorot.geometric_variance(100, 300) ** 2 == sp.Rational(1, 30000)


def test_all_agree_at_equal_fans() -> None:
    functions = (glorot.glorot_variance, glorot.harmonic_mean_of_fans_variance, glorot.geometric_variance)
    assert {function(64, 64) for function in functions} == {sp.Rational(1, 64)}
    assert glorot.forward_variance(64) == glorot.backward_variance(64) == sp.Rational(1, 64)


def test_he() -> None:
    assert glorot.he_variance(50) == sp.Rational(1, 25)
    assert plain.layer_factor(50, glorot.he_variance(50, slope=X), slope=X).simplify() == 1


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (glorot.glorot_variance, (0, 3), "fan_in is 0"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
