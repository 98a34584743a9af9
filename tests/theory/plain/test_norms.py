"""The mean square of plain nets in depth, at hand-made numbers."""

from collections.abc import Callable

import pytest
import sympy as sp

from theory.plain import norms as plain


def test_layer_factor() -> None:
    assert plain.layer_factor(10, sp.Rational(2, 10)) == 1
    assert plain.layer_factor(10, sp.Rational(1, 10), slope=1) == 1
    assert plain.norm_in_depth(sp.Rational(1, 6), 30) == sp.Rational(1, 6) ** 30


def test_fan_in_he_ends_at_the_ratio_of_widths() -> None:
    widths = [5, 9, 4, 7]
    variances = [sp.Rational(2, n) for n in widths[:-1]]
    assert plain.norm_product(widths[1:], variances) == sp.Rational(7, 5)


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (plain.layer_factor, (-3, 1), "fan_out is -3"),
        (plain.norm_product, ([3], [1, 1]), "variances has 2 entries"),
        (plain.norm_in_depth, (1, -1), "layers is -1"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
