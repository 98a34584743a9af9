"""Fixup's exponents against slopes of logarithms."""

from collections.abc import Callable

import mpmath
import pytest
import sympy as sp

from theory.fixup import scale as fixup


def test_exponents() -> None:
    assert [fixup.fixup_exponent(m) for m in (2, 3, 4)] == [sp.Rational(-1, 2 * m - 2) for m in (2, 3, 4)]
    assert fixup.fixup_scale(16, 3) == sp.Rational(1, 2)


def test_one_layer_is_singular() -> None:
    with pytest.raises(ValueError, match="empty"):
        fixup.fixup_exponent(1)
    with pytest.raises(ValueError, match="layers_per_branch is 0"):
        fixup.fixup_scale(10, 0)


def test_attention_multiplies_two_layers() -> None:
    assert fixup.fixup_exponent(("value", "output")) == fixup.fixup_exponent(2)
    with pytest.raises(ValueError, match="names key, query"):
        fixup.fixup_exponent(("query", "key", "value", "output"))
    with pytest.raises(ValueError, match="every layer once"):
        fixup.fixup_scale(4, ("value", "value"))


@pytest.mark.parametrize("exponents", [(0.5, 0.25, 0.1), (0, 1), (0.25, 0.25, 0.25, 0.25), (1, 0.2, 0.3)])
def test_update_exponent_against_the_slope(exponents: tuple[float, ...]) -> None:
    def log_update(log_branches: mpmath.mpf) -> mpmath.mpf:
        total = mpmath.fsum(exponents)
        return mpmath.log(sum(mpmath.exp(-2 * (total - e) * log_branches) for e in exponents))

    slope = (log_update(mpmath.mpf(2000)) - log_update(mpmath.mpf(1000))) / 1000
    assert float(fixup.update_exponent(exponents)) == pytest.approx(float(slope), abs=1e-9)


def test_the_condition_gives_the_order_one_over_branches() -> None:
    exponent = -fixup.fixup_exponent(4)
    assert 3 * exponent == fixup.condition().result == sp.Rational(1, 2)
    assert fixup.update_exponent([exponent] * 4) == -1
    assert fixup.update_exponent([exponent] * 3 + [sp.Integer(5)]) == -1


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        (fixup.update_exponent, ([],), "exponents is empty"),
    ],
)
def test_domain_errors_name_the_argument(
    function: Callable[..., object], arguments: tuple[object, ...], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        function(*arguments)
