"""Degrees of layers, and of gradients along a set."""

from theory.homogeneity import degrees


def test_layers() -> None:
    assert degrees.dense_degree(1, weight_scaled=True) == 2
    assert degrees.dense_degree(0, weight_scaled=True, bias_scaled=True) == 1
    assert degrees.dense_degree(0, weight_scaled=True, bias_scaled=False) is None
    assert degrees.dense_degree(None, weight_scaled=True) is None
    assert [degrees.rectifier_degree(k) for k in (None, 0, 2)] == [None, 0, 2]
    assert [degrees.tanh_degree(k) for k in (None, 0, 1)] == [None, 0, None]
    assert [degrees.sum_degree(1, k) for k in (1, 0, None)] == [1, None, None]


def test_gradients_along_a_set() -> None:
    assert degrees.loss_gradient_along(3, 2, 1) == 3
    assert degrees.squared_loss_gradient_along(2, 3, 1) == 12
