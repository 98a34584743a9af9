"""The direct path through the cell of an LSTM against SciPy, mpmath and exact fractions."""

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from scipy.special import expit

from theory.recurrent import lstm


def test_direct_path_is_the_product_of_gates() -> None:
    gates = np.linspace(0.1, 0.9, 7)
    assert float(lstm.direct_path(gates.tolist())) == pytest.approx(gates.prod(), rel=1e-14)
    assert lstm.direct_path([]) == 1
    assert lstm.direct_path([sp.S.One] * 100) == 1
    first, second = sp.symbols("first second")
    assert lstm.direct_path([first, second]) == first * second


def test_direct_path_by_running_the_recursion() -> None:
    """A cell is affine in its start if its gates are held, so a difference is the derivative."""
    gates, added = [Fraction(1, 3), Fraction(3, 4), Fraction(5, 7)], [Fraction(2), Fraction(-1, 5), Fraction(8, 3)]

    def end(cell: Fraction) -> Fraction:
        for gate, new in zip(gates, added, strict=True):
            cell = gate * cell + new
        return cell

    share = lstm.direct_path([sp.Rational(g.numerator, g.denominator) for g in gates])
    assert end(Fraction(1)) - end(Fraction(0)) == Fraction(int(share.p), int(share.q))


@pytest.mark.parametrize("bias", [-2.0, 0.0, 1.0, 5.0])
@pytest.mark.parametrize("steps", [1, 2, 50])
def test_biased_path(bias: float, steps: int) -> None:
    assert float(lstm.biased_path(bias, steps)) == pytest.approx(expit(bias) ** steps, rel=1e-12)


def test_catalogue_of_gates() -> None:
    assert [round(float(lstm.biased_path(bias, 1)), 4) for bias in (0, 1, 5)] == [0.5, 0.7311, 0.9933]


@pytest.mark.parametrize("span", [2, 3, 10, 1000])
def test_chrono_brackets_its_limit(span: int) -> None:
    bias = lstm.chrono_bias(span)
    late, early = (lstm.biased_path(bias, steps) for steps in (span, span - 1))
    assert late == (1 - sp.Rational(1, span)) ** span
    assert float(late) < float(lstm.chrono_share()) < float(early)


def test_chrono_limit() -> None:
    limit = mpmath.limit(lambda span: (1 - 1 / mpmath.mpf(span)) ** span, mpmath.inf)
    assert float(lstm.chrono_share()) == pytest.approx(float(limit), rel=1e-12) == math.exp(-1)


def test_domains() -> None:
    with pytest.raises(ValueError, match="gate"):
        lstm.direct_path([sp.I])
    with pytest.raises(ValueError, match="steps"):
        lstm.biased_path(0, 0)
    with pytest.raises(ValueError, match="bias"):
        lstm.biased_path(sp.oo, 3)
    with pytest.raises(ValueError, match="span"):
        lstm.chrono_bias(1)
