"""Networks of torchvision, transformers and PyTorch as these packages build them, without pretrained weights.

Each is made whole or small; the small ones keep what the audit finds and take a second or two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np
import torch
from torch import nn

from tests.torchvision_without_operators import torchvision_models

VOCABULARY, FEW = 4_096, 512


@dataclass(frozen=True)
class Network:
    """A network, as the gallery audits it."""

    title: str
    make: Callable[[bool], Any]
    """Takes whether it is to be small."""
    inputs: Callable[[bool], Any]
    needs: str
    """The module that must be installed."""
    train: bool = False
    loss: bool = False
    """Whether what it puts out is its loss."""


def images(side: int, small_side: int, batch: int = 2) -> Callable[[bool], Any]:
    """Return standard normal images, by whether they are to be small."""
    return lambda small: _normal(batch, 3, *[small_side if small else side] * 2)


def _normal(*shape: int) -> Any:
    return np.random.default_rng(0).standard_normal(shape)


def _tokens(small: bool, count: int = VOCABULARY, length: int = 64) -> dict[str, Any]:
    return {"input_ids": np.random.default_rng(0).integers(2, FEW if small else count, (2, length))}


def of_torchvision(name: str, small: bool) -> Any:
    """Return one of torchvision's networks that have no narrower version."""
    return getattr(torchvision_models(), name)()


def mobilenet_v2(small: bool) -> Any:
    return torchvision_models().mobilenet_v2(width_mult=0.25 if small else 1.0)


def vgg16_bn(small: bool) -> Any:
    """Return the convolutions, drawn by torchvision; the classifier's 120 million weights are not made."""
    vgg = torchvision_models().vgg
    layout = [one if one == "M" else one // (4 if small else 1) for one in vgg.cfgs["D"]]
    features = vgg.make_layers(layout, batch_norm=True)
    with torch.device("meta"):
        return vgg.VGG(features).features


def vit_b_16(small: bool) -> Any:
    models = torchvision_models()
    if not small:
        return models.vit_b_16()
    return models.VisionTransformer(32, 8, num_layers=12, num_heads=4, hidden_dim=64, mlp_dim=256, num_classes=10)


def convnext_tiny(small: bool) -> Any:
    models = torchvision_models()
    if not small:
        return models.convnext_tiny()
    widths, depths = (24, 48, 96, 192), (3, 3, 9, 3)
    stages = [
        models.convnext.CNBlockConfig(a, b, n) for a, b, n in zip(widths, (*widths[1:], None), depths, strict=True)
    ]
    return models.ConvNeXt(stages, num_classes=10)


def swin_t(small: bool) -> Any:
    models = torchvision_models()
    if not small:
        return models.swin_t()
    return models.SwinTransformer([4, 4], 24, [2, 2, 6, 2], [1, 2, 4, 8], [7, 7], num_classes=10)


def gpt2(small: bool, *, lost: bool = False) -> Any:
    """Return GPT-2, or GPT-2 whose c_proj are drawn with deviation 0.02, without the factor 1 / sqrt(2 blocks)."""
    transformers = _transformers()
    size = {"n_embd": 192, "n_head": 4} if small else {}
    model = transformers.GPT2LMHeadModel(
        transformers.GPT2Config(
            vocab_size=FEW if small else VOCABULARY,
            n_positions=64,
            use_cache=False,
            bos_token_id=0,
            eos_token_id=0,
            **size,
        )
    )
    for name, weight in model.named_parameters():
        if lost and name.endswith("c_proj.weight"):
            nn.init.normal_(weight, 0, 0.02)
    return model


class Loss(nn.Module):  # type: ignore[misc]
    """A model of transformers that returns its loss at copying its input."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Any) -> Any:
        """Return the loss."""
        return self.model(input_ids=input_ids, labels=input_ids).loss


def t5(small: bool, *, tie: bool = False, really: bool = True) -> Any:
    """Return T5 with its loss; `tie` as the configuration says it, `really` with a head of its own if it is not."""
    transformers = _transformers()
    vocabulary, width = (FEW, 128) if small else (32_128, 768)
    config = transformers.T5Config(
        vocab_size=vocabulary,
        d_model=width,
        d_kv=width // 4,
        d_ff=2 * width,
        num_heads=4,
        num_layers=3,
        tie_word_embeddings=tie,
        use_cache=False,
        decoder_start_token_id=0,
        pad_token_id=0,
    )
    model = transformers.T5ForConditionalGeneration(config)
    if really and not tie:
        model.lm_head.weight = nn.Parameter(torch.randn(vocabulary, width))
    return Loss(model)


def transformer(small: bool) -> Any:
    width = 32 if small else 512
    return nn.Transformer(width, 4, 6, 6, 2 * width, batch_first=True)


def sequences(small: bool) -> Any:
    width = 32 if small else 512
    return {"src": _normal(4, 8, width), "tgt": _normal(4, 8, width)[::-1].copy()}


def lstm(small: bool) -> Any:
    """Return an LSTM as recipes make it: orthogonal over all gates, and each of its two forget biases 1."""
    width = 24 if small else 128
    model = nn.LSTM(width, width, 2, batch_first=True)
    for name, parameter in model.named_parameters():
        if "weight_hh" in name:
            nn.init.orthogonal_(parameter)
        elif "bias" in name:
            nn.init.zeros_(parameter)
            nn.init.ones_(parameter.data[width : 2 * width])
    return model


class FixupBlock(nn.Module):  # type: ignore[misc]
    """A basic block of Zhang, Dauphin & Ma 2019: scalar biases before each layer, a scalar factor, and no norm."""

    def __init__(self, width: int, blocks: int) -> None:
        super().__init__()
        self.biases, self.scale = nn.Parameter(torch.zeros(4)), nn.Parameter(torch.ones(1))
        self.first, self.last = (nn.Conv2d(width, width, 3, padding=1, bias=False) for _ in range(2))
        nn.init.normal_(self.first.weight, 0, math.sqrt(2 / (9 * width)) / math.sqrt(blocks))
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Any) -> Any:
        """Add the scaled branch, and rectify."""
        inner = torch.relu(self.first(x + self.biases[0]) + self.biases[1])
        return torch.relu(x + self.scale * self.last(inner + self.biases[2]) + self.biases[3])


def fixup(small: bool) -> Any:
    """Return one stage of their ResNet for CIFAR, with its zero head."""
    width, blocks = (16, 9) if small else (32, 18)
    first, head = nn.Conv2d(3, width, 3, padding=1, bias=False), nn.Linear(width, 10)
    nn.init.normal_(first.weight, 0, math.sqrt(2 / (9 * width)))
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    chain = (FixupBlock(width, blocks) for _ in range(blocks))
    return nn.Sequential(first, nn.ReLU(), *chain, nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


def _transformers() -> Any:
    torchvision_models()  # which transformers imports if it is there
    library = import_module("transformers")
    library.logging.set_verbosity_error()
    return library


_VISION, _TEXT, _PLAIN = "torchvision", "transformers", "torch"
NETWORKS: dict[str, Network] = {
    "resnet18": Network(
        "torchvision's resnet18, its norms idle", partial(of_torchvision, "resnet18"), images(64, 32), _VISION
    ),
    "resnet18, train": Network(
        "torchvision's resnet18", partial(of_torchvision, "resnet18"), images(64, 32, 4), _VISION, train=True
    ),
    "resnet50, train": Network(
        "torchvision's resnet50", partial(of_torchvision, "resnet50"), images(64, 32, 4), _VISION, train=True
    ),
    "vgg16_bn": Network("torchvision's vgg16_bn, convolutions, its norms idle", vgg16_bn, images(64, 32), _VISION),
    "mobilenet_v2": Network("torchvision's mobilenet_v2, its norms idle", mobilenet_v2, images(64, 32), _VISION),
    "convnext_tiny": Network("torchvision's convnext_tiny", convnext_tiny, images(64, 32), _VISION),
    "vit_b_16": Network("torchvision's vit_b_16", vit_b_16, images(224, 32), _VISION),
    "swin_t": Network("torchvision's swin_t", swin_t, images(64, 64), _VISION),
    "gpt2": Network("transformers' GPT-2", gpt2, _tokens, _TEXT),
    "gpt2, scaling lost": Network(
        "transformers' GPT-2, the scaling of c_proj lost", partial(gpt2, lost=True), _tokens, _TEXT
    ),
    "t5, untied": Network(
        "transformers' T5 with a head of its own, of deviation 1", t5, partial(_tokens, count=32_128), _TEXT, loss=True
    ),
    "t5, said to be untied": Network(
        "transformers' T5 with tie_word_embeddings=False",
        partial(t5, really=False),
        partial(_tokens, count=32_128),
        _TEXT,
        loss=True,
    ),
    "nn.Transformer": Network("PyTorch's nn.Transformer", transformer, sequences, _PLAIN),
    "nn.LSTM": Network(
        "PyTorch's nn.LSTM, orthogonal, forget biases 1",
        lstm,
        lambda small: _normal(4, 8, 24 if small else 128),
        _PLAIN,
    ),
    "fixup": Network("a Fixup ResNet, by the paper", fixup, images(16, 8), _PLAIN),
}
