"""What a model computes, as a graph that no framework is needed to read.

A node has a kind, the nodes that it reads, and what theory must know of it: the names of its weights, the slope of a
rectifier, a constant factor. What depends on a layer's layout (strides, padding, a transposition) is a function of
arrays, `apply`: of a linear map it is the map at weights of 1, so that expected squares behind it are the weights'
variance times `apply` of those before it; of a rearrangement it is the rearrangement.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Kind = Literal[
    "input",  # what the user gave, and what is made of it without weights
    "linear",  # dense, convolution or lookup: a product with weights of its own
    "activation",
    "add",  # two or more nodes
    "shift",  # a node plus numbers that depend on no input
    "scale",  # a node times numbers that depend on no input
    "dropout",
    "norm",
    "reshape",  # entries are moved, left out or repeated, or several nodes are put together
    "other",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Node:
    """One step of the computation."""

    name: str
    kind: Kind
    inputs: tuple[str, ...]
    what: str
    """Its class or function, for words."""
    shape: tuple[int, ...] = ()
    module: str = ""
    """The module that it is a call of, if it is one."""
    apply: Callable[..., Any] | None = None
    """None of a "reshape" that changes nothing."""
    value: Array | None = None
    """Of an input what was given; of a scale or shift the numbers."""
    weight: str = ""
    bias: str = ""
    constants: tuple[str, ...] = ()
    """Parameters that `value`, or the affine part of a norm, is made of."""
    rows: int = 0
    """Of a linear map: rows of weights that see the same inputs."""
    groups: int = 1
    axis: int = -1
    """Of a linear map: that of its units."""
    dense: bool = False
    """Of a linear map: whether an output reads all of the last axis and nothing else."""
    slope: float | None = None
    """Of an activation that is a leaky ReLU (1: none at all)."""
    function: str | Callable[[float], float] = ""
    """Of an activation: its name in `theory.layer.any_activation`, or itself."""
    rate: float = 0.0
    """Of dropout."""
    off: float = 0.0
    """Of a norm: how far the mean square over the last axis was from 1 at most, at any place."""

    def like(self, other: Node) -> bool:
        """Whether another draw of the model does the same here."""
        values = (self.value is None) == (other.value is None)
        same = values and (self.value is None or other.value is None or np.array_equal(self.value, other.value))
        return same and all(getattr(self, key) == getattr(other, key) for key in ("kind", "inputs", "slope", "rate"))

    def unknown(self) -> Node:
        """Return a node in this place of which nothing is known."""
        return Node(name=self.name, kind="other", inputs=self.inputs, what=self.what, shape=self.shape)


@dataclass
class Graph:
    """Nodes in the order of the computation."""

    nodes: dict[str, Node] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)
    """By the name of a module the node that its first call returned; the model's own name is empty."""
    starts: dict[str, str] = field(default_factory=dict)
    """By the name of a module the node that its first call was given."""
    lost: str = ""
    """Why there is no graph."""

    def agreed(self, other: Graph) -> Graph:
        """Return the graph without what is otherwise in another draw of the model."""
        if self.lost or list(self.nodes) != list(other.nodes):
            return Graph(lost=self.lost or other.lost or "under another seed the model computes something else")
        pairs = zip(self.nodes.values(), other.nodes.values(), strict=True)
        nodes = [one if one.like(two) else one.unknown() for one, two in pairs]
        return Graph({one.name: one for one in nodes}, self.ends, self.starts)

    def between(self, start: str, end: str) -> list[Node]:
        """Return the nodes behind one node, up to and with another."""
        order = list(self.nodes)
        return [self.nodes[name] for name in order[order.index(start) + 1 : order.index(end) + 1]]
