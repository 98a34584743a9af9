"""A norm that keeps the mean: inputs divided by the root of their mean square (Zhang and Sennrich 2019)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array


def unit_mean_square(x: Array, eps: float, place: str) -> tuple[Array, Callable[[Array], Array]]:
    """Divide rows by sqrt(mean square + eps), the mean over the last axis, and say how a cotangent passes back.

    Raises
    ------
    ValueError
        If eps is 0 and a row is zero.
    """
    mean_square = np.vecdot(x, x)[..., None] / x.shape[-1]
    if eps == 0 and not mean_square.all():
        raise ValueError(f"{place} got a row of zeros, and its mean square 0 can't divide; take eps > 0")
    root = np.sqrt(mean_square + x.dtype.type(eps))
    y = x / root

    def pullback(dy: Array) -> Array:
        along = np.vecdot(dy, y)[..., None] / x.shape[-1]
        dx: Array = (dy - y * along) / root
        return dx

    return y, pullback


@dataclass(frozen=True)
class RMSNorm(LayerNorm):
    """Divide each input (draws, batch, features) by the root of the mean square of its features.

    Gain, bias and degrees are those of `LayerNorm`.
    """

    def _normal(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        if x.ndim != 3:
            raise ValueError(f"norm {self.name!r} expects (draws, batch, {self.features}), got shape {x.shape}")
        return unit_mean_square(x, self.eps, f"norm {self.name!r}")
