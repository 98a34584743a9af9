"""One step of a radial chain, forwards and back: norms and counts in, norms and counts out, exact in law.

Notation: x is the state below a step, W its matrix with N(0, s^2) entries, g the cotangent at a state, d the cotangent
at a pre-activation. A cotangent is known by its component along the state (with sign) and by the squared norms of the
rest, on the units whose ReLU is open and on the others; given the norms, the rest has no preferred direction.

**Dense, forwards.** x W is Gaussian with deviation s ||x|| in every unit. A ReLU opens K ~ Bin(n, 1/2) units and leaves
||y||^2 = s^2 ||x||^2 chi^2_K (signs and sizes of Gaussians are independent); without one, chi^2_n.

**Dense, back.** d is g on the open units, and y lies there, so ||d||^2 is g's component along y, squared, plus the rest
on open units. <y, g> = <x W, d> = <x, d W^T> (Euler): the inner product rho of state and cotangent is the same all the
way down, and the component along x is rho / ||x||. Given x W, the part of W orthogonal to x is as before, so d W^T is
N(0, s^2 ||d||^2) in every direction orthogonal to x: chi^2_{K-1} on the K open units of x, chi^2_{n-K} on the others;
chi^2_K and no component along x if x = 0. ||dW||^2 = ||x||^2 ||d||^2.

**Residual, forwards.** Let h be the last state inside the branch, s its last deviation. F = h W is N(0, s^2 ||h||^2) in
every direction, so in the frame (x / ||x||, the rest of F) it is s ||h|| (N, chi_{n-1}), and y = x + F is in their
plane.

**Residual, back.** In that plane let u be the unit vector orthogonal to y. The rest of g is uniform in the n - 1
dimensions orthogonal to y, so <g, u> is its norm times N / sqrt(N^2 + chi^2_{n-2}). That gives g in the frame of x and
F, and phi = <g, F>, which is the inner product of state and cotangent inside the branch. Dense steps back to its first
pre-activation d_1; then g + d_1 W_1^T has the component rho / ||x|| along x, and orthogonal to it the sum of a known
vector, of norm sqrt(G) say, and n - 1 independent N(0, s_1^2 ||d_1||^2): (sqrt(G) + s_1 ||d_1|| N)^2 plus
s_1^2 ||d_1||^2 chi^2_{n-2}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from simulations.engines.radial_chain import Branch, Step
from simulations.engines.radial_twins import Twins, chi_square
from simulations.numbers.arrays import Array
from simulations.numbers.coins import heads
from simulations.numbers.magnitudes import Exponents

TINY = float(np.finfo(np.float64).tiny)
Counts = int | NDArray[np.int64]
Squares = tuple[Array, Exponents]
"""Squared norms as a mantissa m and an exponent e: m * 2**(2 e)."""


@dataclass(frozen=True)
class State:
    """The norms of a state, ``norm * 2**exponents``, and what is known of its units; arrays (draws,)."""

    width: int
    norm: Array
    exponents: Exponents
    active: Array
    """Number of units that are not zero; NaN if unknown."""
    open: NDArray[np.int64] | None = None
    """Number of units whose ReLU is open; None if there is no ReLU."""

    @property
    def lengths(self) -> Array:
        """The norms as numbers; what leaves the range of float64 is refused where it is recorded."""
        with np.errstate(over="ignore", under="ignore"):
            found: Array = np.ldexp(self.norm, self.exponents)
        return found

    def moved(self, width: int, ratio: Array, active: Array, open: NDArray[np.int64] | None = None) -> State:
        """Return the state of norm `ratio` times this one's, with its power of two moved out."""
        norm, powers = np.frexp(self.norm * ratio)
        return State(width, norm, self.exponents + powers, active, open)

    def around(self, rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw the squared norms of a standard Gaussian orthogonal to the state, on open units and on the others."""
        draws = len(self.norm)
        shut = np.zeros(draws) if self.open is None else chi_square(rng, self.width - self.open, draws)
        return chi_square(rng, degrees(self.width, self.norm, self.open), draws), shut


@dataclass(frozen=True)
class Cotangent:
    """A cotangent at a state: its component along the state, and the squared norms of the rest; arrays (draws,)."""

    along: Array
    open_square: Array
    shut_square: Array
    exponents: Exponents
    """Powers of two of `along`, and half those of the squares."""

    @property
    def masked_square(self) -> Array:
        """The squared norm on open units: the cotangent at the pre-activation."""
        return self.along**2 + self.open_square

    @property
    def square(self) -> Squares:
        """The squared norm."""
        return self.masked_square + self.shut_square, self.exponents

    def rescaled(self) -> Cotangent:
        """Move the power of two into the exponents."""
        powers = np.frexp(self.square[0])[1] // 2
        factor = np.ldexp(1.0, -powers)
        parts = self.along * factor, self.open_square * factor**2, self.shut_square * factor**2
        return Cotangent(*parts, self.exponents + powers)


def start_state(width: int, square_norms: Array) -> State:
    """Return the state of an input, of which nothing but its squared norm is known."""
    norm, exponents = np.frexp(np.sqrt(square_norms))
    return State(width, norm, exponents.astype(np.int64), np.where(norm > 0, np.nan, 0.0))


Pullback = Callable[[Cotangent, dict[str, Squares] | None], Cotangent]
"""Takes the cotangent of a step's output to that of its input, and adds squared norms of dW to the dictionary."""


def degrees(width: int, norm: Array, open_units: NDArray[np.int64] | None) -> Counts:
    """Count the dimensions on open units that are orthogonal to a state of this norm."""
    if open_units is not None:
        return np.maximum(open_units - 1, 0)
    return width - 1 if norm.all() else width - (norm > 0)


def pass_dense(
    step: Step, x: State, rng: np.random.Generator, ratio: Array | None = None, twins: Twins | None = None
) -> tuple[State, Pullback]:
    """Pass norms through a dense layer and its ReLU; a linear layer may bring the ratio of its norms."""
    open_units = None
    if ratio is None:
        ratio, open_units = _ratio(step, x, rng, twins)
    active = step.fan_out * (ratio * x.norm > 0) if open_units is None else open_units
    y = x.moved(step.fan_out, ratio, active.astype(np.float64), open_units)

    def pullback(dy: Cotangent, into: dict[str, Squares] | None) -> Cotangent:
        d_square = dy.masked_square
        if into is not None:
            into[step.weight] = x.norm**2 * d_square, x.exponents + dy.exponents
        spread = step.deviation**2 * d_square
        on_open, on_shut = x.around(rng)
        return Cotangent(dy.along * ratio, spread * on_open, spread * on_shut, dy.exponents).rescaled()

    return y, pullback


def _ratio(
    step: Step, x: State | _Hidden, rng: np.random.Generator, twins: Twins | None = None
) -> tuple[Array, NDArray[np.int64] | None]:
    """Draw the ratio of a step's norms, and how many units its ReLU opens (none below a dead layer)."""
    width, draws = step.fan_out, len(x.norm)
    open_units = None
    if step.relu:
        open_units = heads(rng, width, draws) * ((x.norm > 0) & (step.deviation > 0))
    if twins is None or not isinstance(x, State):
        squares = chi_square(rng, width if open_units is None else open_units, draws)
    elif open_units is None:
        squares = twins.dense(step.deviation * x.lengths, width, rng)
    else:
        squares = twins.relu(step.deviation * x.lengths, width, open_units, rng)
    return step.deviation * np.sqrt(squares), open_units


def pass_residual(
    branch: Branch, x: State, rng: np.random.Generator, twins: Twins | None = None
) -> tuple[State, Pullback]:
    """Pass norms through a residual block; inside, lengths are in units of its input's."""
    last, draws = branch.steps[-1], len(x.norm)
    hidden = _pass_hidden(branch.steps[:-1], x, rng)
    size = last.deviation * hidden[-1].norm
    if twins is None:
        normal, rest = rng.standard_normal(draws), np.sqrt(chi_square(rng, x.width - 1, draws))
    else:
        branches = twins.branches(x.lengths, x.width, rng)
        normal, rest = branches.along, branches.across
        branches.add(size * x.lengths)
    ratio = np.maximum(np.hypot(1 + size * normal, size * rest), TINY)
    cosine, sine = (1 + size * normal) / ratio, size * rest / ratio
    y = x.moved(x.width, ratio, np.where(size > 0, x.width, x.active))

    def pullback(dy: Cotangent, into: dict[str, Squares] | None) -> Cotangent:
        across, beyond = split_uniform(dy.open_square, x.width - 1, rng)
        g1, g2 = dy.along * cosine - across * sine, dy.along * sine + across * cosine
        along = last.deviation * (g1 * normal + g2 * rest) * (hidden[-1].norm > 0)
        d_square = dy.masked_square
        for step, h in zip(branch.steps[::-1], hidden[::-1], strict=True):
            if into is not None:
                into[step.weight] = (x.norm * h.norm) ** 2 * d_square, x.exponents + dy.exponents
            spread = step.deviation**2 * d_square
            if h is not hidden[0]:
                d_square = along**2 + spread * chi_square(rng, degrees(h.width, h.norm, h.open), draws)
                along = along * h.ratio
        room = degrees(x.width, x.norm, None)
        aside = np.sqrt(g2**2 + beyond) + np.sqrt(spread) * rng.standard_normal(draws)
        square = (aside**2 + spread * chi_square(rng, np.maximum(room - 1, 0), draws)) * (room > 0)
        return Cotangent(dy.along * ratio, *_on_open(square, x, rng), dy.exponents).rescaled()

    return y, pullback


class _Hidden(NamedTuple):
    """A state inside a branch: its norm, its ratio to the norm before it, and the number of open units."""

    width: int
    norm: Array
    ratio: Array
    open: NDArray[np.int64] | None


def _pass_hidden(steps: tuple[Step, ...], x: State, rng: np.random.Generator) -> list[_Hidden]:
    hidden = [_Hidden(x.width, (x.norm > 0).astype(np.float64), np.ones(len(x.norm)), None)]
    for step in steps:
        ratio, open_units = _ratio(step, hidden[-1], rng)
        hidden.append(_Hidden(step.fan_out, hidden[-1].norm * ratio, ratio, open_units))
    return hidden


def split_uniform(square: Array, dimensions: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Split a vector of this squared norm and uniform direction: its first component, and the rest's squared norm."""
    normal = rng.standard_normal(len(square))
    if dimensions <= 1:
        return np.copysign(np.sqrt(square), normal), np.zeros_like(square)
    rest = chi_square(rng, dimensions - 1, len(square))
    share = square / (normal**2 + rest)
    return np.sqrt(share) * normal, share * rest


def _on_open(square: Array, x: State, rng: np.random.Generator) -> tuple[Array, Array]:
    """Split a uniform vector of this squared norm, orthogonal to `x`, into open units and others."""
    if x.open is None:
        return square, np.zeros_like(square)
    on_open, on_shut = x.around(rng)
    share = square / np.maximum(on_open + on_shut, TINY)
    return share * on_open, share * on_shut
