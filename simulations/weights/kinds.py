"""Weights that a network asks for products only: ``x @ W`` forwards, ``dy @ W.mT`` backwards.

This is the interface of SciPy's LinearOperator, from the right and with a leading axis of draws: `Weights`. Three kinds
satisfy it, and the same network runs on all of them:

- an array (`arrays`): drawn at once, for whoever needs the entries;
- `Drawn`: an array behind a deviation, drawn when first asked, just before it is used;
- `Undrawn` (``simulations/weights/undrawn.py``): Gaussian entries that are never drawn, exact in law.

A gradient of a weight matrix is a sum of outer products over the batch, ``x^T dy``. It is kept as its factors
(`Outer`), which are all that its norm needs. Where there are no such factors it is an array (`Whole`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np

from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import gram, square_norm
from simulations.numbers.normals import fill_normal
from simulations.weights.initialisers import Initialiser, gaussian


class Products(Protocol):
    """What can be multiplied from the left, one matrix a draw."""

    def __rmatmul__(self, x: Array, /) -> Array:
        """Return ``x @ self`` for x (draws, batch, rows of the matrix)."""


class Weights(Products, Protocol):
    """What a dense layer asks of its weights (draws, fan_in, fan_out): products with them and with their transposes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape (draws, fan_in, fan_out)."""

    @property
    def mT(self) -> Products:  # noqa: N802 (NumPy's name)
        """The transposed matrices."""


W = TypeVar("W", bound=Weights)
KindOf = Callable[[Initialiser, np.random.Generator, int, int, int], W]
"""Makes the weights of one layer: (initialiser, rng, draws, fan_in, fan_out)."""
Kind = KindOf[Weights]
AnyParameters = Mapping[str, Weights]
"""Parameters by name: weights of any kind, all else arrays."""


def arrays(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Array:
    """Draw an array (draws, fan_in, fan_out)."""
    return init.draw(rng, draws, fan_in, fan_out)


class Gradient(Protocol):
    """The gradient of a parameter, one a draw, in the form in which it came."""

    @property
    def array(self) -> Array:
        """Multiply it out: (draws, ...), the shape of the parameter."""

    @property
    def square_norm(self) -> Array:
        """The sum of its squared entries (draws,)."""


@dataclass(frozen=True)
class Whole:
    """A gradient that is an array (draws, ...): of an embedding, or of an input with a name."""

    array: Array

    @property
    def square_norm(self) -> Array:
        """The sum of its squared entries (draws,)."""
        return square_norm(self.array)


@dataclass(frozen=True)
class Outer:
    """The gradient ``x^T dy`` of a weight matrix, one a draw: x (draws, batch, fan_in), dy (draws, batch, fan_out)."""

    x: Array
    dy: Array

    @property
    def array(self) -> Array:
        """Multiply it out: (draws, fan_in, fan_out)."""
        return self.x.mT @ self.dy

    @property
    def square_norm(self) -> Array:
        """The squared Frobenius norm (draws,): the sum of x x^T times dy dy^T, or of squares where that is cheaper."""
        batch, fan_in, fan_out = self.x.shape[1], self.x.shape[2], self.dy.shape[2]
        if batch * (fan_in + fan_out) > 2 * fan_in * fan_out:  # so with the many patches of a convolution
            entries = self.array.reshape(len(self.x), -1)
            return np.asarray(np.vecdot(entries, entries))
        norms: Array = (gram(self.x) * gram(self.dy)).sum(axis=(1, 2))
        return np.maximum(norms, 0)  # where the outer products cancel, rounding may leave less


def collect(into: dict[str, Gradient], name: str, gradient: Gradient) -> None:
    """Put a gradient into a dictionary; where a layer is used more than once, its gradients add."""
    if name in into:
        before = into[name]
        if isinstance(before, Outer) and isinstance(gradient, Outer):
            gradient = Outer(
                np.concatenate([before.x, gradient.x], axis=1), np.concatenate([before.dy, gradient.dy], axis=1)
            )
        else:
            gradient = Whole(before.array + gradient.array)
    into[name] = gradient


def write(gradient: Gradient, out: Array) -> None:
    """Write a gradient multiplied out into an array of its shape."""
    if isinstance(gradient, Outer):
        np.matmul(gradient.x.mT, gradient.dy, out=out)
    else:
        out[...] = gradient.array


def factors(gradient: Gradient) -> Outer:
    """Return a gradient of which the factors are needed.

    Raises
    ------
    TypeError
        If it has none.
    """
    if not isinstance(gradient, Outer):
        raise TypeError(f"the factors of a gradient are needed, which a {type(gradient).__name__} does not have")
    return gradient


def weights_of(parameters: AnyParameters, name: str, x: Array) -> Weights:
    """Return weights for products with `x`: arrays in single precision where `x` is, so that products stay there."""
    weights = parameters[name]
    if x.dtype == np.float32 and isinstance(weights, np.ndarray):  # other kinds know their own precision
        return weights.astype(np.float32, copy=False)
    return weights


def entries_of(parameters: AnyParameters, name: str, x: Array) -> Array:
    """Return a parameter of which the entries are needed, in single precision where `x` is.

    Raises
    ------
    TypeError
        If it has none, as its kind is for products only.
    """
    entries = parameters[name]
    if not isinstance(entries, np.ndarray):
        raise TypeError(f"the entries of {name!r} are needed: draw it as an array, not as {type(entries).__name__}")
    return entries.astype(np.float32, copy=False) if x.dtype == np.float32 else entries


class Drawn:
    """Weights of any law, drawn when first asked (just before they are used) and kept for the way back."""

    __array_ufunc__ = None  # x @ W is for W to answer

    def __init__(
        self, init: Initialiser, rng: np.random.Generator, shape: tuple[int, int, int], dtype: np.dtype | type
    ) -> None:
        self._law, self._rng, self._dtype, self._entries = init.law, rng, np.dtype(dtype), np.empty(0)
        self.shape, self.deviation = shape, self._dtype.type(init.deviation(*shape[1:]))

    @property
    def entries(self) -> Array:
        """The entries before they are scaled by the deviation: (draws, fan_in, fan_out)."""
        if not self._entries.size:
            if self._law is gaussian:
                self._entries = fill_normal(self._rng, np.empty(self.shape, self._dtype))
            else:
                self._entries = self._law(self._rng, self.shape).astype(self._dtype, copy=False)
        return self._entries

    def __rmatmul__(self, x: Array) -> Array:
        y: Array = x @ self.entries
        y *= self.deviation  # n numbers to scale instead of n^2
        return y

    @property
    def mT(self) -> _Transposed:  # noqa: N802 (NumPy's name)
        """The transposed matrices, for products only."""
        return _Transposed(self)


@dataclass(frozen=True)
class _Transposed:
    weights: Drawn
    __array_ufunc__ = None

    def __rmatmul__(self, dy: Array) -> Array:
        dx: Array = dy @ self.weights.entries.mT
        dx *= self.weights.deviation
        return dx


def drawn(dtype: np.dtype | type = np.float64) -> KindOf[Drawn]:
    """Return the kind that draws each matrix when it is first asked, just before it is used."""

    def make(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Drawn:
        return Drawn(init, rng, (draws, fan_in, fan_out), dtype)

    return make
