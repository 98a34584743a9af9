"""PyTorch as an oracle of grouped, dilated and transposed convolutions, and of the fans that its initialisers count."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from simulations import stream
from simulations.layers.grouped_convolution import GroupedConvolution, TransposedConvolution
from tests.oracles.test_torch_convolution import Weights, compare
from theory.layer import conventions, fans

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

SHAPE = (2, 3, 4, 7, 6)
GEOMETRIES = [  # size, stride, padding, dilation, groups
    (1, 1, 0, 1, 1),
    (3, 1, 1, 1, 2),
    (3, 2, 2, 2, 1),
    (2, 3, 1, 3, 4),
    (4, 2, 1, 1, 2),
]


def images() -> Any:
    return stream(0, "oracle", "grouped").normal(size=SHAPE)


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_grouped_convolution(geometry: tuple[int, int, int, int, int]) -> None:
    size, stride, padding, dilation, groups = geometry
    layer = GroupedConvolution("one", 4, 8, *geometry)

    def theirs(weights: Weights, x: Any) -> Any:
        own = weights[layer.weight].reshape(groups, size, size, 4 // groups, 8 // groups)
        window = own.permute(0, 4, 3, 1, 2).reshape(8, 4 // groups, size, size)
        return torch.nn.functional.conv2d(x, window, None, stride, padding, dilation, groups)

    compare(layer, theirs, images())


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_transposed_convolution(geometry: tuple[int, int, int, int, int]) -> None:
    size, stride, padding, dilation, groups = geometry
    layer = TransposedConvolution("one", 4, 8, *geometry)

    def theirs(weights: Weights, x: Any) -> Any:
        own = weights[layer.weight].reshape(groups, 4 // groups, size, size, 8 // groups)
        window = own.permute(0, 1, 4, 2, 3).reshape(4, 8 // groups, size, size)
        return torch.nn.functional.conv_transpose2d(x, window, None, stride, padding, 0, groups, dilation)

    compare(layer, theirs, images())


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (lambda nn: nn.Linear(5, 7), (7, 5)),
        (lambda nn: nn.Conv2d(8, 12, 3, groups=4), (12, 2, 3, 3)),
        (lambda nn: nn.Conv1d(6, 6, 5, groups=6), (6, 1, 5)),
        (lambda nn: nn.ConvTranspose2d(8, 6, 4, stride=2, groups=2), (8, 3, 4, 4)),
        (lambda nn: nn.Embedding(11, 3), (11, 3)),
    ],
)
def test_shapes_and_fans(module: Callable[[Any], Any], shape: tuple[int, ...]) -> None:
    weight = module(torch.nn).weight
    assert tuple(weight.shape) == shape
    told = conventions.pytorch(shape)
    assert (told.forwards, told.backwards) == torch.nn.init._calculate_fan_in_and_fan_out(weight)


def _variance(mode: str, shape: tuple[int, ...]) -> float:
    """Return the mean square of entries that PyTorch draws with gain 1."""
    weight = torch.empty(shape)
    init = torch.nn.init
    if mode == "fan_avg":
        init.xavier_normal_(weight, generator=torch.Generator().manual_seed(0))
    else:
        init.kaiming_normal_(weight, mode=mode, nonlinearity="linear", generator=torch.Generator().manual_seed(0))
    return float((weight.double() ** 2).mean())


@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
@pytest.mark.parametrize("shape", [(96, 64), (64, 1, 9, 9), (48, 32, 4, 4), (40, 20, 7)])
def test_the_variance_of_its_initialisers(mode: Any, shape: tuple[int, ...]) -> None:
    """Normal entries: the mean of N squares is within 5 sqrt(2/N) of its own."""
    told = 1 / float(conventions.count(conventions.pytorch(shape), mode))
    assert _variance(mode, shape) == pytest.approx(told, rel=5 * math.sqrt(2 / math.prod(shape)))


@pytest.mark.parametrize("module", ["attention", "LSTM", "GRU"])
def test_stacks(module: str) -> None:
    """PyTorch's q, k and v are one matrix with Glorot's rule, and stacked gates another.

    Mean squares of N uniform entries are within 5 sqrt(0.8/N) of their own, of orthogonal ones within 5 sqrt(2/N).
    """
    width = 64
    torch.manual_seed(0)
    if module == "attention":
        attention = torch.nn.MultiheadAttention(width, 4)
        assert tuple(attention.in_proj_weight.shape) == (3 * width, width)
        for weight, share in (
            (attention.in_proj_weight, float(conventions.fused_share(width, width, 3))),
            (attention.out_proj.weight, 1 / 3),
        ):
            square = float((weight.detach().double() ** 2).mean()) * width
            assert square == pytest.approx(share, rel=5 * math.sqrt(0.8 / weight.numel()))
        return
    gates = {"LSTM": 4, "GRU": 3}[module]
    weight = getattr(torch.nn, module)(width, width).weight_hh_l0
    assert tuple(weight.shape) == (gates * width, width)
    torch.nn.init.orthogonal_(weight)
    shares = [float((gate.double() ** 2).sum()) / width for gate in weight.detach().chunk(gates)]
    assert sum(shares) == pytest.approx(1, rel=1e-5)
    assert shares == pytest.approx([float(conventions.stacked_share(gates))] * gates, rel=5 * math.sqrt(2 / width**2))


def test_layers_as_pytorch_runs_them() -> None:
    """Fans measured as squares that PyTorch's own layers add up: weights and inputs all 1 count the products."""
    functional = torch.nn.functional
    ones = torch.ones
    grouped = functional.conv2d(ones(1, 8, 9, 9), ones(12, 2, 3, 3), groups=4, dilation=2)
    assert grouped.unique().tolist() == [float(fans.convolution(8, 12, 3, groups=4).forwards)]
    wide = functional.conv_transpose2d(ones(1, 8, 9, 9), ones(8, 6, 4, 4), stride=2)[..., 4:-4, 4:-4]
    assert wide.unique().tolist() == [float(fans.transposed_convolution(8, 6, 4, stride=2).forwards)]
    row = functional.conv_transpose1d(ones(1, 1, 5), ones(1, 1, 3), stride=2, padding=1)[0, 0]
    assert row.tolist() == list(fans.transposed_taps(9, 3, 2, 1))
    row = functional.conv1d(ones(1, 1, 9), ones(1, 1, 3), stride=2, padding=2, dilation=2)[0, 0]
    assert row.tolist() == list(fans.taps(9, 3, 2, 2, 2))
