"""Norms of rows (draws, batch, features), as Transformers have them: LayerNorm, and RMSNorm, which keeps the mean.

Sums over features and over the batch are products with ones, which take a fraction of the time of NumPy's sums over
few features. Gains, biases and degrees are those of `LayerNorm`, whose numbers these are but for rounding. RMSNorm:
Zhang and Sennrich 2019.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulations.layers.dense import Gradients, Pullback
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters, Outer, collect, entries_of


@dataclass(frozen=True)
class RowNorm(LayerNorm):
    """Subtract the mean of each row, divide by sqrt(variance + eps)."""

    def centred(self, x: Array) -> Array:
        """Return the rows less their means, in a new array."""
        return x - _row_means(x)

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Normalise rows.

        Raises
        ------
        ValueError
            If `x` is not (draws, batch, features), or eps is 0 and the entries of a row are equal up to rounding.
        """
        if x.ndim != 3 or x.shape[2] != self.features:
            raise ValueError(f"norm {self.name!r} expects (draws, batch, {self.features}), got shape {x.shape}")
        normal = self.centred(x)
        variance = np.vecdot(normal, normal)[..., None] / self.features
        if self.eps == 0 and (variance <= self._noise(x)).any():
            raise ValueError(f"norm {self.name!r} got a row whose entries are all equal (or 0); take eps > 0")
        inverse = 1 / np.sqrt(variance + x.dtype.type(self.eps))
        normal *= inverse
        gain, bias = (
            entries_of(parameters, name, x) if start is not None else None
            for name, start in ((self.gain, self.gain_start), (self.bias, self.bias_start))
        )
        y = normal if gain is None else normal * gain
        if bias is not None:
            y = y + bias

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None:
                ones = np.ones((*x.shape[:2], 1), x.dtype)
                if gain is not None:
                    collect(into, self.gain, Outer(ones, dy * normal))
                if bias is not None:
                    collect(into, self.bias, Outer(ones, dy))
            cotangent = dy if gain is None else dy * gain
            dx = self.centred(cotangent)
            dx -= normal * (np.vecdot(cotangent, normal)[..., None] / self.features)
            dx *= inverse
            return dx

        return y, pullback

    def _noise(self, x: Array) -> Array:
        """Return the variance that rounding of the mean leaves of equal entries."""
        return np.square(self.features * np.finfo(x.dtype).eps * _row_means(x))


@dataclass(frozen=True)
class RMSNorm(RowNorm):
    """Divide each row by sqrt(mean square + eps)."""

    def centred(self, x: Array) -> Array:
        """Return a copy of the rows: no mean is subtracted."""
        return x.copy()

    def _noise(self, x: Array) -> Array:
        return np.zeros((1, 1, 1), x.dtype)


def _row_means(x: Array) -> Array:
    features = x.shape[2]
    means: Array = (x.reshape(-1, features) @ np.full(features, 1 / features, x.dtype)).reshape(*x.shape[:2], 1)
    return means
