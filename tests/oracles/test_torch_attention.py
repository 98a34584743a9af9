"""PyTorch as an oracle of attention: scaled_dot_product_attention and MultiheadAttention, float64, to 1e-10."""

from typing import Any

import numpy as np
import pytest

from simulations import stream
from simulations.attention import masks
from simulations.attention.attend import attend
from simulations.attention.layer import Attention
from tests.oracles.test_torch import agree, leaf
from tests.oracles.test_torch_convolution import Weights, compare

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow


def some_mask(name: str) -> Any:
    scattered = stream(0, "mask").random((2, 3, 1, 5, 7)) < 0.5
    scattered[..., 3] = True
    padded = np.arange(7) < np.array([[7, 4, 1], [2, 7, 3]])[..., None]
    return {
        "all": None, "scattered": scattered, "causal": masks.causal(5, 7), "padding": masks.padding(padded),
        "both": masks.padding(padded) & masks.causal(5, 7),
    }[name]  # fmt: skip


@pytest.mark.parametrize("name", ["all", "scattered", "causal", "padding", "both"])
@pytest.mark.parametrize("key_heads", [1, 2, 4])
@pytest.mark.parametrize("scale", [None, 0.3, 20.0])
def test_scaled_dot_product_attention(name: str, key_heads: int, scale: float | None) -> None:
    rng = stream(0, "sdpa", name, key_heads)
    shapes = (2, 3, 4, 5, 6), (2, 3, key_heads, 7, 6), (2, 3, key_heads, 7, 6)
    queries, keys, values = (rng.normal(size=shape) for shape in shapes)
    mask = some_mask(name)
    output, _, pullback = attend(queries, keys, values, mask, scale=scale)
    cotangent = rng.normal(size=output.shape)

    leaves = [leaf(one) for one in (queries, keys, values)]
    flat = [one.reshape(-1, *one.shape[2:]) for one in leaves]
    seen = None if mask is None else torch.tensor(np.broadcast_to(mask, (2, 3, 1, 5, 7)).reshape(6, 1, 5, 7))
    theirs = torch.nn.functional.scaled_dot_product_attention(*flat, seen, scale=scale, enable_gqa=True)
    theirs = theirs.reshape(output.shape)
    (theirs * torch.tensor(cotangent)).sum().backward()
    agree(output, theirs)
    for mine, one in zip(pullback(cotangent), leaves, strict=True):
        agree(mine, one.grad)


@pytest.mark.parametrize("causal", [False, True])
def test_multi_head_attention(causal: bool) -> None:
    """Their fused projection is the transposes of ours, one above the other."""
    layer = Attention("a", 8, 2, positions=5, causal=causal, bias_deviation=1.0)

    def theirs(weights: Weights, rows: Any) -> Any:
        parts = ("query", "key", "value")
        x = rows.reshape(3, 5, 8).transpose(0, 1)
        hidden = torch.ones(5, 5, dtype=torch.bool).triu(1) if causal else None
        y, _ = torch.nn.functional.multi_head_attention_forward(
            x, x, x, 8, 2,
            torch.cat([weights[f"a.{part}.weight"].T for part in parts]),
            torch.cat([weights[f"a.{part}.bias"][0] for part in parts]),
            None, None, False, 0.0, weights["a.output.weight"].T, weights["a.output.bias"][0],
            attn_mask=hidden, need_weights=False,
        )  # fmt: skip
        return y.transpose(0, 1).reshape(15, 8)

    compare(layer, theirs, stream(0, "rows").normal(size=(2, 15, 8)), vanishing=("a.key.bias",))
