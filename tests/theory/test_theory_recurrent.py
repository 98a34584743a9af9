"""The direct path through the cell of an LSTM against SciPy, mpmath and exact fractions."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.special import expit

from theory import recurrent

pytestmark = pytest.mark.filterwarnings("error")


def test_direct_path_is_the_product_of_gates() -> None:
    gates = np.linspace(0.1, 0.9, 7)
    assert float(recurrent.direct_path(gates.tolist())) == pytest.approx(gates.prod(), rel=1e-14)
    assert recurrent.direct_path([]) == 1
    assert recurrent.direct_path([sp.S.One] * 100) == 1
    first, second = sp.symbols("first second")
    assert recurrent.direct_path([first, second]) == first * second


def test_direct_path_by_running_the_recursion() -> None:
    """A cell is affine in its start if its gates are held, so a difference is the derivative."""
    gates, added = [Fraction(1, 3), Fraction(3, 4), Fraction(5, 7)], [Fraction(2), Fraction(-1, 5), Fraction(8, 3)]

    def end(cell: Fraction) -> Fraction:
        for gate, new in zip(gates, added, strict=True):
            cell = gate * cell + new
        return cell

    share = recurrent.direct_path([sp.Rational(g.numerator, g.denominator) for g in gates])
    assert end(Fraction(1)) - end(Fraction(0)) == Fraction(int(share.p), int(share.q))


@pytest.mark.parametrize("bias", [-2.0, 0.0, 1.0, 5.0])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_biased_path(bias: float, steps: int) -> None:
    assert float(recurrent.biased_path(bias, steps)) == pytest.approx(expit(bias) ** steps, rel=1e-12)


def test_catalogue_of_gates() -> None:
    assert [round(float(recurrent.biased_path(bias, 1)), 4) for bias in (0, 1, 5)] == [0.5, 0.7311, 0.9933]


@pytest.mark.parametrize("span", [2, 3, 10, 1000])
def test_chrono_brackets_its_limit(span: int) -> None:
    bias = recurrent.chrono_bias(span)
    late, early = (recurrent.biased_path(bias, steps) for steps in (span, span - 1))
    assert late == (1 - sp.Rational(1, span)) ** span
    assert float(late) < float(recurrent.chrono_share()) < float(early)


def test_chrono_limit() -> None:
    limit = mpmath.limit(lambda span: (1 - 1 / mpmath.mpf(span)) ** span, mpmath.inf)
    assert float(recurrent.chrono_share()) == pytest.approx(float(limit), rel=1e-12) == math.exp(-1)


def test_domains() -> None:
    with pytest.raises(ValueError, match="gate"):
        recurrent.direct_path([sp.I])
    with pytest.raises(ValueError, match="steps"):
        recurrent.biased_path(0, 0)
    with pytest.raises(ValueError, match="bias"):
        recurrent.biased_path(sp.oo, 3)
    with pytest.raises(ValueError, match="span"):
        recurrent.chrono_bias(1)
