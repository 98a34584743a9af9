"""What is known of the law of a layer's weights: their variance and their kurtosis, which is 3 for a normal law."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from profiles.moments import Moments, moments_of
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Dense, Layer
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, gaussian, rademacher, truncated_gaussian, uniform
from theory.layer import one_layer

Law = Callable[[np.random.Generator, tuple[int, ...]], Array]


@dataclass(frozen=True)
class Entries:
    """Independent entries, symmetric about 0."""

    variance: float
    kurtosis: float
    """At most 3 in every law that is known here; 3 means normal."""

    @property
    def continuous(self) -> bool:
        """Whether sums of them are not 0; those of random signs, the only kurtosis of 1, may be."""
        return self.kurtosis > 1

    @property
    def normal(self) -> bool:
        """Whether they are Gaussian."""
        return self.kurtosis == 3


@dataclass(frozen=True)
class Affine:
    """A dense layer and the activation behind it, without a name: what its closed forms depend on."""

    fan_in: int
    fan_out: int
    entries: Entries
    moments: Moments
    bias: float
    """Variance of the biases."""


def read(dense: Dense, activation: Layer | None) -> Affine | str:
    """Read a layer, or say why theory does not know it."""
    entries, moments = entries_of(dense), moments_of(activation)
    if isinstance(entries, str):
        return entries
    if moments is None:
        return f"no closed form: theory has no moments of {activation}"
    return Affine(dense.fan_in, dense.fan_out, entries, moments, (dense.bias_deviation or 0.0) ** 2)


@cache
def _laws() -> dict[Law, tuple[float, float]]:
    """Return the variance and the kurtosis of each law of the simulator, from theory where it derives them."""
    cut, side = float(one_layer.truncated_variance(2)), float(one_layer.uniform_bound(1))
    return {
        gaussian: (1.0, 3.0),
        uniform: (1.0, float(one_layer.uniform_fourth_moment(side))),
        rademacher: (1.0, 1.0),
        truncated_gaussian: (cut, float(one_layer.truncated_fourth_moment(2)) / cut**2),
    }


def entries_of(dense: Dense) -> Entries | str:
    """Return the law of a layer's weights, or why it is not known."""
    if type(dense.init) is not Initialiser:
        return f"no closed form: layer {dense.name!r} has entries that are not independent, {dense.init}"
    if dense.init.law is gaussian:
        return Entries(dense.init.deviation(dense.fan_in, dense.fan_out) ** 2, 3.0)
    known = _laws().get(dense.init.law)
    if known is None:
        name = getattr(dense.init.law, "__name__", str(dense.init.law))
        return f"no closed form: the spread of the law {name!r} of layer {dense.name!r} is unknown"
    return Entries(known[0] * dense.init.deviation(dense.fan_in, dense.fan_out) ** 2, known[1])


def is_zero(layer: Dense | Convolution) -> bool:
    """Say whether a layer starts at zero, its bias too."""
    dense = layer.dense if isinstance(layer, Convolution) else layer
    silent = type(dense.init) is Initialiser and dense.init.deviation(dense.fan_in, dense.fan_out) == 0
    return silent and not dense.bias_deviation
