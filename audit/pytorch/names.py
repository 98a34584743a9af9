"""Names of PyTorch's functions and modules, in lower case, by what they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SAME = {"identity", "contiguous", "clone", "detach", "to", "float", "double", "type_as", "alias", "lift_fresh"}
RESHAPES = {
    *("flatten", "unflatten", "view", "reshape", "permute", "transpose", "t", "squeeze", "unsqueeze", "movedim"),
    *("swapaxes", "expand", "repeat", "getitem", "select", "slice", "narrow", "chunk", "split", "unbind", "cat"),
    *("concat", "stack", "roll", "flip", "pixel_shuffle", "pixelshuffle", "channelshuffle", "zeropad2d"),
}
SMOOTH: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "gelu": ("GELU", {"approximate": "none"}),
    "silu": ("SiLU", {}),
    "mish": ("Mish", {}),
    "tanh": ("tanh", {}),
    "sigmoid": ("sigmoid", {}),
    "selu": ("SELU", {}),
    "elu": ("ELU", {"alpha": 1.0}),
    "softplus": ("softplus", {"beta": 1.0}),
    "sin": ("sine", {}),
    "relu6": ("ReLU6", {}),
    "hardswish": ("hard swish", {}),
    "hardsigmoid": ("hard sigmoid", {}),
    "softsign": ("softsign", {}),
}
"""The name in `theory.layer.any_activation`, and the options for which it is that."""
ELEMENTWISE = {
    "hardtanh",
    "celu",
    "square",
    "pow",
    "clamp",
    "exp",
    "cos",
    "erf",
    "logsigmoid",
    "tanhshrink",
    "threshold",
}
"""Other functions of one number, which are taken as they are."""
