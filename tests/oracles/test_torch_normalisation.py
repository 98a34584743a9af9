"""PyTorch's autograd as an oracle of normalisation: outputs and gradients in float64, agreement to 1e-10."""

from typing import Any

import numpy as np
import pytest

from simulations.layers.convolution import Convolution
from simulations.layers.dense import Dense
from simulations.layers.network import Residual, Sequential
from simulations.layers.normalisation import BatchNorm, GroupNorm, LayerNorm, WeightStandardised
from simulations.layers.row_norms import RMSNorm, RowNorm
from simulations.numbers.arrays import Array
from tests.oracles.test_torch import agree
from tests.oracles.test_torch_convolution import Weights, compare, convolved, images

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow
pytestmark = pytest.mark.slow

IMAGES, FEATURES = images(3, 4, 12, 3, 5) * 3 + 1, images(3, 4, 12) * 3 + 1
both = pytest.mark.parametrize("x", [IMAGES, FEATURES], ids=["images", "features"])
every_eps = pytest.mark.parametrize("eps", [0.0, 1e-5, 0.5])
every_start = pytest.mark.parametrize(("gain", "bias"), [(None, None), (1.0, None), (None, 0.0), (1.0, 0.0)])


def learnt(weights: Weights) -> tuple[Any, Any]:
    """Return gains and biases as PyTorch takes them, None where there are none."""
    gain, bias = weights.get("n.gain"), weights.get("n.bias")
    return None if gain is None else gain[0], None if bias is None else bias[0]


@both
@every_eps
@every_start
def test_batch_norm(x: Array, eps: float, gain: float | None, bias: float | None) -> None:
    def theirs(weights: Weights, one: Any) -> Any:
        return torch.nn.functional.batch_norm(one, None, None, *learnt(weights), training=True, eps=eps)

    if eps == 0:  # which it refuses, so its own formula stands in

        def theirs(weights: Weights, one: Any) -> Any:  # fmt: skip
            axes, shape = (0, *range(2, one.ndim)), (12, *[1] * (one.ndim - 2))
            centred = one - one.mean(dim=axes, keepdim=True)
            normal = centred / one.var(dim=axes, keepdim=True, correction=0).sqrt()
            scale, shift = (
                parameter if parameter is None else parameter.reshape(shape) for parameter in learnt(weights)
            )
            normal = normal if scale is None else normal * scale
            return normal if shift is None else normal + shift

    compare(BatchNorm("n", 12, eps, gain, bias), theirs, x)


@both
@every_eps
@every_start
@pytest.mark.parametrize("groups", [1, 2, 3])
def test_group_norm(x: Array, eps: float, gain: float | None, bias: float | None, groups: int) -> None:
    def theirs(weights: Weights, one: Any) -> Any:
        scale, shift = learnt(weights)
        alone = scale is None and shift is not None  # a bias alone, with which PyTorch 2.13 cannot pass back
        y = torch.nn.functional.group_norm(one, groups, scale, None if alone else shift, eps=eps)
        return y + shift.reshape(-1, *[1] * (one.ndim - 2)) if alone else y

    compare(GroupNorm("n", 12, eps, gain, bias, groups=groups), theirs, x)


@every_eps
@every_start
def test_layer_norm_of_features(eps: float, gain: float | None, bias: float | None) -> None:
    for kind in (LayerNorm, RowNorm):
        layer = kind("n", 12, eps, gain, bias)
        compare(layer, lambda w, one: torch.nn.functional.layer_norm(one, (12,), *learnt(w), eps=eps), FEATURES)


@every_eps
@pytest.mark.parametrize("gain", [None, 1.0])
def test_rms_norm(eps: float, gain: float | None) -> None:
    layer = RMSNorm("n", 12, eps, gain)
    compare(layer, lambda w, one: torch.nn.functional.rms_norm(one, (12,), learnt(w)[0], eps=eps), FEATURES)


@every_eps
def test_layer_norm_of_images(eps: float) -> None:
    shape = IMAGES.shape[2:]
    compare(LayerNorm("n", 12, eps), lambda w, one: torch.nn.functional.layer_norm(one, shape, eps=eps), IMAGES)


def standard(weight: Any, gain: float, eps: float) -> Any:
    """Standardise (fan_in, fan_out) column by column."""
    variance, mean = torch.var_mean(weight, dim=0, correction=0, keepdim=True)
    return gain * (weight - mean) / (variance + eps).sqrt()


@pytest.mark.parametrize("bias", [None, 1.0])
@pytest.mark.parametrize(("gain", "eps"), [(1.0, 0.0), (0.3, 0.0), (1.7, 0.5)])
def test_weight_standardised(gain: float, eps: float, bias: float | None) -> None:
    dense = Dense("d", 12, 4, bias_deviation=bias)

    def affine(weights: Weights, one: Any) -> Any:
        y = one @ standard(weights["d.weight"], gain, eps)
        return y if bias is None else y + weights["d.bias"]

    compare(WeightStandardised(dense, gain, eps), affine, FEATURES)
    convolution = Convolution("c", 12, 4, 3, 2, 1, bias_deviation=bias)

    def theirs(weights: Weights, one: Any) -> Any:
        return convolved(convolution, weights | {"c.weight": standard(weights["c.weight"], gain, eps)}, one)

    compare(WeightStandardised(convolution, gain, eps), theirs, IMAGES)


def test_together() -> None:
    """A residual block whose batch norm passes cotangents between inputs."""
    inner = Convolution("c", 12, 12, 3, padding=1)
    layer = Residual(Sequential((BatchNorm("n", 12, 1e-5, 1.0, 0.0), inner)))

    def theirs(weights: Weights, one: Any) -> Any:
        normal = torch.nn.functional.batch_norm(one, None, None, *learnt(weights), training=True)
        return one + convolved(inner, weights, normal)

    compare(layer, theirs, IMAGES)


def test_features_that_hardly_vary() -> None:
    """A mean of 1000 times the deviation costs three digits or so, in both."""
    x = 1 + FEATURES / 1000
    y, _ = BatchNorm("n", 12, 1e-12).forward({}, x)
    theirs = [torch.nn.functional.batch_norm(one, None, None, training=True, eps=1e-12) for one in torch.tensor(x)]
    agree(y, torch.stack(theirs))
    assert np.isfinite(y).all()
