"""Weights with well-known wrong shortcuts, behind the interface of right ones, for claims to refute."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser
from simulations.weights.kinds import Kind, Products, Weights
from simulations.weights.undrawn import Side, Undrawn


@dataclass(frozen=True)
class _TwoMatrices:
    """One matrix forwards and another one back."""

    ahead: Weights
    back: Weights
    __array_ufunc__ = None

    def __rmatmul__(self, x: Array) -> Array:
        return x @ self.ahead

    @property
    def shape(self) -> tuple[int, ...]:
        return self.ahead.shape

    @property
    def mT(self) -> Products:  # noqa: N802 (NumPy's name)
        return self.back.mT


def independent_backward(kind: Kind) -> Kind:
    """Return the kind with the gradient-independence assumption: backward weights independent of the forward ones."""

    def make(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Weights:
        ahead, back = (kind(init, rng, draws, fan_in, fan_out) for _ in range(2))
        return _TwoMatrices(ahead, back)

    return make


class _Forgetful(Undrawn):
    """Answers every question as if it were the first."""

    def _product(self, x: Array, own: Side, other: Side) -> Array:
        draws, fan_in, fan_out = self.shape
        new = Undrawn(self._rng, draws, fan_in, fan_out, float(self._deviation))
        return x @ new if own is self._left else x @ new.mT


class _Unprojected(Undrawn):
    """Adds what is known of a question to a fresh answer that has a part there already."""

    def __init__(self, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int, deviation: float) -> None:
        super().__init__(rng, draws, fan_in, fan_out, deviation)
        self._left, self._right = (_Overlapping(side.basis, side.answers) for side in (self._left, self._right))


class _Overlapping(Side):
    def known(self, x: Array, fresh: Array) -> Array:
        return super().known(x, np.zeros_like(fresh))


class _Unlearning(Undrawn):
    """Stays as it was when a step of gradient descent is taken."""

    def plus(self, x: Array, dy: Array, factor: float) -> Self:
        return self


class _HalfLearning(Undrawn):
    """Passes cotangents back through the matrices it began with."""

    def _product(self, x: Array, own: Side, other: Side) -> Array:
        if own is self._left:
            return super()._product(x, own, other)
        moved, self._moved = self._moved, None
        product = super()._product(x, own, other)
        self._moved = moved
        return product


def _kind(weights: type[Undrawn]) -> Kind:
    def make(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Weights:
        return weights(rng, draws, fan_in, fan_out, init.deviation(fan_in, fan_out))

    return make


forgetful = _kind(_Forgetful)
"""Every product asks anew."""
unprojected = _kind(_Unprojected)
"""The fresh part of an answer is not orthogonal to what has been asked."""
unlearning = _kind(_Unlearning)
"""Steps of gradient descent are forgotten."""
half_learning = _kind(_HalfLearning)
"""Steps of gradient descent move the forward pass only."""
