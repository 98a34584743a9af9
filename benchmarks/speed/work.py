"""The work of which every contestant does the same: fresh weights, forward, backward, norms at every depth.

A plain ReLU network of `layers` square matrices with He initialisation (variance 2 / width) and no biases. A draw takes
fresh weights, passes a fixed batch of inputs forward, and a cotangent of fresh standard normals back from the output.
Recorded are the squared norms of the state and of the cotangent at each of the layers + 1 positions, means over the
batch: an array (draws, 2, layers + 1), states first.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Work:
    """One size and precision ("float64" or "float32") of it."""

    width: int
    layers: int
    batch: int
    precision: str

    @cached_property
    def inputs(self) -> Array:
        """The batch, (batch, width), that all contestants take: each row of norm sqrt(width)."""
        x = np.random.default_rng(self.width + self.batch).standard_normal((self.batch, self.width))
        x *= np.sqrt(self.width) / np.linalg.norm(x, axis=1, keepdims=True)
        return x.astype(self.precision)

    @property
    def deviation(self) -> float:
        """The standard deviation of a weight."""
        return float(np.sqrt(2 / self.width))

    @property
    def normals(self) -> int:
        """How many normals a draw needs at least if no weight is drawn: one a unit, input and direction."""
        return 2 * self.width * self.layers * self.batch

    def __str__(self) -> str:
        return f"n={self.width} L={self.layers} B={self.batch} {self.precision}"
