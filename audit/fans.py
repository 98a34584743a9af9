"""The true fans of a parameter, and the numbers that a framework or a hurried reader takes for them.

A fan_in is how many independent weights an output sums over, a fan_out how many an input is seen by. Parameters that
are several maps in one array (q, k and v; the gates of an LSTM) are cut into their blocks, each with its own fans. This
file looks at names of classes, attributes and shapes alone, and imports no framework.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

Role = Literal["weight", "bias", "embedding", "other"]
GATES = {"LSTM": 4, "LSTMCell": 4, "GRU": 3, "GRUCell": 3, "RNN": 1, "RNNCell": 1}
SIDEWAYS = "Conv1D"
"""The class of GPT-2's dense layers in transformers, whose matrices are (inputs, outputs)."""
FUSED = {"qkv": 3, "in_proj": 3, "c_attn": 3, "kv": 2}
"""Endings of names of layers that make several projections at once."""


@dataclass(frozen=True)
class Reading:
    """Other numbers that may have been taken for the fans."""

    words: str
    fan_in: float
    fan_out: float
    only: str = ""
    """The rule with which alone this is known to happen."""


@dataclass(frozen=True)
class Part:
    """A parameter, or one of the blocks along its outputs."""

    name: str
    parameter: str
    role: Role
    fan_in: float
    fan_out: float
    rows: tuple[int, int]
    """First and last, exclusive, along axis 0."""
    readings: tuple[Reading, ...] = ()
    blocks: int = 1
    what: str = ""
    """What the blocks are."""
    hidden: int = 0
    """Units of a recurrent layer, whose default is uniform within 1 / sqrt of them."""


def parts(name: str, kind: str, module: Any, key: str, shape: tuple[int, ...]) -> Iterator[Part]:
    """Yield the parts of parameter `key` of a module called `name` of class `kind`; matrices are (outputs, inputs)."""
    full = f"{name}.{key}" if name else key
    rows = (0, shape[0] if shape else 1)
    if "bias" in key:
        yield Part(full, full, "bias", _inputs(kind, module), 1, rows)
    elif kind in GATES and key.startswith("weight_"):
        hidden = int(module.hidden_size)
        # with proj_size the maps from h, and the projection, have other sides
        count = GATES[kind] if shape[0] == GATES[kind] * hidden else 1
        yield from _blocks(full, shape, count, f"{kind}'s gates", hidden)
    elif kind == "MultiheadAttention" and key == "in_proj_weight":
        yield from _blocks(full, shape, 3, "q, k and v")
    elif kind == "Embedding" and key == "weight":
        yield lookup(full, shape)
    elif kind.startswith("ConvTranspose") and key == "weight":
        yield _transposed(full, module, shape)
    elif kind.startswith("Conv") and key == "weight" and len(shape) > 2:
        yield convolution(full, shape, int(module.groups))
    elif len(shape) == 2 and (
        kind in {"Linear", "NonDynamicallyQuantizableLinear", SIDEWAYS} or key.endswith("proj_weight")
    ):
        yield from dense(full, shape, name)
    else:
        yield Part(full, full, "other", math.nan, math.nan, rows)


def dense(full: str, shape: tuple[int, ...], name: str) -> Iterator[Part]:
    """Yield the parts of a matrix (outputs, inputs) of the layer called `name`, which may be several projections."""
    last = name.rsplit(".", 1)[-1].lower()
    count = next((number for end, number in FUSED.items() if last.endswith(end) and shape[0] % number == 0), 1)
    yield from _blocks(full, shape, count, {3: "q, k and v", 2: "k and v"}.get(count, ""))


def lookup(full: str, shape: tuple[int, ...]) -> Part:
    """Return the part of a table (tokens, width), of which an input picks one row."""
    count, width = shape
    wrong = Reading("the vocabulary taken as fan_in, of a lookup", count, width)
    return Part(full, full, "embedding", 1, width, (0, count), (wrong,))


def _blocks(full: str, shape: tuple[int, ...], count: int, what: str, hidden: int = 0) -> Iterator[Part]:
    outputs, inputs = shape
    height = outputs // count
    wrong = (Reading(f"fan_out counted over {count} blocks drawn as one ({what})", inputs, outputs),) * (count > 1)
    for number in range(count):
        label = f"{full}[{number + 1} of {count}]" if count > 1 else full
        rows = (number * height, (number + 1) * height)
        yield Part(label, full, "weight", inputs, height, rows, wrong, count, what, hidden)


def convolution(full: str, shape: tuple[int, ...], groups: int) -> Part:
    """Return the part of a kernel (outputs, inputs of a group, places ...)."""
    outputs, inputs, places = shape[0], shape[1], math.prod(shape[2:])
    fan_in, fan_out = inputs * places, outputs // groups * places
    channels = " (the channels of a depthwise convolution)" if inputs == 1 else ""
    wrong = (
        Reading(f"fan_out counted over all {groups} groups{channels}", fan_in, groups * fan_out),
        Reading(f"fan_in counted over all {groups} groups{channels}", groups * fan_in, fan_out),
        Reading(f"both fans counted over all {groups} groups{channels}", groups * fan_in, groups * fan_out),
    )
    words, sides = "the sides of the kernel added to the channels, not multiplied by them", sum(shape[2:])
    added = Reading(words, inputs + sides / 2, outputs + sides / 2, only="glorot")
    return Part(full, full, "weight", fan_in, fan_out, (0, outputs), (*wrong * (groups > 1), added))


def _transposed(full: str, module: Any, shape: tuple[int, ...]) -> Part:
    """Return a part whose outputs see 1 / stride of the kernel's places on an axis, away from the edges."""
    inputs, outputs, places = shape[0], shape[1], math.prod(shape[2:])
    groups, stride = int(module.groups), math.prod(module.stride)
    fan_in, fan_out = inputs // groups * places / stride, outputs * places
    wrong = (
        Reading("PyTorch's fans of a transposed convolution, inputs and outputs swapped", fan_out, inputs * places),
        Reading(f"the stride ({stride} places an input) left out of fan_in", fan_in * stride, fan_out),
    )
    return Part(full, full, "weight", fan_in, fan_out, (0, inputs), wrong)


def _inputs(kind: str, module: Any) -> float:
    """Return the fan_in that PyTorch's default draws a bias by, or NaN."""
    weight = getattr(module, "weight", None)
    if kind in GATES:
        return float(module.hidden_size)
    if weight is None or weight.ndim < 2:
        return math.nan
    return float(weight.shape[0] if kind == SIDEWAYS else math.prod(weight.shape[1:]))
