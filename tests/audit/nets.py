"""Small models with one thing right or wrong, as users write them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn

Factory = Callable[[], Any]
Draw = Callable[[Any], Any]


def inputs(*shape: int) -> Any:
    return np.random.default_rng(7).standard_normal(shape)


def he(weight: Any) -> None:
    nn.init.kaiming_normal_(weight, nonlinearity="relu")


def lecun(weight: Any) -> None:
    nn.init.normal_(weight, 0, weight.shape[1] ** -0.5)


def chain(draw: Draw = he, *, layers: int = 8, width: int = 32, bias: float = 0.0, head: Draw | None = None) -> Any:
    """Dense layers with rectifiers, and a head."""
    made: list[Any] = []
    for _ in range(layers):
        made += [nn.Linear(width, width), nn.ReLU()]
        draw(made[-2].weight)
        nn.init.constant_(made[-2].bias, bias)
    made.append(nn.Linear(width, 16, bias=False))
    (head or lecun)(made[-1].weight)
    return nn.Sequential(*made)


def one(layer: Any, draw: Draw | None = None) -> Any:
    if draw:
        draw(layer.weight)
    if getattr(layer, "bias", None) is not None and torch.is_tensor(layer.bias):
        nn.init.zeros_(layer.bias)
    return nn.Sequential(layer)


class Block(nn.Module):  # type: ignore[misc]
    """A residual block, with or without its norm."""

    def __init__(self, width: int, *, norm: bool = True, last: float = 1.0) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width) if norm else nn.Identity()
        self.first, self.second = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        he(self.first.weight)
        he(self.second.weight)
        with torch.no_grad():
            self.second.weight *= last

    def forward(self, x: Any) -> Any:
        return x + self.second(torch.relu(self.first(self.norm(x))))


def residual(*, norm: bool = True, blocks: int = 8, last: float = 1.0) -> Any:
    return nn.Sequential(*(Block(32, norm=norm, last=last) for _ in range(blocks)))


class Attention(nn.Module):  # type: ignore[misc]
    """Multi-head attention as PyTorch draws it, or each projection by Glorot's rule."""

    def __init__(self, *, apart: bool = False) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(32, 4, batch_first=True)
        if apart:
            for rows in self.attention.in_proj_weight.detach().chunk(3):
                nn.init.xavier_uniform_(rows)

    def forward(self, x: Any) -> Any:
        return self.attention(x, x, x)


class Recurrent(nn.Module):  # type: ignore[misc]
    def __init__(self, draw: Draw) -> None:
        super().__init__()
        self.cell = nn.LSTM(24, 24, batch_first=True)
        draw(self.cell.weight_hh_l0)

    def forward(self, x: Any) -> Any:
        return self.cell(x)[0]


def each_gate(weight: Any) -> None:
    for gate in weight.detach().chunk(4):
        nn.init.orthogonal_(gate)


def fan_out_normal(weight: Any) -> None:
    """As kaiming_normal_ with mode="fan_out", which counts all channels."""
    nn.init.kaiming_normal_(weight, mode="fan_out", nonlinearity="relu")


def truncated(weight: Any) -> None:
    deviation = math.sqrt(2 / weight.shape[1])
    nn.init.trunc_normal_(weight, 0, deviation, -2 * deviation, 2 * deviation)


def seeded(weight: Any) -> None:
    """Draw from a generator that starts anew."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        weight.copy_(torch.randn(weight.shape, generator=generator) * (2 / weight.shape[1]) ** 0.5)
