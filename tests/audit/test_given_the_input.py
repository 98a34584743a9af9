"""What a layer promises given its input: its mean square at every layout, and the variance of that, or a bound."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit.pytorch.watch import _expected

DRAWS = 3_000
LAYERS: dict[str, tuple[Any, tuple[int, ...], bool]] = {
    "dense": (nn.Linear(6, 4), (3, 2, 6), True),
    "dense, one input": (nn.Linear(6, 4), (1, 6), True),
    "strided, dilated": (nn.Conv2d(3, 5, 3, 2, 1, dilation=2), (2, 3, 9, 9), True),
    "one axis": (nn.Conv1d(3, 5, 3, padding=1, padding_mode="circular"), (2, 3, 9), False),
    "grouped": (nn.Conv2d(4, 6, 3, groups=2), (2, 4, 5, 5), False),
    "depthwise": (nn.Conv2d(4, 4, 3, groups=4, padding="same"), (2, 4, 5, 5), False),
    "transposed": (nn.ConvTranspose2d(4, 3, 4, 2, 1), (2, 4, 4, 4), False),
    "transposed, grouped": (nn.ConvTranspose2d(4, 6, 3, 2, groups=2), (1, 4, 4, 4), False),
    "not batched": (nn.Conv2d(3, 5, 3), (3, 6, 6), False),
}
"""A layer, the shape of its input, and whether the variance is known and not only bounded."""


@pytest.mark.parametrize("name", LAYERS)
def test_mean_and_variance_of_what_a_layer_puts_out(name: str) -> None:
    """Gaussian weights, for which the variance is the stated one where all of the Gram matrix is used."""
    layer, shape, known = LAYERS[name]
    ratios: list[tuple[float, float, float, int]] = []
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        x = torch.randn(shape)
        for _ in range(DRAWS):
            nn.init.normal_(layer.weight)
            squares, expected, bound, rows = _again(layer, x, ratios[0]) if ratios else _first(layer, x)
            ratios.append((squares / expected, expected, bound, rows))
    seen = torch.tensor([one[0] for one in ratios], dtype=torch.float64)
    _, _, bound, _ = ratios[0]
    mean, variance = float(seen.mean()), float(seen.var())
    assert abs(mean - 1) < 5 * (bound / DRAWS) ** 0.5
    spread = float(((seen - mean) ** 2).var() / DRAWS) ** 0.5
    assert variance < bound + 5 * spread
    if known:
        assert variance > bound - 5 * spread


def _first(layer: Any, x: Any) -> tuple[float, float, float, int]:
    y = layer(x)
    return _expected(layer, x, y, float(y.square().mean()))


def _again(layer: Any, x: Any, first: tuple[float, ...]) -> tuple[float, float, float, int]:
    """Return the mean square of another draw, without its bias, and what was expected at the first."""
    bias = layer.bias.clone()
    layer.bias.zero_()
    squares = float(layer(x).double().square().mean())
    layer.bias.copy_(bias)
    return squares, first[1], first[2], int(first[3])
