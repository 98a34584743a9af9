"""Fans against products counted in NumPy, known numbers of public questions, and what frameworks are known to count."""

import itertools
from typing import Any

import numpy as np
import pytest
import sympy as sp

from theory.layer import conventions, fans
from theory.layer.conventions import Mode

GEOMETRIES = list(itertools.product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2)))


def _matrix(length: int, size: int, stride: int, padding: int, dilation: int) -> Any:
    """Return which pixels (columns) each position (rows) of one axis reads, from a loop over positions and taps."""
    positions = (length + 2 * padding - dilation * (size - 1) - 1) // stride + 1
    reads = np.zeros((max(positions, 0), length), int)
    for position, tap in itertools.product(range(positions), range(size)):
        if 0 <= (pixel := stride * position - padding + dilation * tap) < length:
            reads[position, pixel] += 1
    return reads


@pytest.mark.parametrize(("size", "stride", "padding", "dilation"), GEOMETRIES)
def test_taps_of_every_position(size: int, stride: int, padding: int, dilation: int) -> None:
    reads = _matrix(9, size, stride, padding, dilation)
    assert fans.taps(9, size, stride, padding, dilation) == tuple(reads.sum(axis=1))
    assert fans.transposed_taps(9, size, stride, padding, dilation) == tuple(reads.sum(axis=0))


@pytest.mark.parametrize(("size", "stride"), [(1, 1), (3, 1), (4, 2), (3, 2), (2, 3), (5, 3)])
def test_fans_are_means_of_taps(size: int, stride: int) -> None:
    """Over a whole period in the middle of a long axis."""
    inside = slice(30, 30 + 6 * stride)
    there = sum(fans.transposed_taps(90, size, stride)[inside])
    assert fans.convolution(3, 5, size, stride=stride, axes=1).backwards == sp.Rational(5 * there, 6 * stride)
    assert fans.transposed_convolution(3, 5, size, stride=stride, axes=1).forwards == sp.Rational(3 * there, 6 * stride)
    assert fans.convolution(3, 5, size, stride=stride, axes=1).forwards == 3 * fans.taps(90, size, stride)[10]


def test_known_numbers() -> None:
    """Of public questions; measured there .0312, .2501, .247, 3.97, .5005, .2487, .249 and 1/10."""
    kept, told = conventions.forward_factor, conventions.pytorch
    assert kept(fans.convolution(32, 32, 3, groups=32), told((32, 1, 3, 3)), "fan_out") == sp.Rational(1, 32)
    assert kept(fans.convolution(64, 64, 3, groups=4), told((64, 16, 3, 3)), "fan_out") == sp.Rational(1, 4)
    assert kept(fans.transposed_convolution(128, 32, 4, stride=2), told((128, 32, 4, 4)), "fan_out") == sp.Rational(
        1, 4
    )
    assert kept(fans.transposed_convolution(128, 32, 3), told((128, 32, 3, 3)), "fan_in") == 4
    assert conventions.fused_share(512, 512, 3) == sp.Rational(1, 2)
    assert conventions.fused_logit_share(512, 512, 3) == sp.Rational(1, 4)
    assert [conventions.stacked_share(gates) for gates in (3, 4)] == [sp.Rational(1, 3), sp.Rational(1, 4)]
    head = fans.kernel((64, 4, 16), 0, (1, 2))
    assert conventions.variance_ratio(head, conventions.keras((64, 4, 16)), "fan_avg") == sp.Rational(1, 10)


def test_edges_of_padded_images() -> None:
    """An image of 14 pixels loses 9 % at its edges: 4 becomes 3.63, as measured; 64 pixels make .25 into .246."""
    for side, size, stride, mode, shown in ((14, 3, 1, "fan_in", 3.63), (64, 4, 2, "fan_out", 0.246)):
        taps = fans.transposed_taps(stride * (side - 1) + size - 2, size, stride, 1)
        told = float(conventions.count(conventions.pytorch((128, 32, size, size)), mode))  # type: ignore[arg-type]
        assert 128 * np.mean(taps) ** 2 / told == pytest.approx(shown, abs=0.005)


def test_depthwise_in_keras() -> None:
    """Keras stores (k, k, C, multiplier) and takes all channels for the fan-in."""
    told = conventions.keras((3, 3, 8, 1))
    assert (told.forwards, told.backwards) == (72, 9)
    true = fans.convolution(8, 8, 3, groups=8)
    assert conventions.forward_factor(true, told, "fan_avg") == sp.Rational(2, 9)
    assert conventions.backward_factor(true, told, "fan_avg") == sp.Rational(2, 9)


def test_kernels_against_counting() -> None:
    """A kernel (batch, in, window, out): products of an output and of an input, counted with ones."""
    shape = (2, 3, 5, 4)
    found = fans.kernel(shape, 1, 3, 0)
    y = np.einsum("nipo,nip->no", np.ones(shape), np.ones(shape[:3]))
    assert set(y.ravel()) == {float(found.forwards)}
    assert found.backwards == 5 * 4
    assert fans.kernel(shape, (-3, 0), -1).forwards == 2 * 3 * 5


def test_jax_with_stated_axes_is_right_and_without_is_keras() -> None:
    shape = (6, 4, 5)
    assert conventions.jax(shape, 0, (1, 2)) == fans.kernel(shape, 0, (1, 2))
    assert conventions.jax(shape, 1, 2, 0) == fans.kernel(shape, 1, 2, 0)
    assert conventions.jax(shape) == conventions.keras(shape)
    assert conventions.jax((1000, 64), 0, 0).forwards == 64  # as Flax' tables have it
    assert conventions.jax((1000, 64)).forwards == 1000


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fans.convolution(6, 4, 3, groups=4), "channels_in is 6; expected a multiple of the groups, 4"),
        (lambda: fans.convolution(4, 6, 3, groups=4), "channels_out is 6; expected a multiple"),
        (lambda: fans.convolution(4, 4, 0), "size is 0; expected an integer of at least 1"),
        (lambda: fans.transposed_convolution(4, 4, 3, stride=1.5), "stride is 1.5"),
        (lambda: fans.kernel((3, 4), 0, 0), "expected each of 2 axes at most once"),
        (lambda: fans.kernel((3, 4), 0, -2), "expected each of 2 axes at most once"),
        (lambda: fans.kernel((3, 4), 0, 2), "expected each of 2 axes at most once"),
        (lambda: fans.kernel((3, 0), 0, 1), "axis 1 of the shape is 0"),
        (lambda: fans.taps(4, 3, 1, 0, 2), "a window of 3 with dilation 2 does not fit 4 pixels"),
        (lambda: fans.taps(4, 3, 0), "stride is 0"),
        (lambda: conventions.pytorch((5,)), "expected at least 2 axes"),
        (lambda: conventions.keras((5, 2.5)), "axis 1 of the shape is 2.5"),
        (lambda: conventions.count(fans.dense(2, 3), "fan_mean"), "mode is 'fan_mean'; expected one of fan_in"),  # type: ignore[arg-type]
        (lambda: conventions.fused_share(4, 4, 0), "blocks is 0"),
        (lambda: conventions.stacked_share(-1), "gates is -1"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_rules_agree_where_a_layer_is_a_matrix(mode: Mode) -> None:
    true = fans.dense(30, 50)
    for told in (conventions.pytorch((50, 30)), conventions.keras((30, 50)), conventions.jax((30, 50))):
        assert conventions.variance_ratio(true, told, mode) == 1
