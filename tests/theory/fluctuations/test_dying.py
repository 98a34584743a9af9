"""The probability that a net is dead, at numbers counted by hand."""

import pytest
import sympy as sp

from theory.fluctuations import dying


def test_number_of_the_catalogue() -> None:
    assert float(dying.dead_probability([3] * 4)) == pytest.approx(0.4138, abs=1e-4)


def test_uneven_widths() -> None:
    assert dying.dead_probability([3, 2, 2]) == 1 - sp.Rational(7, 8) * sp.Rational(9, 16)
