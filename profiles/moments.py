"""Moments of an activation at a normal pre-activation: closed forms for leaky ReLUs, quadratures for the smooth ones.

Everything is a function of log2 q, q the variance of the pre-activation. A quadrature is asked at eleven points between
two powers of two and interpolated by a Chebyshev polynomial, whose error is looked at between these points.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.polynomial import Chebyshev

from simulations.layers import activations as smooth
from simulations.layers.dense import Layer, LeakyReLU, Tanh
from simulations.numbers.arrays import Array
from theory.layer import gain_stability, rectifiers

NAMES: dict[Layer, str] = {
    Tanh(): "tanh",
    smooth.Sigmoid(): "sigmoid",
    smooth.SELU(): "SELU",
    smooth.SELU(1.0, 1.0): "ELU",
    smooth.GELU(): "GELU",
    smooth.Swish(): "SiLU",
    smooth.Mish(): "Mish",
    smooth.Softplus(): "softplus",
    smooth.Sine(): "sine",
}
"""The smooth activations of the simulator by their names in `theory.layer.gain_stability`."""
ODD = ("tanh", "sine")
DEGREE = 10
ACCURACY = 1e-8
LEAST_SPREAD = 1e-7
"""Of units that saturate: below it a spread is rounding."""


@dataclass(frozen=True)
class Leaky:
    """A leaky ReLU of some slope; 1 is no activation at all."""

    slope: float

    homogeneous: ClassVar[bool] = True

    @property
    def mean_share(self) -> float:
        """(E phi)^2 / E phi^2: by how much the square of the mean falls short of the mean square."""
        positive, negative = (float(rectifiers.relu_mean(1)) * side for side in (1.0, self.slope))
        return (positive - negative) ** 2 / float(rectifiers.leaky_second_moment(self.slope, 1))


@dataclass(frozen=True)
class Smooth:
    """An activation whose moments are quadratures."""

    name: str

    homogeneous: ClassVar[bool] = False

    @property
    def mean_share(self) -> float | None:
        """0 for an odd one, else unknown."""
        return 0.0 if self.name in ODD else None

    def second_moment(self, log2_q: Array) -> Array:
        """Return log2 E phi(z)^2."""
        return even_moment(self.name, 2, log2_q)

    def relative_variance(self, log2_q: Array) -> Array:
        """Return Var phi(z)^2 / (E phi(z)^2)^2."""
        fourth = even_moment(self.name, 4, log2_q)
        found: Array = np.maximum(np.exp2(fourth - 2 * self.second_moment(log2_q)) - 1, LEAST_SPREAD)
        return found


Moments = Leaky | Smooth


def moments_of(activation: Layer | None) -> Moments | None:
    """Return what theory knows of an activation; None if it is none of those that theory knows."""
    if activation is None:
        return Leaky(1.0)
    if isinstance(activation, LeakyReLU):
        return Leaky(activation.slope)
    return Smooth(NAMES[activation]) if activation in NAMES else None


def even_moment(name: str, order: int, log2_q: Array) -> Array:
    """Return log2 E phi(z)^order, z ~ N(0, q), at each of `log2_q`; NaN where that is not finite."""
    found = np.full(np.shape(log2_q), np.nan)
    pieces = np.floor(np.where(np.isfinite(log2_q), log2_q, np.nan))
    for piece in np.unique(pieces[np.isfinite(pieces)]):
        inside = pieces == piece
        found[inside] = _fitted(name, order, float(piece))(log2_q[inside])
    return found


@cache
def _fitted(name: str, order: int, start: float) -> Chebyshev:
    """Interpolate between log2 q = start and start + 1; at every variance seen so far it is right to 1e-8.

    Raises
    ------
    ArithmeticError
        If it is off by more between its points.
    """
    unit, _ = gain_stability.named(name)

    def exact(points: Array) -> Array:
        moments = [gain_stability.mean(lambda z: unit(z) ** order, float(q)) for q in np.exp2(points)]
        return np.asarray(np.log2(moments))

    fitted = Chebyshev.interpolate(exact, DEGREE, domain=[start, start + 1])
    between = start + np.array([0.013, 0.57])
    if (off := np.abs(fitted(between) - exact(between)).max()) > ACCURACY:
        raise ArithmeticError(f"the moments of {name} are off by {off:.0e} near a variance of 2^{start:.0f}")
    return fitted
