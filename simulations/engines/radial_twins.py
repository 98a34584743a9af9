"""How far twins are apart, in a radial chain: variances from a quarter of the normals of states.

Twins have the same input and independent weights. What norms leave open of the distance of two states is their inner
product. Notation as in ``radial_steps.py``, with an index for each of the two.

**Dense.** x_i W_i = a_i z_i with independent standard normals z_i and a_i = s ||x_i||; without a ReLU the component of
z_2 along z_1 is N, and the rest chi. **ReLU.** Units are exchangeable, as the rows of the matrix above are alike. So
K_i ~ Bin(n, 1/2) units are open, a hypergeometric number O of them in both, and there alone the inner product has
anything: a_1 a_2 times the sum of |z_1 z_2| over O pairs of normals, which are drawn. The other open units add
chi^2_{K_i - O} to the squared norms. That is n / 4 normals a state and layer, where undrawn weights take n.

**Residual.** In the frame of x_1, the part of x_2 across it, and a third direction, the branches are s ||h_1|| (A_1,
B_1, chi_{n-2}) and s ||h_2|| (A_2, B_2, N), with chi_{n-3} in a fourth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulations.numbers.arrays import Array
from simulations.numbers.normals import fill_normal

PAIRS_AT_ONCE = 1 << 13
"""Pairs of normals that are drawn together, so that they stay in a core's cache."""
WIDEST = 10**9 - 1
"""Units among which NumPy can draw how many are open in both twins."""


def chi_square(rng: np.random.Generator, degrees: int | NDArray[np.int64], draws: int) -> Array:
    """Draw chi-square variables, 0 for no degrees of freedom."""
    half: Array = rng.standard_gamma(np.maximum(degrees, 0) / 2, draws)
    return 2 * half


def check_twins(square_norms: Array, twins: Array) -> None:
    """Refuse squared distances that inputs of these squared norms cannot have.

    Raises
    ------
    ValueError
        If draws are not even, or a distance does not fit.
    """
    if len(square_norms) % 2 or twins.shape != (len(square_norms) // 2,):
        raise ValueError(
            f"twins are draws 2k and 2k + 1: expected an even number of draws and half as many squared distances, got "
            f"{len(square_norms)} draws and distances of shape {twins.shape}"
        )
    farthest = (np.sqrt(square_norms[::2]) + np.sqrt(square_norms[1::2])) ** 2
    if not ((twins >= 0) & (twins <= farthest * (1 + 1e-9))).all():
        raise ValueError("a squared distance of twins is negative, or above that of opposite inputs")


@dataclass
class Twins:
    """Squared distances of the states of twins, draws 2k and 2k + 1: (draws / 2,)."""

    square: Array

    def dense(self, sizes: Array, width: int, rng: np.random.Generator) -> Array:
        """Draw ||z||^2 of both twins, (draws,), and move to the states sizes * z of a linear layer."""
        pairs = len(self.square)
        first, along = chi_square(rng, width, pairs), rng.standard_normal(pairs)
        squares = np.stack([first, along**2 + chi_square(rng, width - 1, pairs)], axis=1).ravel()
        self._move(sizes, squares, np.sqrt(first) * along)
        return squares

    def relu(self, sizes: Array, width: int, open_units: NDArray[np.int64], rng: np.random.Generator) -> Array:
        """Draw ||z||^2 on the open units of both twins, (draws,), and move to the states sizes * relu(z)."""
        both = both_open(rng, width, open_units)
        squares, inner = _shared(rng, both)
        squares += chi_square(rng, open_units - np.repeat(both, 2), len(open_units))
        self._move(sizes, squares, inner)
        return squares

    def branches(self, norms: Array, width: int, rng: np.random.Generator) -> Branches:
        """Draw standard Gaussian vectors of both twins beside their states of these norms, (draws,)."""
        return Branches.drawn(self, norms, width, rng)

    def at(self, states: Array) -> None:
        """Move to states that are known, (draws, units)."""
        self.square = np.square(states[::2] - states[1::2]).sum(axis=1)

    def _move(self, sizes: Array, squares: Array, inner: Array) -> None:
        lengths = sizes**2 * squares
        apart = lengths[::2] + lengths[1::2] - 2 * sizes[::2] * sizes[1::2] * inner
        self.square = np.maximum(apart, 0)


@dataclass
class Branches:
    """Two standard Gaussian vectors G_1 and G_2, each seen from a state of its own."""

    twins: Twins
    apart: tuple[Array, Array]
    """x_1 - x_2, along x_1 and across."""
    vectors: tuple[tuple[Array, Array, Array, Array], ...]
    along: Array
    """The component of each along its state, (draws,)."""
    across: Array
    """The norm of the rest, (draws,)."""

    @classmethod
    def drawn(cls, twins: Twins, norms: Array, width: int, rng: np.random.Generator) -> Branches:
        """Draw them."""
        pairs, (first, second) = len(norms) // 2, (norms[::2], norms[1::2])
        product = 4 * first * second
        half_angle = np.clip((twins.square - (first - second) ** 2) / np.where(product > 0, product, np.inf), 0, 1)
        cosine, sine = 1 - 2 * half_angle, 2 * np.sqrt(half_angle * (1 - half_angle))
        a, b = (rng.standard_normal((2, pairs)) * (width > place) for place in (0, 1))
        third, none = rng.standard_normal(pairs) * (width > 2), np.zeros(pairs)
        one = a[0], b[0], np.sqrt(chi_square(rng, width - 2, pairs)), none
        other = a[1], b[1], third, np.sqrt(chi_square(rng, width - 3, pairs))
        along = np.stack([a[0], a[1] * cosine + b[1] * sine], axis=1).ravel()
        rest = b[1] * cosine - a[1] * sine
        squares = one[1] ** 2 + one[2] ** 2, rest**2 + other[2] ** 2 + other[3] ** 2
        apart = first - second * cosine, -second * sine
        return cls(twins, apart, (one, other), along, np.sqrt(np.stack(squares, axis=1).ravel()))

    def add(self, sizes: Array) -> None:
        """Move to the states that have sizes * G, (draws,), added."""
        differences = [sizes[::2] * one - sizes[1::2] * other for one, other in zip(*self.vectors, strict=True)]
        apart = [self.apart[0] + differences[0], self.apart[1] + differences[1], *differences[2:]]
        self.twins.square = np.square(apart).sum(axis=0)


def both_open(rng: np.random.Generator, width: int, open_units: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw how many units are open in both twins, (draws / 2,)."""
    if width > WIDEST:
        raise ValueError(f"twins of width {width} are too wide to be compared; expected at most {WIDEST}")
    first, second = open_units[::2], open_units[1::2]
    return rng.hypergeometric(first, width - first, second)


def _shared(rng: np.random.Generator, counts: NDArray[np.int64]) -> tuple[Array, Array]:
    """Sum z_1^2 and z_2^2, twins beside each other, and |z_1 z_2| over so many pairs of standard normals."""
    sums = np.zeros((3, len(counts)))
    pieces = -(-counts // PAIRS_AT_ONCE)
    owners = np.repeat(np.arange(len(counts)), pieces)
    sizes = np.full(len(owners), PAIRS_AT_ONCE)
    sizes[np.cumsum(pieces)[pieces > 0] - 1] = (counts - (pieces - 1) * PAIRS_AT_ONCE)[pieces > 0]
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        begin = ends[first] - sizes[first]
        last = int(np.searchsorted(ends, begin + PAIRS_AT_ONCE, side="right"))
        z = fill_normal(rng, np.empty((2, int(ends[last - 1] - begin))))
        starts = ends[first:last] - sizes[first:last] - begin
        for row, terms in zip(sums, (z[0] ** 2, z[1] ** 2, np.abs(z[0] * z[1])), strict=True):
            np.add.at(row, owners[first:last], np.add.reduceat(terms, starts))
        first = last
    return sums[:2].T.ravel(), sums[2]
