"""Balance of layers: one step of a net of two layers, taken by hand."""

import numpy as np
import pytest
import sympy as sp

from theory.training import balance


def test_a_step_of_a_net_written_out() -> None:
    """z = v relu(W x) with the squared loss: gradients written out, no framework."""
    rng = np.random.default_rng(3)
    w, v, x, rate = rng.standard_normal((4, 3)), rng.standard_normal(4), rng.standard_normal(3), 0.3
    hidden = np.maximum(w @ x, 0)
    slope = v @ hidden - 1.5
    gradient_w, gradient_v = slope * np.outer(v * (w @ x > 0), x), slope * hidden
    assert np.sum(w * gradient_w) == pytest.approx(v @ gradient_v)

    def gap(w: np.ndarray, v: np.ndarray) -> float:
        return float(np.sum(w**2) - np.sum(v**2))

    alone = np.sum((v - rate * gradient_v) ** 2) - np.sum(v**2)
    along = slope * (v @ hidden)
    assert alone == pytest.approx(float(balance.square_norm_change(rate, along, np.sum(gradient_v**2))))
    moved = gap(w - rate * gradient_w, v - rate * gradient_v) - gap(w, v)
    assert moved == pytest.approx(float(balance.drift(rate, np.sum(gradient_w**2), np.sum(gradient_v**2))))


def test_nothing_is_left_of_equal_gradients_or_under_gradient_flow() -> None:
    assert balance.drift(0.1, 2, 2) == 0
    assert balance.flow().result == sp.S.Zero


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="rate is 0"):
        balance.drift(0, 1, 1)
    with pytest.raises(ValueError, match="other is -1"):
        balance.drift(1, 1, -1)
    with pytest.raises(ValueError, match="square is -1"):
        balance.square_norm_change(1, 1, -1)
