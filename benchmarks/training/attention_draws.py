"""A thousand draws of a layer of attention, forwards and backwards in one expression, and the same in PyTorch."""

from __future__ import annotations

from typing import Any

from benchmarks.training.step import Step


def our_draws(kind: str, draws: int, threads: int) -> Step:
    """Return a pass forwards and backwards through so many draws of one causal layer, in one expression each."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(threads)
    layer, parameters, x = one_layer(kind, draws)

    def step() -> float:
        y, pullback = layer.forward(parameters, x)
        into: dict[str, Any] = {}
        pullback(y, into)
        return float(sum(gradient.array.sum() for gradient in into.values()))

    return step


def their_draws(kind: str, draws: int, threads: int) -> Step:
    """Return the same by PyTorch's autograd, with batched products."""
    import torch
    from torch.nn.functional import scaled_dot_product_attention

    torch.set_num_threads(threads)
    layer, parameters, rows = one_layer(kind, draws)
    weights = {name.split(".")[1]: torch.nn.Parameter(torch.tensor(value)) for name, value in parameters.items()}
    x = torch.tensor(rows)

    def step() -> float:
        for one in weights.values():
            one.grad = None
        parts = (torch.bmm(x, weights[part]) for part in ("query", "key", "value"))
        q, k, v = (part.view(draws, -1, layer.heads, layer.width // layer.heads).transpose(1, 2) for part in parts)
        averages = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2)
        y = torch.bmm(averages.reshape(x.shape), weights["output"])
        y.backward(y.detach())
        return float(sum(one.grad.sum() for one in weights.values()))

    return step


def one_layer(kind: str, draws: int) -> tuple[Any, dict[str, Any], Any]:
    """Return a causal layer of width 32 with 4 heads, so many draws of its weights, and 8 rows for each."""
    from simulations.attention.layer import Attention
    from simulations.numbers.streams import stream

    layer = Attention("a", 32, 4, 8, causal=True)
    parameters = {name: value.astype(kind) for name, value in layer.draw(stream(0, "benchmark"), draws).items()}
    return layer, parameters, stream(1, "benchmark").normal(size=(draws, 8, 32)).astype(kind)
