"""Normalisation: of a batch (BatchNorm), of an input (LayerNorm, GroupNorm), and of weights (weight standardisation).

All subtract a mean and divide by sqrt(variance + eps), with the variance that divides by the number of entries, over
statistics that each draw has for itself. With eps = 0 the result is of degree 0: what is normalised may be multiplied
by any positive number. With eps > 0 it has no degree, unless what comes in is constant. A degree of None is passed on,
although a norm may remove what destroyed it (a bias that a batch norm subtracts again): degrees that the rules state
hold, but they are not all that hold.

Ioffe and Szegedy 2015; Ba, Kiros and Hinton 2016; Wu and He 2018; Qiao et al. 2019.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from simulations.layers.convolution import Convolution
from simulations.layers.dense import Dense, Gradients, Pullback
from simulations.numbers.arrays import Array
from simulations.weights.kinds import AnyParameters, KindOf, Outer, W, Whole, collect, entries_of


def standardised(x: Array, axes: tuple[int, ...], eps: float, place: str) -> tuple[Array, Callable[[Array], Array]]:
    """Subtract the mean over `axes`, divide by sqrt(variance + eps), and say how a cotangent passes back.

    Raises
    ------
    ValueError
        If there is one entry to a mean, or eps is 0 and some entries are equal up to the rounding of their mean.
    """
    count = int(np.prod([x.shape[axis] for axis in axes]))
    if count < 2:
        raise ValueError(f"{place} normalises one entry at a time, which leaves nothing; it needs at least 2")
    mean = x.mean(axis=axes, keepdims=True)
    y = x - mean
    variance = np.square(y).mean(axis=axes, keepdims=True)
    if eps == 0 and (variance <= np.square(count * np.finfo(x.dtype).eps * mean)).any():
        raise ValueError(f"{place} got entries that are all equal, and their variance 0 can't divide; take eps > 0")
    deviation = np.sqrt(variance + x.dtype.type(eps))
    y /= deviation

    def pullback(dy: Array) -> Array:
        along = (dy * y).mean(axis=axes, keepdims=True)
        dx: Array = (dy - dy.mean(axis=axes, keepdims=True) - y * along) / deviation
        return dx

    return y, pullback


def _check_eps(eps: float, place: str) -> None:
    if not 0 <= eps < np.inf:
        raise ValueError(f"eps of {place} must be a finite number of at least 0, got {eps}")


@dataclass(frozen=True)
class _Norm:
    """Standardise, then multiply by a gain and add a bias, one a feature (or channel), if they are given a start.

    Attributes
    ----------
    features : int
        Features of (draws, batch, features), or channels of images (draws, batch, channels, height, width).
    eps : float
        Added to the variance; 1e-5 in most libraries, 0 in most theory.
    gain_start, bias_start : float, optional
        Where gains and biases (draws, 1, features) start in every draw; None for none.
    """

    name: str
    features: int
    eps: float = 1e-5
    gain_start: float | None = None
    bias_start: float | None = None

    def __post_init__(self) -> None:
        if self.features < 1:
            raise ValueError(f"features of norm {self.name!r} must be at least 1, got {self.features}")
        _check_eps(self.eps, f"norm {self.name!r}")

    @property
    def gain(self) -> str:
        """The name of the gains."""
        return f"{self.name}.gain"

    @property
    def bias(self) -> str:
        """The name of the biases."""
        return f"{self.name}.bias"

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Return the start values; nothing is drawn."""
        starts = {self.gain: self.gain_start, self.bias: self.bias_start}
        return {name: np.full((draws, 1, self.features), start) for name, start in starts.items() if start is not None}

    def _normal(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        raise NotImplementedError

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Normalise features or images."""
        if x.ndim not in (3, 5) or x.shape[2] != self.features:
            expected = f"(draws, batch, {self.features}) or (draws, batch, {self.features}, height, width)"
            raise ValueError(f"norm {self.name!r} expects {expected}, got shape {x.shape}")
        normal, through = self._normal(x)
        shape = (-1, 1, self.features, *[1] * (x.ndim - 3))
        gain, bias = (
            entries_of(parameters, name, x).reshape(shape) if start is not None else None
            for name, start in ((self.gain, self.gain_start), (self.bias, self.bias_start))
        )
        y = normal if gain is None else normal * gain

        def pullback(dy: Array, into: Gradients | None) -> Array:
            if into is not None and gain is not None:
                collect(into, self.gain, _summed(dy * normal))
            if into is not None and bias is not None:
                collect(into, self.bias, _summed(dy))
            return through(dy if gain is None else dy * gain)

        return y if bias is None else y + bias, pullback

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Give degree 0 where eps = 0 or the input has it; one more for scaled gains, which biases must match."""
        if incoming is None or (incoming != 0 and self.eps != 0):
            return None
        outgoing = int(self.gain_start is not None and self.gain in scaled)
        return None if self.bias_start is not None and outgoing != (self.bias in scaled) else outgoing

    def weights(self) -> Iterator[Dense]:
        """Yield nothing."""
        return iter(())

    def learnt(self) -> Iterator[str]:
        """Yield the names of gains and biases."""
        yield from (self.gain,) if self.gain_start is not None else ()
        yield from (self.bias,) if self.bias_start is not None else ()


def _summed(products: Array) -> Outer:
    total = products.sum(axis=(1, *range(3, products.ndim)))[:, None]
    return Outer(np.ones_like(total[..., :1]), total)


@dataclass(frozen=True)
class BatchNorm(_Norm):
    """Normalise each feature over the batch (in images, each channel over batch and positions): training mode."""

    def _normal(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return standardised(x, (1, *range(3, x.ndim)), self.eps, f"batch norm {self.name!r}")


@dataclass(frozen=True)
class GroupNorm(_Norm):
    """Normalise each input over groups of consecutive features (in images, of channels and all positions)."""

    groups: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.groups < 1 or self.features % self.groups:
            raise ValueError(f"norm {self.name!r} can't part {self.features} features into {self.groups} equal groups")

    def _normal(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        grouped = x.reshape(*x.shape[:2], self.groups, -1)
        normal, through = standardised(grouped, (3,), self.eps, f"norm {self.name!r}")
        return normal.reshape(x.shape), lambda dy: through(dy.reshape(grouped.shape)).reshape(x.shape)


@dataclass(frozen=True)
class LayerNorm(_Norm):
    """Normalise each input over all features (in images, over channels and positions): one group."""

    def _normal(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        return GroupNorm._normal(GroupNorm(self.name, self.features, self.eps), x)


@dataclass(frozen=True)
class WeightStandardised:
    """A dense layer or convolution with ``gain * (W - mean) / sqrt(variance + eps)`` for W, over each unit's fan-in.

    So the weights of a unit sum to 0 and their squares to gain^2 fan_in: a gain of 1 / sqrt(fan_in) makes that 1. The
    mean runs over fan_in, the rows of W (fan_in, fan_out). Weights are drawn as arrays, of whatever kind they are
    asked: products do not tell their mean.
    """

    layer: Dense | Convolution
    gain: float = 1.0
    eps: float = 0.0

    def __post_init__(self) -> None:
        _check_eps(self.eps, f"weight standardisation of {self.layer.name!r}")

    def draw(self, rng: np.random.Generator, draws: int, kind: KindOf[W] | None = None) -> dict[str, Array | W]:
        """Draw the weights before standardisation, and the bias if there is one."""
        return {**self.layer.draw(rng, draws)}

    def forward(self, parameters: AnyParameters, x: Array) -> tuple[Array, Pullback]:
        """Apply the layer with standardised weights; their gradient is passed on to the weights before."""
        name = self.layer.weight
        place = f"weight standardisation of {name!r}"
        normal, through = standardised(entries_of(parameters, name, x), (1,), self.eps, place)
        y, pullback = self.layer.forward({**parameters, name: self.gain * normal}, x)

        def backward(dy: Array, into: Gradients | None) -> Array:
            own: Gradients = {}
            dx = pullback(dy, own)
            if into is not None:
                own[name] = Whole(through(self.gain * own[name].array))
                for each, gradient in own.items():
                    collect(into, each, gradient)
            return dx

        return y, backward

    def degree(self, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Give scaled weights degree 0 where eps = 0, else none; the rest is the layer's."""
        if self.eps and self.layer.weight in scaled:
            return None
        return self.layer.degree(incoming, scaled - {self.layer.weight})

    def weights(self) -> Iterator[Dense]:
        """Yield the layer's."""
        return self.layer.weights()

    def learnt(self) -> Iterator[str]:
        """Yield the names of weights and biases."""
        yield from (self.layer.weight,) if self.layer.bias_deviation is None else (self.layer.weight, self.layer.bias)
