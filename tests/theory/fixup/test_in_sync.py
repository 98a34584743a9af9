"""Tangent kernels of layers that move together, against outer products and a small step."""

import math

import numpy as np
import pytest

from theory.fixup import in_sync


def test_layer_by_outer_products() -> None:
    rng = np.random.default_rng(0)
    x, d, e = rng.standard_normal(4), rng.standard_normal(3), rng.standard_normal(3)
    expected = (np.outer(x, d) * np.outer(x, e)).sum()
    assert float(in_sync.layer_kernel(x @ x, d @ e)) == pytest.approx(expected)


def test_change_by_a_small_step() -> None:
    rng = np.random.default_rng(1)
    w, target, rate = rng.standard_normal(3), rng.standard_normal(3), 1e-7
    output, jacobian = math.tanh(w @ target), (1 - math.tanh(w @ target) ** 2) * target
    moved = math.tanh((w - rate * output * jacobian) @ target)
    expected = float(in_sync.output_change(rate, jacobian @ jacobian, output))
    assert moved - output == pytest.approx(expected, rel=1e-5)


def test_domain() -> None:
    with pytest.raises(ValueError, match="square_norm"):
        in_sync.layer_kernel(-1, 1)
    with pytest.raises(ValueError, match="rate"):
        in_sync.output_change(0, 1, 1)
