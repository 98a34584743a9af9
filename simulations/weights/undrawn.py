"""Gaussian weights that are never drawn: the answers to all that is asked of them, exact in law, at O(n B^2) a layer.

Let W have independent N(0, s^2) entries and let the orthonormal rows of Q have been asked: the answers A = Q W are
independent normals, and W is Q^T A plus an independent part orthogonal to Q. So a new row q, orthonormal to Q, is
answered by fresh normals z. If the other side has been asked too, with orthonormal rows P and answers C = P W^T, then
q W is known on P, where it is q C^T, and z only fills the rest: q W = q C^T P + z (I - P^T P). Both sides follow this
one rule, and any x is asked through the rows of Q that span it. This is exact for any sequence of questions, each of
which may depend on all answers before: one forward and backward pass, weights used again and again (recurrent nets), or
steps of gradient descent, which add Q^T S P with a small matrix S.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import Self

import numpy as np

from simulations.numbers.arrays import Array
from simulations.numbers.normals import fill_normal
from simulations.numbers.orthonormal import cholesky, orthonormal_rows
from simulations.weights.initialisers import Initialiser, gaussian
from simulations.weights.kinds import KindOf


@dataclass
class Side:
    """What has been asked from one side: orthonormal rows (draws, asked, own) and answers (draws, asked, other).

    After a first question both stay as they came, to be multiplied by `whitening` (draws, asked, asked) if more is
    asked.
    """

    basis: Array
    answers: Array
    whitening: Array | None = None

    def settle(self) -> None:
        """Make the rows orthonormal."""
        if self.whitening is not None:
            self.basis, self.answers = (_combined(self.whitening, rows) for rows in (self.basis, self.answers))
            self.whitening = None

    def known(self, x: Array, fresh: Array) -> Array:
        """Return what the rows of `x` get from the answers, less what `fresh` would wrongly give them."""
        coordinates = x @ self.answers.mT - fresh @ self.basis.mT
        if self.whitening is not None:
            coordinates = coordinates @ (self.whitening.mT @ self.whitening)
        return _combined(coordinates, self.basis)

    def add(self, basis: Array, answers: Array) -> None:
        """Append rows that were asked, and their answers."""
        self.basis = np.concatenate([self.basis, basis], axis=1)
        self.answers = np.concatenate([self.answers, answers], axis=1)


class Undrawn:
    """A stack of Gaussian matrices W (draws, fan_in, fan_out), to be multiplied by only.

    Memory grows with what is asked: fan_in + fan_out numbers for every row of x or dy. Arrays that were asked or
    answered are kept, so they must not be changed in place.
    """

    __array_ufunc__ = None  # x @ W is for W to answer

    def __init__(
        self,
        rng: np.random.Generator,
        draws: int,
        fan_in: int,
        fan_out: int,
        deviation: float,
        dtype: np.dtype | type = np.float64,
    ) -> None:
        self._rng, self.shape, self.dtype = rng, (draws, fan_in, fan_out), np.dtype(dtype)
        if min(self.shape) < 1 or not 0 <= deviation < np.inf or self.dtype.char not in "df":
            raise ValueError(
                f"expected at least one draw, fans of at least 1, a finite deviation that is not negative and float64 "
                f"or float32, got (draws, fan_in, fan_out) {self.shape}, deviation {deviation} and {self.dtype}"
            )
        self._deviation = self.dtype.type(deviation)
        self._left = Side(self._empty(0, fan_in), self._empty(0, fan_out))
        self._right = Side(self._empty(0, fan_out), self._empty(0, fan_in))
        self._moved: Array | None = None
        """S of the change Q^T S P since the start, (draws, asked left, asked right)."""

    def __rmatmul__(self, x: Array) -> Array:
        return self._product(x, self._left, self._right)

    @property
    def mT(self) -> _Transposed:  # noqa: N802 (NumPy's name)
        """The transposed matrices, for products only."""
        return _Transposed(self)

    def plus(self, x: Array, dy: Array, factor: float) -> Self:
        """Return the matrices plus ``factor * x^T dy``, a step of gradient descent; these stay as they are.

        Both are the same Gaussian matrices and a known change: what is asked of either, the other knows too.

        Parameters
        ----------
        x : array (draws, batch, fan_in)
        dy : array (draws, batch, fan_out)

        Raises
        ------
        ValueError
            If shapes or types do not fit, or something is NaN or infinite.
        """
        for one, side in ((x, self._left), (dy, self._right)):
            self._check(one, side)
        if x.shape[1] != dy.shape[1] or not np.isfinite(factor):
            raise ValueError(
                f"expected as many rows of x as of dy and a finite factor, got {x.shape[1]} and {dy.shape[1]} rows and "
                f"factor {factor}"
            )
        left, right = self._coordinates(x, self._left, self._right), self._coordinates(dy, self._right, self._left)
        moved = copy(self)
        moved._moved = self._change() + self.dtype.type(factor) * (left.mT @ right)
        return moved

    def _product(self, x: Array, own: Side, other: Side) -> Array:
        self._check(x, own)
        if not own.basis.shape[1] and (factor := cholesky(x)):
            lower, own.whitening = factor
            product = self._normals(x.shape[1], other)
            if x.shape[1] == 1:
                product *= self._deviation * lower
            else:
                product = (self._deviation * lower) @ product
            if other.basis.shape[1]:
                product += other.known(x, product)
            own.basis, own.answers = x, product
            return product
        coordinates = self._coordinates(x, own, other)
        product = coordinates @ own.answers
        if self._moved is not None:
            change = self._change()
            product += (coordinates @ (change if own is self._left else change.mT)) @ other.basis
        return product

    def _coordinates(self, x: Array, own: Side, other: Side) -> Array:
        """Ask what is new in `x` and return its coordinates in all that has been asked."""
        own.settle()
        new = orthonormal_rows(x, own.basis)
        if new.any():
            answers = self._deviation * self._normals(x.shape[1], other)
            if other.basis.shape[1]:
                answers += other.known(new, answers)
            own.add(new, answers)
        return x @ own.basis.mT

    def _check(self, x: Array, own: Side) -> None:
        features = self.shape[1] if own is self._left else self.shape[2]
        if x.ndim != 3 or x.shape[0] != self.shape[0] or x.shape[2] != features or x.dtype != self.dtype:
            raise ValueError(
                f"asked for a product with {x.dtype} of shape {x.shape}; expected {self.dtype} of "
                f"(draws {self.shape[0]}, batch, features {features})"
            )

    def _normals(self, rows: int, other: Side) -> Array:
        return fill_normal(self._rng, self._empty(rows, other.basis.shape[2]))

    def _change(self) -> Array:
        """Return S, with zeros for what has been asked since."""
        moved = np.zeros((self.shape[0], self._left.basis.shape[1], self._right.basis.shape[1]), self.dtype)
        if self._moved is not None:
            moved[:, : self._moved.shape[1], : self._moved.shape[2]] = self._moved
        return moved

    def _empty(self, rows: int, features: int) -> Array:
        return np.empty((self.shape[0], rows, features), self.dtype)


@dataclass(frozen=True)
class _Transposed:
    weights: Undrawn
    __array_ufunc__ = None

    def __rmatmul__(self, dy: Array) -> Array:
        return self.weights._product(dy, self.weights._right, self.weights._left)


def _combined(coefficients: Array, rows: Array) -> Array:
    return coefficients * rows if rows.shape[1] == 1 else coefficients @ rows


def undrawn(dtype: np.dtype | type = np.float64) -> KindOf[Undrawn]:
    """Return the kind of weights that are never drawn; it refuses laws other than the Gaussian."""

    def make(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Undrawn:
        if init.law is not gaussian:
            name = getattr(init.law, "__name__", repr(init.law))
            raise ValueError(f"weights of the law {name!r} cannot stay undrawn, only Gaussian ones can; draw them")
        return Undrawn(rng, draws, fan_in, fan_out, init.deviation(fan_in, fan_out), dtype)

    return make
