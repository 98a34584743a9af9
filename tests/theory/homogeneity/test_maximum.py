"""The mean of the largest of normals, exact and by quadrature."""

from collections.abc import Callable

import mpmath
import pytest
import sympy as sp

from theory.homogeneity import maximum


def test_largest_of_normals() -> None:
    assert maximum.expected_maximum(1) == 0
    assert maximum.expected_maximum(2) == 1 / sp.sqrt(sp.pi)
    assert maximum.expected_maximum(3) == 3 / (2 * sp.sqrt(sp.pi))
    values = [float(maximum.expected_maximum(c)) for c in (10, 100, 1000)]
    assert values == pytest.approx([1.53875, 2.50759, 3.24144], abs=5e-6)


def test_the_quadrature_agrees_with_the_exact_values() -> None:
    for classes in (2, 3):
        assert abs(maximum._quadrature(classes) - maximum.expected_maximum(classes).n(35)) < 1e-28


def test_thresholds() -> None:
    values = [float(maximum.vacuous_below(c)) for c in (2, 3, 10, 100, 1000)]
    assert values == pytest.approx([1.229, 1.298, 1.496, 1.837, 2.131], abs=6e-4)


def test_mpmath_precision_is_left_alone() -> None:
    with mpmath.workdps(17):
        maximum._quadrature.__wrapped__(4)
        assert mpmath.mp.dps == 17


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (maximum.expected_maximum, (0,), "classes is 0"),
        (maximum.vacuous_below, (1,), "classes is 1"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
