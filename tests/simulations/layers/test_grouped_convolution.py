"""Grouped and transposed convolutions against the plain one, as each other's adjoints, and what they refuse."""

import dataclasses

import numpy as np
import pytest

from simulations import Initialiser, stream
from simulations.layers.convolution import Convolution
from simulations.layers.grouped_convolution import GroupedConvolution, TransposedConvolution


def test_one_group_is_the_plain_convolution() -> None:
    rng = stream(0, "grouped", "plain")
    plain, layer = Convolution("one", 3, 4, 3, 2, 1), GroupedConvolution("one", 3, 4, 3, 2, 1)
    parameters = plain.draw(rng, 2)
    x = rng.normal(size=(2, 5, 3, 7, 6))
    theirs, back = plain.forward(parameters, x)
    ours, pullback = layer.forward({"one.weight": np.asarray(parameters["one.weight"])[:, None]}, x)
    np.testing.assert_allclose(ours, theirs, atol=1e-12)
    dy = rng.normal(size=ours.shape)
    np.testing.assert_allclose(pullback(dy, None), back(dy, None), atol=1e-12)


def test_groups_do_not_see_each_other() -> None:
    rng = stream(0, "grouped", "apart")
    layer = GroupedConvolution("one", 4, 6, 3, padding=1, groups=2)
    parameters, x = layer.draw(rng, 1), rng.normal(size=(1, 1, 4, 4, 4))
    other = x.copy()
    other[:, :, 2:] += 1
    before, after = (layer.forward(parameters, image)[0] for image in (x, other))
    np.testing.assert_array_equal(before[:, :, :3], after[:, :, :3])
    assert (before[:, :, 3:] != after[:, :, 3:]).all()


@pytest.mark.parametrize("geometry", [(3, 1, 1, 1, 2), (4, 2, 1, 1, 1), (2, 3, 0, 2, 2)])
def test_a_transposed_convolution_is_the_adjoint(geometry: tuple[int, int, int, int, int]) -> None:
    """<A x, y> = <x, A^T y> with the weights of a group transposed."""
    rng = stream(0, "grouped", "adjoint")
    down, up = GroupedConvolution("one", 4, 6, *geometry), TransposedConvolution("one", 6, 4, *geometry)
    parameters = down.draw(rng, 2)
    y = rng.normal(size=(2, 1, 6, 3, 4))
    image, _ = up.forward({"one.weight": np.asarray(parameters["one.weight"]).swapaxes(2, 3)}, y)
    x = rng.normal(size=image.shape)
    lowered, _ = down.forward(parameters, x)
    np.testing.assert_allclose((lowered * y).sum(), (x * image).sum(), rtol=1e-12)


@pytest.mark.parametrize("kind", [GroupedConvolution, TransposedConvolution])
def test_the_initialiser_is_told_fans_of_a_group(kind: type[GroupedConvolution] | type[TransposedConvolution]) -> None:
    told = []

    def variance(fan_in: int, fan_out: int) -> float:
        told.append((fan_in, fan_out))
        return 0.0

    layer = kind("one", 6, 8, 3, groups=2, init=Initialiser(variance))
    assert not np.any(layer.draw(stream(0, "told"), 3)["one.weight"])
    assert told == [(27, 36)]
    assert (layer.degree(1, frozenset({"one.weight"})), layer.degree(None, frozenset())) == (2, None)
    assert [*layer.weights(), *layer.learnt()] == ["one.weight"]


def test_refusals() -> None:
    layer = GroupedConvolution("one", 4, 6, 3)
    for changes, message in (
        ({"groups": 3}, "has 3 groups, which must divide its 4 channels in and its 6"),
        ({"dilation": 0}, "dilation of convolution 'one' must be at least 1, got 0"),
        ({"padding": -1}, "padding of convolution 'one' must not be negative"),
    ):
        with pytest.raises(ValueError, match=message):
            dataclasses.replace(layer, **changes)  # type: ignore[arg-type]
    parameters = layer.draw(stream(0, "refusals"), 1)
    with pytest.raises(ValueError, match="larger than the image"):
        layer.forward(parameters, np.zeros((1, 1, 4, 2, 2)))
    with pytest.raises(ValueError, match="expects 4 channels"):
        layer.forward(parameters, np.zeros((1, 1, 3, 5, 5)))
    up = TransposedConvolution("one", 4, 6, 3, padding=2)
    with pytest.raises(ValueError, match="cuts 2 pixels off each side of its output, all"):
        up.forward(up.draw(stream(0, "refusals"), 1), np.zeros((1, 1, 4, 1, 1)))
