"""Two inputs of a wide ReLU net: the angle theta between them, layer by layer, and how often both keep a unit.

The pre-activations of one unit at two inputs are jointly normal, with the cosine of the angle as their correlation; in
polar coordinates (r, phi) around them a unit is active at both where phi lies within a right angle of either input.
Over one Gaussian layer of variance 2 / fan_out at given inputs the means are exact at every width; iterating them in
depth (`next_angle`, `gradient_correlations`) is the wide limit.

- P(active at both) = (pi - theta) / (2 pi) (`coactivation`), over 1/2 the overlap of masks 1 - theta/pi (`overlap`).
- Mean of x1'.x2' over the norms: (sin theta + (pi - theta) cos theta) / pi (`cosine`, `correlation_map`), and the mean
  square of one unit's product (`square_of_product`).
- Small angles go to theta - theta^2 / (3 pi), so theta_l falls like 3 pi / l (`small_angles`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import real
from theory.rules import equal, leading, substituting
from theory.symbols import THETA

R, PHI = sp.Symbol("r", positive=True), sp.Symbol("phi", real=True)


def wedge(power: int, angular: sp.Expr) -> sp.Expr:
    """Average r^power times a function of phi over the units that are active at both inputs."""
    radial = sp.Integral(R ** (power + 1) * sp.exp(-(R**2) / 2), (R, 0, sp.oo))
    return radial * sp.Integral(angular / (2 * sp.pi), (PHI, THETA - sp.pi / 2, sp.pi / 2))


@cache
def coactivation() -> Derivation:
    """Derive the probability that a unit is active at both inputs."""
    return Derivation.begin(
        "Probability that two inputs keep the same unit",
        "The two pre-activations are r cos(phi) and r cos(phi - theta) times the inputs' norms: integrate the normal "
        "density over the wedge where both are positive.",
        wedge(0, sp.S.One),
    ).then("The wedge has the angle pi - theta of 2 pi.", (sp.pi - THETA) / (2 * sp.pi))


@cache
def overlap() -> Derivation:
    """Derive the factor by which one layer multiplies the correlation of the two gradients."""
    return Derivation.begin(
        "Overlap of two masks",
        "Weigh the units kept at both inputs against those kept at one, half of all.",
        coactivation().result / sp.Rational(1, 2),
    ).then("Simplify: 1 for one input, 1/2 for orthogonal ones, 0 for opposite ones.", 1 - THETA / sp.pi)


@cache
def cosine() -> Derivation:
    """Derive the mean of x1'.x2' over the norms of x1 and x2, the cosine after one wide layer."""
    return Derivation.begin(
        "Cosine after a ReLU layer",
        "Average the product of the rectified pre-activations over the wedge and divide by the mean square 1/2.",
        2 * wedge(2, sp.cos(PHI) * sp.cos(PHI - THETA)),
    ).then("Integrate.", (sp.sin(THETA) + (sp.pi - THETA) * sp.cos(THETA)) / sp.pi)


@cache
def correlation_map() -> Derivation:
    """Write the map of the cosine in terms of the cosine c."""
    c = sp.Symbol("c", real=True)
    return Derivation.begin("Correlation map of ReLU", "Start from the cosine after a layer.", cosine().result).then(
        "Put in theta = arccos c.",
        (sp.sqrt(1 - c**2) + (sp.pi - sp.acos(c)) * c) / sp.pi,
        substituting({THETA: sp.acos(c)}),
    )


@cache
def square_of_product() -> Derivation:
    """Derive the mean square of the product of the rectified pre-activations, for unit variances."""
    angular = ((sp.cos(THETA) + sp.cos(2 * PHI - THETA)) / 2) ** 2
    return Derivation.begin(
        "Mean square of a product of two rectified units",
        "Average over the wedge the square of cos(phi) cos(phi - theta) = (cos(theta) + cos(2 phi - theta)) / 2.",
        wedge(4, angular),
    ).then(
        "Integrate.",
        ((sp.pi - THETA) * (1 + 2 * sp.cos(THETA) ** 2) + 3 * sp.sin(THETA) * sp.cos(THETA)) / (2 * sp.pi),
    )


@cache
def small_angles() -> Derivation:
    """Derive how small angles shrink: like theta - theta^2 / (3 pi), so that theta_l ~ 3 pi / l."""
    shrunk = THETA - THETA**2 / (3 * sp.pi)
    return (
        Derivation.begin("Small angles in depth", "Start from the cosine after a layer.", cosine().result)
        .then("Expand to third order.", 1 - THETA**2 / 2 + THETA**3 / (3 * sp.pi), leading(THETA, 3))
        .then(
            "To this order it is the cosine of theta - theta^2 / (3 pi), so 1 / theta grows by 1 / (3 pi) a layer.",
            sp.cos(shrunk),
            lambda before, now: equal(sp.series(now, THETA, 0, 4).removeO(), before),
        )
    )


def coactive(angle: Value) -> sp.Expr:
    """Return the probability that a unit is active at both of two inputs at this angle. Exact at any width."""
    return coactivation().at(theta=checked(angle))


def mask_overlap(angle: Value) -> sp.Expr:
    """Return E <W^T D1 v, W^T D2 v> / E ||W^T D1 v||^2, D the masks of one layer at two inputs. Exact at any width."""
    return overlap().at(theta=checked(angle))


def next_cosine(angle: Value) -> sp.Expr:
    """Return E <x1', x2'> / (||x1|| ||x2||) after a ReLU layer that keeps the mean square norm. Exact at any width."""
    return cosine().at(theta=checked(angle))


def product_variance(angle: Value) -> sp.Expr:
    """Return the variance of n <x1', x2'> / (||x1|| ||x2||) per unit of a layer of n units. Exact."""
    return 4 * square_of_product().at(theta=checked(angle)) - next_cosine(angle) ** 2


def next_angle(angle: float) -> float:
    """Return the angle after a wide ReLU layer, from an angle between 0 and pi.

    In terms of 1 - cos, which does not cancel: at theta = 1e-4, below 3e4 layers, to a relative error of 1e-11.
    """
    if not 0 <= angle <= math.pi:
        raise ValueError(f"angle is {angle}; expected a number from 0 to pi")
    below_one = 2 * math.sin(angle / 2) ** 2 - (math.sin(angle) - angle * math.cos(angle)) / math.pi
    return 2 * math.asin(math.sqrt(max(0.0, below_one) / 2))


def gradient_correlations(angle: float, layers: int) -> list[float]:
    """Return the correlation of two input gradients of wide ReLU nets of 1, 2, ..., `layers` layers.

    The product of 1 - theta_l / pi over the angles below the layers; asymptotic in the width. It falls like L^-3: from
    orthogonal inputs it tends to about 196.7 / L^3.
    """
    found = [1.0]
    for _ in range(layers):
        found.append(found[-1] * (1 - angle / math.pi))
        angle = next_angle(angle)
    return found[1:]


def checked(value: Value) -> sp.Expr:
    """Return `value` as a SymPy expression if it can be an angle between two inputs, from 0 to pi."""
    angle = real("angle", value)
    if (angle < 0) == sp.true or (angle > sp.pi) == sp.true:
        raise ValueError(f"angle is {value}; expected a number from 0 to pi")
    return angle


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    coactivation,
    overlap,
    cosine,
    correlation_map,
    square_of_product,
    small_angles,
)
