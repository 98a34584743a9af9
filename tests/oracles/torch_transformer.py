"""Transformers in PyTorch's own functions, layer by layer, for one draw of weights."""

from typing import Any

import torch
from torch.nn import functional

from simulations.attention.dropout import RowDropout
from simulations.attention.embedding import Embedding, TiedReadout
from simulations.attention.layer import Attention
from simulations.attention.positions import sinusoids
from simulations.layers.dense import Dense, Layer, LeakyReLU
from simulations.layers.network import Residual, Sequential
from simulations.layers.row_norms import RowNorm
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.layers.scaling import Scale

Tensors = dict[str, Any]


def forward(layer: Layer, weights: Tensors, x: Any) -> Any:
    """Run a layer on rows (1, rows, features), or tokens (1, batch, positions)."""
    match layer:
        case Sequential():
            for part in layer.layers:
                x = forward(part, weights, x)
            return x
        case Residual():
            return forward(layer.shortcut, weights, x) + forward(layer.branch, weights, x)
        case Dense():
            y = x @ weights[layer.weight]
            return y if layer.bias_deviation is None else y + weights[layer.bias]
        case LeakyReLU():
            return functional.leaky_relu(x, layer.slope)
        case Scale():
            return layer.factor * x
        case ScalarBias():
            return x + weights[layer.name]
        case ScalarMultiplier():
            return x * weights[layer.name]
        case RowDropout():
            return x * weights[layer.kept] if layer.kept in weights else x
        case RowNorm():
            gain, bias = (weights[name].reshape(-1) if name in weights else None for name in (layer.gain, layer.bias))
            return functional.layer_norm(x, (layer.features,), gain, bias, layer.eps)
        case Embedding():
            rows = layer.factor * functional.embedding(x[0], weights[layer.weight][0])
            table = torch.tensor(sinusoids(x.shape[2], layer.width), dtype=rows.dtype)
            return (rows + layer.sinusoid * table).reshape(1, -1, layer.width)
        case TiedReadout():
            return x @ weights[layer.embedding.weight].mT
        case Attention():
            return attention(layer, weights, x)
    raise AssertionError(layer)


def attention(layer: Attention, weights: Tensors, x: Any) -> Any:
    """Attend with scaled_dot_product_attention, or by hand where dropout is given."""
    query, key, value, output = layer.parts
    source = weights[layer.memory] if layer.memory else x
    batch = weights[layer.mask].shape[1] if layer.mask else x.shape[1] // (layer.positions or 1)
    q, k, v = (
        split_(forward(part, weights, rows), batch, heads)
        for part, rows, heads in ((query, x, layer.heads), (key, source, layer.key_heads or layer.heads),
                                  (value, source, layer.key_heads or layer.heads))
    )  # fmt: skip
    seen = torch.ones(q.shape[2], k.shape[2], dtype=torch.bool)
    seen = seen.tril() if layer.causal else seen
    seen = seen & weights[layer.mask][0, :, None, None] if layer.mask else seen
    if layer.kept in weights:
        logits = (q @ k.mT) / q.shape[-1] ** 0.5
        shares = torch.softmax(logits.masked_fill(~seen, -torch.inf), -1) * weights[layer.kept][0]
        averages = shares @ v
    else:
        averages = functional.scaled_dot_product_attention(q, k, v, seen, scale=layer.scale, enable_gqa=True)
    rows = averages.transpose(1, 2).reshape(1, x.shape[1], -1)
    return forward(output, weights, forward(layer.inner, weights, rows))


def split_(rows: Any, batch: int, heads: int) -> Any:
    """Part rows (1, batch * positions, heads * features) into (batch, heads, positions, features)."""
    return rows.reshape(batch, -1, heads, rows.shape[2] // heads).transpose(1, 2)
