"""`measure` on images: what it records of them, that its engines agree, and what it refuses."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from simulations import (
    Dense,
    LeakyReLU,
    Network,
    Record,
    Residual,
    Sampling,
    Sequential,
    digits,
    he,
    measure,
    mlp,
    one_hot,
    stream,
    uniform,
)
from simulations.engines.request import request
from simulations.engines.trial import rows_of
from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.grouped_convolution import GroupedConvolution
from simulations.layers.normalisation import BatchNorm
from simulations.layers.pooling import AveragePool, MaxPool
from simulations.networks.imagenet_resnet import resnet18
from simulations.networks.vgg import vgg16
from theory.convolution import padding

IMAGES = stream(0, "images").normal(size=(3, 5, 4, 2))
"""(samples, height, width, channels)"""
CONVOLUTION = Convolution("first", 2, 3, 3, 2, 1)
NETWORK = Network((
    Sequential((CONVOLUTION, LeakyReLU())),
    GroupedConvolution("second", 3, 3, 3, padding=1, groups=3),
    Sequential((AveragePool(), Flatten(), Dense("readout", 3, 4))),
))  # fmt: skip
ENGINES = ["auto", "undrawn", "drawn"]


def run(network: Network, x: Any = IMAGES, draws: int = 4, **settings: Any) -> Record:
    return measure(network, x, draws=draws, rng=stream(0, "measure images"), **settings)


def test_an_image_is_its_pixels_channel_by_channel() -> None:
    """Flattened by the network or by hand, images give the same record to the bit."""
    dense = mlp([2 * 5 * 4, 6, 3])
    rows = IMAGES.transpose(0, 3, 1, 2).reshape(3, -1)
    by_hand, by_network = run(dense, rows, engine="drawn"), run(Network((Flatten(), *dense.layers)), engine="drawn")
    assert by_network.widths == (40, 40, 6, 3)
    np.testing.assert_array_equal(by_network.square_norms[:, 1:], by_hand.square_norms)
    np.testing.assert_array_equal(by_network.variances[:, 1:], by_hand.variances)


def test_rows_columns_and_channels_are_told_apart() -> None:
    every_other_row = Network((AveragePool(1, 2),))
    seen = run(every_other_row, IMAGES[:1]).square_norms
    np.testing.assert_allclose(seen[0], [np.sum(IMAGES[0] ** 2), np.sum(IMAGES[0, ::2, ::2] ** 2)], rtol=1e-14)


def test_all_that_is_recorded_of_images() -> None:
    extras = ("variances", "active", "weight_gradients")
    record = run(NETWORK, IMAGES, 6, backward=True, extras=extras, sampling=Sampling(batch=2))
    assert record.widths == (40, 18, 18, 4)
    assert record.square_norms.shape == record.gradient_square_norms.shape == record.active.shape == (6, 4)
    assert set(record.weight_gradients) == {"first.weight", "second.weight", "readout.weight"}
    assert (record.active[:, 0] == 40).all()
    assert (record.active[:, 1] < 18).any()
    assert run(NETWORK, targets=np.eye(4)[:3], backward=True, dtype=np.float32).losses.shape == (4,)


def test_results_do_not_depend_on_the_executor() -> None:
    network = resnet18(width=8, classes=3, batch_norm=None)
    x = stream(1, "images").normal(size=(2, 16, 16, 3))
    with ThreadPoolExecutor(2) as pool:
        alone, spread = (run(network, x, 30, backward=True, executor=executor) for executor in (None, pool))
    np.testing.assert_array_equal(alone.gradient_square_norms, spread.gradient_square_norms)
    assert len(np.unique(alone.square_norms[:, -1])) == 30


@pytest.mark.parametrize("engine", ENGINES)
def test_the_padding_takes_its_share(engine: Any) -> None:
    """He's convolutions of an image of ones; six standard errors at three depths: false alarm below 1e-8."""
    layers = (Sequential((Convolution(f"c{n}", 8, 8, 3, padding=1), LeakyReLU())) for n in range(3))
    record = run(Network(tuple(layers)), np.ones((1, 4, 5, 8)), 1000, engine=engine)
    axes = [[float(sum(padding.axis_shares(side, 3, 1, depth))) / side for side in (4, 5)] for depth in (1, 2, 3)]
    ratios = record.square_norms[:, 1:] / record.square_norms[:, :1]
    error = ratios.std(axis=0) / len(ratios) ** 0.5
    assert error.max() < 0.03
    assert (abs(ratios.mean(axis=0) - np.prod(axes, axis=1)) < 6 * error).all()


def test_matrices_stay_undrawn_where_their_rows_are_few() -> None:
    """A classifier behind a convolution meets one row an image, the convolution one a position."""
    hidden = Sequential((Flatten(), Dense("d", 16 * 64, 64), LeakyReLU()))
    network = Network((Convolution("c", 1, 16, 3, padding=1), hidden, Dense("e", 64, 3)))
    x = digits().x.reshape(-1, 8, 8, 1)
    settings: Any = {"targets": None, "backward": True, "extras": (), "dtype": np.float64}
    for batch in (1, 3):
        asked = request(network, x, sampling=Sampling(batch=batch), **settings)
        assert rows_of(asked) == {"c.weight": 64 * batch, "d.weight": batch, "e.weight": batch}
    assert run(network, x).engine.startswith("undrawn: 1 of 3 matrices")
    uniformly = Network((Convolution("c", 1, 1, 3, init=he.with_law(uniform)),))
    assert run(uniformly, x).engine == "drawn: not Gaussian"


def test_the_digits_are_images_too() -> None:
    inputs = digits()
    network = vgg16(classes=inputs.classes, image=(1, 32, 32), width=4, hidden=16)
    x = np.repeat(np.repeat(inputs.x.reshape(-1, 8, 8, 1), 4, axis=1), 4, axis=2)
    record = run(network, x, targets=one_hot(inputs.labels, inputs.classes), backward=True)
    assert record.losses.mean() == pytest.approx(np.log(10), rel=0.01)


@pytest.mark.parametrize(("network", "x", "settings", "message"), [
    (NETWORK, IMAGES[0, 0], {}, r"'first' expects images \(samples, height, width, 2\), got rows of shape \(4, 2\)"),
    (NETWORK, digits(), {}, r"'first' expects images \(samples, height, width, 2\), got rows of shape \(256, 64\)"),
    (NETWORK, IMAGES[0], {}, r"got an array of shape \(5, 4, 2\); images are .* with one channel x\[..., None\]"),
    (NETWORK, IMAGES[..., :0], {}, r"got an array of shape \(3, 5, 4, 0\); images are \(samples, height"),
    (NETWORK, IMAGES[:, :, :0], {}, r"got an array of shape \(3, 5, 0, 2\)"),
    (NETWORK, IMAGES[None], {}, r"got an array of shape \(1, 3, 5, 4, 2\)"),
    (NETWORK, IMAGES[..., :1], {}, r"'first' expects images \(samples, height, width, 2\), got shape \(3, 5, 4, 1\)$"),
    (NETWORK, IMAGES.transpose(0, 3, 1, 2), {}, r"got shape \(3, 2, 5, 4\); turn PyTorch's order by x.trans"),
    (NETWORK, np.where(IMAGES[1, 2, 3, 0] == IMAGES, np.nan, IMAGES), {}, r"finite .* got nan at \(1, 2, 3, 0\)"),
    (NETWORK, IMAGES, {"sampling": Sampling(batch=4)}, "a batch of 4 needs as many inputs, got 3"),
    (NETWORK, IMAGES, {"engine": "radial", "extras": ()}, "radial engine cannot do this: the positions of an image"),
    (NETWORK, IMAGES, {"targets": np.eye(2)[[0, 1, 1]]}, "4 logits but 2 targets a sample"),
    (Network((CONVOLUTION,)), IMAGES, {"targets": np.eye(3)}, r"output are images of shape \(3, 3, 2\) .*; end it in"),
    (mlp([40, 3]), IMAGES, {}, r"'layer0' expects \(draws, batch, 40\), got shape .*; images pass Flatten\(\) first"),
    (Network((MaxPool(5, padding=0),)), IMAGES, {}, "MaxPool has a window of 5 by 5, larger than the image"),
    (Network((Residual(CONVOLUTION),)), IMAGES, {}, "the branch of a residual block returns .* give it a shortcut"),
    (Network((Residual(CONVOLUTION),)), IMAGES[..., :1], {}, r"'first' expects images .*, got shape \(3, 5, 4, 1\)"),
    (Network((Flatten(), Dense("d", 8, 2))), IMAGES, {}, "layer 'd' expects 8 features, got 40"),
    (Network((AveragePool(), BatchNorm("n", 2))), IMAGES, {}, "batch norm 'n' normalises one entry at a time"),
])  # fmt: skip
def test_refused(network: Network, x: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(network, x, **settings)


def test_what_overflows_is_named() -> None:
    deep = Network(tuple(Convolution(f"c{n}", 2, 2, 3, padding=1, init=he.scaled(1e50)) for n in range(5)))
    for engine in ENGINES:
        with pytest.raises(OverflowError, match=r"float64 in block 4 of 5 \('c3'\); use fewer layers"):
            run(deep, engine=engine)
