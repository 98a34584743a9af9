"""Gradients of weights against enumeration of all random-sign weights."""

import itertools

import numpy as np
import pytest
import sympy as sp
from scipy import stats

from tests.theory.averages import sign_matrices
from theory.plain import weight_gradients

N = sp.Symbol("N", integer=True, positive=True)


def test_relu_by_enumeration() -> None:
    """Random-sign weights of two layers, 2 -> 1 -> 2, and random signs for v: no pre-activation is a tie of 0."""
    x, sums, count = np.array([1.0, 0.3]), np.zeros(2), 0
    for a, b in itertools.product(sign_matrices(1, 2), 2**0.5 * np.array(sign_matrices(2, 1))):
        hidden = np.maximum(a @ x, 0)
        for v in itertools.product((-1, 1), repeat=2):
            d2 = v * (b @ hidden > 0)
            d1 = (b.T @ d2) * (a @ x > 0)
            sums += np.array([np.sum(np.outer(d1, x) ** 2), np.sum(np.outer(d2, hidden) ** 2)])
            count += 1
    measured = sums / count / (2 * (x @ x))
    assert measured == pytest.approx([float(weight_gradients.relu_weight_gradient([2, 1, 2], k)) for k in (1, 2)])


def test_ends() -> None:
    assert weight_gradients.entry_product(512, 10) == sp.Rational(10, 512)
    assert weight_gradients.entry_product(5, 7) * weight_gradients.unit_product(5, 7) == 1


def test_linear() -> None:
    assert weight_gradients.linear_weight_gradient(N, 1 / (3 * N), 5) == sp.Rational(1, 81)


def test_relative_variance_of_one_layer() -> None:
    count = stats.binom(7, 0.5)
    expected = count.expect(lambda k: k**2) / count.mean() ** 2 - 1
    assert float(weight_gradients.relu_weight_gradient_relative_variance([3, 7])) == pytest.approx(expected)


def test_domain() -> None:
    with pytest.raises(ValueError, match="layer"):
        weight_gradients.relu_weight_gradient([2, 3], 2)
