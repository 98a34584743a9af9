"""Glorot's equation 7 against all random-sign weights, one by one."""

import numpy as np
import pytest
import sympy as sp

from tests.theory.averages import sign_matrices
from theory.plain import linear_gradients, weight_gradients

WIDTHS = (2, 3, 2, 1)


def test_against_every_sign() -> None:
    x, v = np.array([[0.5], [-2.0]]), np.array([[1.5]])
    scales = (0.5, 0.7, 1.1)
    first, second, third = (sign_matrices(WIDTHS[k + 1], WIDTHS[k], scales[k]) for k in range(3))
    ends = float(np.square(x).mean() * np.square(v).mean())
    variances = [sp.Float(scale) ** 2 for scale in scales]
    mean = np.mean([np.square((c.T @ v) @ (a @ x).T).mean() for a in first for c in third])
    assert float(linear_gradients.entry_gradient(WIDTHS, variances, 2)) == pytest.approx(mean / ends)
    mean = np.mean([np.square(v @ (b @ a @ x).T).mean() for a in first for b in second])
    assert float(linear_gradients.entry_gradient(WIDTHS, variances, 3)) == pytest.approx(mean / ends)


def test_equal_widths_are_level() -> None:
    whole = weight_gradients.linear_weight_gradient(4, sp.Rational(1, 3), 3)
    assert {linear_gradients.entry_gradient((4,) * 4, [sp.Rational(1, 3)] * 3, i) for i in (1, 2, 3)} == {whole}


def test_there_is_no_layer_zero() -> None:
    with pytest.raises(ValueError, match="layer is 0; expected 1 to 3"):
        linear_gradients.entry_gradient(WIDTHS, [1, 1, 1], 0)
