"""Gain, stability and gradient factor of any activation, as a name, a pair that gates, or a function of the reader's.

Moments of phi(z), z ~ N(0, q), by quadrature on panels that are halved until the rule on both halves agrees with that
on the whole (`moments`); slopes come from the polynomial through a panel's values. So kinks and jumps need not be
named: panels close in on them. What then remains is the stated error, an estimate; where it stays too large, as at a
jump, which has no mean squared slope, or for a function that grows too fast, the answer is refused.

- `examine` says of an activation what its gain is, whether deep nets stay there, and where they are if they do not.
- `fixed_points` finds the lengths that a given gain keeps, with the slope of the length map and chi at each.
- `next_correlation` is the map of correlations, with a bound on what its series leaves out.
- Pairs, as SwiGLU, are in `theory.layer.pairs`: none of them is stable.

Means over wide layers, whose pre-activations are normal; E phi^2 is exact at any width for a layer of Gaussian weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from theory.derivation import Value
from theory.domain import nonnegative, positive, positive_integer, real
from theory.layer import gain_stability, pairs
from theory.layer.gain_stability import SLOPE, SQUARE, Function
from theory.layer.panels import Moments, moments
from theory.symbols import Q


def _clipped(z: float) -> float:
    return min(max(z, 0.0), 6.0)


NAMES: Mapping[str, Function] = {name: unit for name, (unit, _) in gain_stability.ACTIVATIONS.items()} | {
    "identity": lambda z: z,
    "ReLU": lambda z: max(z, 0.0),
    "ReLU6": _clipped,
    "squared ReLU": lambda z: max(z, 0.0) ** 2,
    "hard tanh": lambda z: min(max(z, -1.0), 1.0),
    "hard sigmoid": lambda z: _clipped(z + 3) / 6,
    "hard swish": lambda z: z * _clipped(z + 3) / 6,
    "softsign": lambda z: z / (1 + abs(z)),
}
PAIRS: Mapping[str, str] = {
    "GLU": "sigmoid", "bilinear": "identity", "ReGLU": "ReLU", "GEGLU": "GELU", "SwiGLU": "SiLU"
}  # fmt: skip
"""Pairs of Dauphin et al. 2017 and Shazeer 2020, and the activation of the gate of each."""


@dataclass(frozen=True)
class Activation:
    """A function of z, or a pair of u and that function of z."""

    name: str
    function: Function
    pair: bool = False

    def mean_square(self, variance: Value) -> float:
        """Return E phi(z)^2, of a pair E u^2 phi(z)^2."""
        found = moments(self.function, variance)
        return float(pairs.mean_square(variance, found.square)) if self.pair else found.square

    def slope_and_growth(self, found: Moments, variance: Value) -> tuple[float, float]:
        """Return the slope of the length map and chi, both at the gain that keeps `variance`."""
        square, slopes = found.square, found.slope
        single = (found.weighted / square - 1) / 2
        if self.pair:
            return float(pairs.length_slope(single)), float(pairs.gradient_factor(variance, square, slopes))
        return single, float(gain_stability.growth().at({Q: variance, SLOPE: slopes, SQUARE: square}))


@dataclass(frozen=True)
class Answer:
    """What `examine` found; `str` says it in a sentence.

    Attributes
    ----------
    gain, slope, growth : float
        The gain that keeps `variance`, the slope of the length map there, and chi.
    error : float
        Of the moments that they are made of, relative: an estimate.
    reached : float
        Mean square of the activations behind so many `layers` of that gain, from inputs of mean square `variance`;
        infinite beyond 1e100, and 0 below 1e-100.
    """

    name: str
    variance: float
    gain: float
    slope: float
    growth: float
    error: float
    layers: int
    reached: float

    @property
    def stability(self) -> str:
        """Whether deep nets are brought back to the variance: stable, unstable, or neutral within the error."""
        away = abs(self.slope) - 1
        return "neutral" if abs(away) <= 1e-9 + 10 * self.error else "unstable" if away > 0 else "stable"

    def __str__(self) -> str:
        """Return the answer as a sentence."""
        slope = f"{self.slope:.4g}"
        if slope == "1" and self.stability != "neutral":
            slope = f"1 {self.slope - 1:+.1g}"
        return (
            f"{self.name}: gain {self.gain:.5g} keeps q = {self.variance:g}, {self.stability}: slope {slope}; "
            f"squared gradients grow by {self.growth:.4g} a layer; inputs of mean square {self.variance:g} reach "
            f"{self.reached:.3g} behind {self.layers} layers"
        )


def known(activation: str | Function) -> Activation:
    """Return an activation by its name, as a pair by the pair's, or a function of the reader's.

    Raises
    ------
    ValueError
        If the name is unknown.
    """
    if callable(activation):
        return Activation(getattr(activation, "__name__", "phi"), activation)
    if activation in PAIRS:
        return Activation(activation, NAMES[PAIRS[activation]], pair=True)
    if activation not in NAMES:
        raise ValueError(f"activation is {activation!r}; expected a function or one of {', '.join((*NAMES, *PAIRS))}")
    return Activation(activation, NAMES[activation])


def examine(activation: str | Function, variance: Value = 1, *, layers: int = 30) -> Answer:
    """Say what gain keeps a variance, whether a deep net stays at it, and where it is after so many layers.

    The first layer takes the gain too, so inputs of mean square q give its pre-activations the variance g^2 q.

    Raises
    ------
    ValueError
        If the variance is not positive, or the name unknown.
    ArithmeticError
        If a moment cannot be told with a relative error below 1e-6, at this variance or at one that a layer reaches.
    """
    unit, q = known(activation), float(positive("variance", variance))
    found = moments(unit.function, q)
    square = unit.mean_square(q)
    if not square > 0:
        raise ArithmeticError(f"E phi^2 of {unit.name} is {square} at variance {q}: no gain keeps it")
    slope, growth = unit.slope_and_growth(found, q)
    gain, reached = math.sqrt(q / square), q
    for _ in range(layers):
        if not 1e-100 < reached < 1e100:
            reached = math.inf if reached > 1 else 0.0
            break
        reached = unit.mean_square(gain**2 * reached)
    return Answer(unit.name, q, gain, slope, growth, found.error, layers, reached)


@dataclass(frozen=True)
class FixedPoint:
    """A variance that a gain keeps, the slope of the length map there, and chi."""

    variance: float
    slope: float
    growth: float


def fixed_points(
    activation: str | Function, gain: Value, bias_variance: Value = 0, *, low: float = 1e-3, high: float = 1e3
) -> list[FixedPoint]:
    """Return the q in (low, high) with q = gain^2 E phi(z)^2 + bias_variance, z ~ N(0, q), but not q = 0.

    Found from changes of sign between 49 lengths, so two that lie closer than a third of their size may be missed, and
    one at which the map touches the diagonal is.

    Raises
    ------
    ArithmeticError
        If all lengths are kept, as by ReLU at its gain; or as in `examine`.
    """
    unit, g, bias = known(activation), float(positive("gain", gain)), float(nonnegative("bias_variance", bias_variance))

    def excess(logarithm: float) -> float:
        q = math.exp(logarithm)
        return (g**2 * unit.mean_square(q) + bias) / q - 1

    grid = [math.log(low) + i * math.log(high / low) / 48 for i in range(49)]
    values = [excess(at) for at in grid]
    if max(map(abs, values)) < 1e-9:
        raise ArithmeticError(f"{unit.name} keeps every length at gain {g}: no fixed point stands out")
    found = []
    for left, right, before, after in zip(grid, grid[1:], values, values[1:], strict=False):
        if before * after < 0 or after == 0:
            q = math.exp(_root(excess, left, right, before))
            here = moments(unit.function, q)
            # At another gain than that which keeps q without biases both factors are smaller, by what biases bring.
            share = (q - bias) / q
            slope, growth = unit.slope_and_growth(here, q)
            found.append(FixedPoint(q, share * slope, share * growth))
    return found


def next_correlation(
    activation: str | Function, correlation: Value, variance: Value = 1, *, terms: int = 30
) -> tuple[float, float]:
    """Return the cosine of the activations at two inputs whose pre-activations have this correlation, and its error.

    That is the next correlation of pre-activations, without biases. phi is expanded in `terms` Hermite polynomials: the
    mean product is the sum of a_k^2 c^k, and as E phi^2 is that of all a_k^2, what is left out is known to be between
    plus and minus |c|^terms times what is left of E phi^2. So is the error, but for that of the quadrature; kinks make
    it large near c = 1, where the slope is chi.
    """
    unit, c = known(activation), float(real("correlation", correlation))
    if abs(c) > 1:
        raise ValueError(f"correlation is {correlation}; expected a number from -1 to 1")
    deviation = math.sqrt(float(positive("variance", variance)))
    whole = moments(unit.function, variance)
    squares = [
        moments(lambda z, k=k: unit.function(z) * _hermite(k, z / deviation), variance).first ** 2 / whole.square  # type: ignore[misc]
        for k in range(positive_integer("terms", terms))
    ]
    told = math.fsum(square * c**k for k, square in enumerate(squares))
    left = max(0.0, 1 - math.fsum(squares)) * abs(c) ** terms
    return (c * told if unit.pair else told), left + 10 * whole.error


def _hermite(order: int, t: float) -> float:
    """Return the Hermite polynomial of mean square 1 under the standard normal law."""
    before, now = 0.0, 1.0
    for k in range(order):
        before, now = now, (t * now - math.sqrt(k) * before) / math.sqrt(k + 1)
    return now


def _root(excess: Callable[[float], float], left: float, right: float, before: float) -> float:
    while right - left > 1e-13 * max(1.0, abs(left)):
        middle = (left + right) / 2
        if middle in (left, right):
            break
        left, right = (middle, right) if excess(middle) * before > 0 else (left, middle)
    return (left + right) / 2
