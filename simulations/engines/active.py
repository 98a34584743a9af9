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

**Residual.** A branch is added to its shortcut unit by unit, so the stream has all its units and hidden layers their
active ones. Streams and the cotangents at them are added up; within a branch things are as above.

**Range.** What is told by squared norms ends where these underflow, which is refused: a unit's sign outlives them.

Exact in law for all that names no hidden unit: norms, losses, histograms, distances of twins. About n normals a layer
of n units, there and back, where undrawn weights take 2n. The proof is in `theory/independence/active_units.py`.

Passes over memory, in vectors of n / 2: forwards half-normals are written, their signs dropped and their squares added;
back normals are written and read twice and the state once, for <x, r> and <r, r>. g itself, one more pass, is made when
asked for: for what follows, a, b and the two products suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simulations.engines.active_chain import LAWS, ends_in_relu, read
from simulations.engines.active_states import Cotangent, State, known
from simulations.engines.overflow import refuse_underflow
from simulations.engines.radial_chain import Branch, Step
from simulations.engines.radial_twins import both_open, chi_square
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.numbers.coins import heads
from simulations.numbers.magnitudes import square_norm
from simulations.numbers.normals import fill_normal
from simulations.numbers.ragged import Counts, Rows
from simulations.weights.initialisers import gaussian


def _steps(element: Step | Branch) -> tuple[Step, ...]:
    return element.steps if isinstance(element, Branch) else (element,)


def _sum(x: State, branch: State) -> State:
    """Add a branch to its shortcut, unit by unit."""
    return State(x.width, x.rows, x.values + branch.values, np.ones(len(x.sizes)))


class ActiveUnits:
    """A way forwards through a network at x (draws, features), and the way back.

    Attributes
    ----------
    states : list of State
        At the input and behind every step or residual branch.
    positions : array of int
        Which of these are the input and the outputs of blocks.

    Raises
    ------
    ValueError
        If the network is of another kind, or x has another width; the message says why.
    OverflowError
        If the squared norm of a state or of a cotangent underflows; the message names the block.
    """

    def __init__(self, network: Network, x: Array, rng: np.random.Generator) -> None:
        self._chain, self._network, self._rng = read(network), network, rng
        if x.ndim != 2 or x.shape[1] != self._chain.width:
            raise ValueError(f"expected x (draws, {self._chain.width}), got shape {x.shape}")
        blocks = self._chain.blocks
        self.positions = np.cumsum([0, *map(len, blocks)])
        self._elements = [element for block in blocks for element in block]
        self._ways = list[list[State]]()
        """The states within each element, from its input on."""
        self.states = [State(x.shape[1], Rows(np.full(len(x), x.shape[1])), x.reshape(-1), np.ones(len(x)))]
        self._dtype, self._tiny = x.dtype, np.finfo(x.dtype).tiny
        self._check(self.states[0], -1)
        for number, element in enumerate(self._elements):
            way = [self.states[-1]]
            for step in _steps(element):
                way.append(self._forward(step, way[-1]))
                self._check(way[-1], number)
            self._ways.append(way)
            self.states.append(_sum(way[0], way[-1]) if isinstance(element, Branch) else way[-1])
            self._check(self.states[-1], number)

    def start(self, law: Callable[[np.random.Generator, tuple[int, ...]], Array]) -> Cotangent:
        """Draw a cotangent at the output with independent entries of this law, one of `LAWS`; others are refused."""
        if law not in LAWS:
            raise ValueError(f"expected a law out of {', '.join(one.__name__ for one in LAWS)}, got {law}")
        y = self.states[-1]
        if law is gaussian:
            dead = chi_square(self._rng, y.width - y.rows.lengths, len(y.sizes))
            return known(y, self._normals(y.rows.size, y.entries.dtype), dead)
        on, off = y.rows, Rows(y.width - y.rows.lengths)
        entries, others = (law(self._rng, (rows.size,)) for rows in (on, off))
        return known(y, entries.astype(y.entries.dtype, copy=False), off.inner(others, others))

    def start_with(self, dy: Array) -> Cotangent:
        """Return the cotangent (draws, units) at the output of a linear layer, whose units keep their order.

        Raises
        ------
        ValueError
            If the network ends in a ReLU, or `dy` has another shape than its output.
        """
        y = self.states[-1]
        if ends_in_relu(self._chain):
            raise ValueError("a ReLU at the end keeps no units apart: take start, which draws a cotangent there")
        if dy.shape != (len(y.sizes), y.width):
            raise ValueError(f"expected dy {(len(y.sizes), y.width)}, got shape {dy.shape}")
        return known(y, dy.reshape(-1).astype(y.entries.dtype, copy=False))

    def back(self, dy: Cotangent, into: dict[str, Array] | None = None) -> Iterator[Cotangent]:
        """Yield the cotangents below this one at the output, down to that of the input.

        Squared norms of the weights' gradients are put into the dictionary, if there is one.
        """
        self._check(dy, -1)
        for number, (element, way) in reversed(list(enumerate(zip(self._elements, self._ways, strict=True)))):
            inside = known(way[-1], dy.values) if isinstance(element, Branch) else dy
            for step, x in zip(reversed(_steps(element)), way[-2::-1], strict=True):
                if into is not None:
                    into[step.weight] = x.square_norms * inside.active_square
                inside = self._back(step, x, inside)
                self._check(inside, number)
            dy = known(way[0], dy.values + inside.values) if isinstance(element, Branch) else inside
            self._check(dy, number)
            yield dy

    def half_square_distance(self, state: State) -> Array:
        """Return half the squared distance of twins, draws 2k and 2k + 1, (draws / 2,); drawn anew by each call."""
        if len(state.sizes) % 2:
            raise ValueError(f"twins are draws 2k and 2k + 1: expected an even number of draws, got {len(state.sizes)}")
        if state.rows.shortest == state.width:  # twins may be close, and a difference of their squares is only rounding
            values = state.rows.rectangle(state.entries) * state.sizes[:, None]
            return square_norm(values[::2] - values[1::2]) / 2
        both = both_open(self._rng, state.width, state.rows.lengths)
        entries = state.rows.padded(state.entries, state.width)[:, : both.max()]
        shared = entries[::2] * (np.arange(entries.shape[1]) < both[:, None])  # any units will do: they are alike
        sizes, squares = state.sizes, state.square_norms
        products = sizes[::2] * sizes[1::2] * np.vecdot(shared, entries[1::2])
        apart: Array = (squares[::2] + squares[1::2]) / 2 - products
        return np.maximum(apart, 0)

    def _check(self, vectors: State | Cotangent, number: int) -> None:
        """Refuse vectors of which the squared norms are lost, at this element; -1 is the input, or the output."""
        backward = isinstance(vectors, Cotangent)
        squares = vectors.active_square if isinstance(vectors, Cotangent) else vectors.square_norms
        if squares.min() < self._tiny:
            block = int(np.searchsorted(self.positions, number, side="right"))  # from 1 on
            passed = len(self._network.layers) + 1 - block if backward and block else block
            refuse_underflow(self._network, vectors.lost, passed, self._dtype, backward=backward)

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
        return heads(self._rng, width, draws)

    def _fresh(self, x: State) -> Array:
        """Draw a normal for each active unit of the state."""
        return self._normals(x.rows.size, x.entries.dtype)

    def _known(self, inner: Array, along: Array, square_norms: Array) -> Array:
        """Return the multiple of the state that the fresh part lacks to have this inner product with it."""
        known: Array = (inner - along) / np.where(square_norms > 0, square_norms, np.inf)
        return known

    def _normals(self, count: int, dtype: np.dtype) -> Array:
        return fill_normal(self._rng, np.empty(count, dtype))
