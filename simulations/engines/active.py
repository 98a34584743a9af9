"""Active units alone: half the normals of undrawn weights, where nobody asks which unit is which.

One input a draw, Gaussian matrices, no biases, each matrix with a ReLU behind it or nothing. Notation: x is the state
below a matrix W with N(0, s^2) entries, d the cotangent at the pre-activation x W, g that at x.

**Forwards.** x W is s ||x|| z with independent standard normals z. Signs and sizes of normals are independent, so
K ~ Bin(n, 1/2) units are active, with sizes |z|: K half-normals are drawn, in vectors half as long. Which units they
are does not matter: the rows of the matrix above are alike and still unseen, so they may come first.

**Back.** d lives on active units. Given x W, d W^T has the inner product rho = <x W, d> with x, which is known, and is
N(0, s^2 ||d||^2) in every direction orthogonal to x. So g = a x + b r with fresh normals r, b = s ||d|| and
a = (rho - b <x, r>) / ||x||^2. Of the active units of x, where all of x is, nothing else is needed. The others get b r
independently; nobody below asks for more than their squared norm, b^2 chi^2_{n-K}.

Exact in law for all that names no unit: norms, losses, histograms, distances of twins. About n normals a layer of n
units, there and back, where undrawn weights take 2n. The steps are derived in `theory/independence/active_units.py`.

Passes over memory, in vectors of n / 2: forwards the half-normals are written and read once, for their norm; back the
normals are written and read twice and the state once, for <x, r> and <r, r>. g itself, one more pass, is made when
asked for: for what follows, a, b and the two products suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulations.engines.radial_chain import Step, read_chain
from simulations.engines.radial_twins import both_open, chi_square
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.numbers.normals import fill_normal
from simulations.numbers.ragged import Counts, Rows
from simulations.weights.initialisers import gaussian, rademacher, truncated_gaussian, uniform

LAWS = gaussian, rademacher, uniform, truncated_gaussian
"""Laws of a cotangent at the output that treat all units alike."""


@dataclass(frozen=True)
class State:
    """One state a draw: ``sizes * entries`` on its active units, which are `rows`, and 0 on the others."""

    width: int
    rows: Rows
    entries: Array
    sizes: Array

    @cached_property
    def square_norms(self) -> Array:
        """Squared norms (draws,)."""
        squares: Array = self.sizes**2 * self.rows.inner(self.entries, self.entries)
        return squares

    @property
    def active(self) -> Counts:
        """How many units are not zero (draws,)."""
        return self.rows.lengths * (self.square_norms > 0)

    @property
    def array(self) -> Array:
        """The states (draws, width), active units first."""
        return self.rows.padded(self.rows.spread(self.sizes, self.entries.dtype) * self.entries, self.width)


@dataclass(frozen=True)
class Cotangent:
    """The cotangent at a state, ``known * state + sizes * fresh`` on its active units; arrays (draws,)."""

    state: State
    known: Array
    sizes: Array
    fresh: Array
    """(number of active units of all draws,)"""
    inner: Array
    """The inner product with the state."""
    active_square: Array
    """The squared norm on active units: the cotangent at the pre-activation."""
    dead_square: Array
    """That on the others."""

    @property
    def square_norms(self) -> Array:
        """Squared norms (draws,)."""
        return self.active_square + self.dead_square

    @property
    def array(self) -> Array:
        """The cotangents at the pre-activations, (draws, width), active units first."""
        state, dtype = self.state, self.fresh.dtype
        known, sizes = (state.rows.spread(some, dtype) for some in (self.known * state.sizes, self.sizes))
        return state.rows.padded(known * state.entries + sizes * self.fresh, state.width)


def _given(state: State, entries: Array, dead_square: Array) -> Cotangent:
    """Return the cotangent at a state of which the entries on active units are known."""
    none, square = np.zeros(len(dead_square)), state.rows.inner(entries, entries)
    inner = state.sizes * state.rows.inner(state.entries, entries)
    return Cotangent(state, none, none + 1, entries, inner, square, dead_square)


def read_plain(network: Network) -> tuple[tuple[Step, ...], ...]:
    """Read `network` as a plain chain: the steps of each block.

    Raises
    ------
    ValueError
        If it is of another kind; the message says why.
    """
    blocks = []
    for number, block in enumerate(read_chain(network).blocks):
        steps = tuple(step for step in block if isinstance(step, Step))
        if len(steps) < len(block):
            raise ValueError(f"block {number} has a shortcut, which adds unit to unit")
        blocks.append(steps)
    return tuple(blocks)


def why_not_active(network: Network) -> str:
    """Return why `network` cannot be simulated on its active units alone; empty if it can."""
    try:
        read_plain(network)
    except ValueError as reason:
        return str(reason)
    return ""


class ActiveUnits:
    """A way forwards through a plain chain at x (draws, features), and the way back.

    Attributes
    ----------
    states : list of State
        At the input and behind every step.
    positions : array of int
        Which of these are the input and the outputs of blocks.

    Raises
    ------
    ValueError
        If the network is of another kind; the message says why.
    """

    def __init__(self, network: Network, x: Array, rng: np.random.Generator) -> None:
        blocks, self._rng = read_plain(network), rng
        self.steps = [step for block in blocks for step in block]
        self.positions = np.cumsum([0, *map(len, blocks)])
        rows = Rows(np.full(len(x), x.shape[1]))
        self.states = [State(x.shape[1], rows, x.reshape(-1), np.ones(len(x)))]
        for step in self.steps:
            self.states.append(self._forward(step, self.states[-1]))

    def start(self, law: Callable[[np.random.Generator, tuple[int, ...]], Array]) -> Cotangent:
        """Draw a cotangent at the output with independent entries of this law, one of `LAWS`."""
        y = self.states[-1]
        dead = Rows(y.width - y.rows.lengths)
        on, off = (law(self._rng, (rows.size,)) for rows in (y.rows, dead))
        return _given(y, on.astype(y.entries.dtype, copy=False), dead.inner(off, off))

    def start_with(self, dy: Array) -> Cotangent:
        """Return the cotangent (draws, units) at the output of a linear layer, whose units keep their order."""
        y = self.states[-1]
        return _given(y, dy.reshape(-1).astype(y.entries.dtype, copy=False), np.zeros(len(dy)))

    def back(self, dy: Cotangent) -> Iterator[Cotangent]:
        """Yield the cotangents below this one at the output, down to that of the input."""
        for step, x in zip(reversed(self.steps), self.states[-2::-1], strict=True):
            dy = self._back(step, x, dy)
            yield dy

    def norms(self, start: Cotangent) -> tuple[list[Array], dict[str, Array]]:
        """Return the squared norms of cotangents at all states, and of the weights' gradients, the last layer first."""
        dy, squares, gradients = start, [start.square_norms], dict[str, Array]()
        for step, below in zip(reversed(self.steps), self.back(start), strict=True):
            gradients[step.weight] = below.state.square_norms * dy.active_square
            squares.append(below.square_norms)
            dy = below
        return squares[::-1], gradients

    def half_square_distance(self, state: State) -> Array:
        """Return half the squared distance of twins, draws 2k and 2k + 1, (draws / 2,); drawn anew by each call."""
        both = both_open(self._rng, state.width, state.rows.lengths)
        entries = state.rows.padded(state.entries, state.width)[:, : both.max()]
        shared = entries[::2] * (np.arange(entries.shape[1]) < both[:, None])  # any units will do: they are alike
        sizes, squares = state.sizes, state.square_norms
        products = sizes[::2] * sizes[1::2] * np.vecdot(shared, entries[1::2])
        apart: Array = (squares[::2] + squares[1::2]) / 2 - products
        return np.maximum(apart, 0)

    def _forward(self, step: Step, x: State) -> State:
        if step.relu:
            alive = (x.square_norms > 0) & (step.deviation > 0)
            rows = Rows(self._count(step.fan_out, len(alive)) * alive)
        else:
            rows = Rows(np.full(len(x.sizes), step.fan_out))
        entries = self._normals(rows.size, x.entries.dtype)
        if step.relu:
            np.abs(entries, out=entries)
        return State(step.fan_out, rows, entries, step.deviation * np.sqrt(x.square_norms))

    def _back(self, step: Step, x: State, dy: Cotangent) -> Cotangent:
        fresh = self._fresh(x)
        sizes = step.deviation * np.sqrt(dy.active_square)
        along, square = x.sizes * sizes * x.rows.inner(x.entries, fresh), sizes**2 * x.rows.inner(fresh, fresh)
        known = self._known(dy.inner, along, x.square_norms)
        active = known * (known * x.square_norms + 2 * along) + square
        dead = sizes**2 * chi_square(self._rng, x.width - x.rows.lengths, len(sizes))
        return Cotangent(x, known, sizes, fresh, dy.inner, np.maximum(active, 0), dead)

    def _count(self, width: int, draws: int) -> Counts:
        """Draw how many units are active."""
        return self._rng.binomial(width, 0.5, draws)

    def _fresh(self, x: State) -> Array:
        """Draw a normal for each active unit of the state."""
        return self._normals(x.rows.size, x.entries.dtype)

    def _known(self, inner: Array, along: Array, square_norms: Array) -> Array:
        """Return the multiple of the state that the fresh part lacks to have this inner product with it."""
        known: Array = (inner - along) / np.where(square_norms > 0, square_norms, np.inf)
        return known

    def _normals(self, count: int, dtype: np.dtype) -> Array:
        return fill_normal(self._rng, np.empty(count, dtype))
