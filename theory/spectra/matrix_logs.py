"""Logarithms of matrix products: log|det| adds up, the logarithm itself does not, not even for all that commute.

The example without commuting is A = [[1, a], [0, 1]] and B = [[1, 0], [b, 1]], with logarithms A - 1 and B - 1. With
2 cosh t = tr(AB) = 2 + ab and r = t / sinh t, log(AB) = r [[ab/2, a], [b, -ab/2]]. Nothing is averaged; exact.

- det(AB) = det A det B, for 2 x 2 matrices (`determinant`).
- The stated logarithm squares to t^2 (`shear_square`), and its exponential is AB (`shear_exponential`, in one entry).
- ||log(AB) - log A - log B||^2 = r^2 a^2 b^2 / 2 + (1 - r)^2 (a^2 + b^2) (`shear_defect`).
- ||log(R^2) - 2 log R|| = 2 sqrt(2) pi for a rotation R by more than a right angle (`rotation_defect`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, real
from theory.rules import substituting

A, B, T = sp.symbols("a b t", positive=True)
PRODUCT, ROOT = sp.symbols("P r", positive=True)
"""a b and t / sinh t."""


@cache
def determinant() -> Derivation:
    """Derive that determinants multiply, for 2 x 2 matrices, so that log|det| adds up."""
    left, right = (sp.Matrix(2, 2, sp.symbols(names, real=True)) for names in ("a:4", "b:4"))
    return Derivation.begin(
        "Determinant of a product", "Expand the determinant.", sp.expand((left * right).det())
    ).then("It factors, so log|det(AB)| = log|det A| + log|det B|.", left.det() * right.det())


@cache
def shear_square() -> Derivation:
    """Derive that the square of log(AB) is t^2."""
    return (
        Derivation.begin(
            "Square of the logarithm of a product of shears",
            "r^2 (a^2 b^2 / 4 + ab) on the diagonal of the square of r [[ab/2, a], [b, -ab/2]], 0 off it.",
            ROOT**2 * (PRODUCT**2 / 4 + PRODUCT),
        )
        .then(
            "Put in ab = 2 cosh t - 2 and r = t / sinh t.",
            (T / sp.sinh(T)) ** 2 * ((sp.cosh(T) - 1) ** 2 + 2 * (sp.cosh(T) - 1)),
            substituting({PRODUCT: 2 * sp.cosh(T) - 2, ROOT: T / sp.sinh(T)}),
        )
        .then("cosh^2 - sinh^2 = 1: the exponential is cosh t + (sinh t / t) log(AB).", T**2)
    )


@cache
def shear_exponential() -> Derivation:
    """Derive that the exponential of the stated logarithm is AB, in the entry 1 + ab; the others are alike."""
    return (
        Derivation.begin(
            "Exponential of the logarithm of a product of shears",
            "The first entry of cosh t + (sinh t / t) r [[ab/2, a], [b, -ab/2]].",
            sp.cosh(T) + sp.sinh(T) / T * ROOT * PRODUCT / 2,
        )
        .then("Put in r.", sp.cosh(T) + PRODUCT / 2, substituting({ROOT: T / sp.sinh(T)}))
        .then("And cosh t = 1 + ab/2: the entry of AB.", 1 + PRODUCT, substituting({sp.cosh(T): 1 + PRODUCT / 2}))
    )


@cache
def shear_defect() -> Derivation:
    """Derive the squared Frobenius norm of log(AB) - log A - log B."""
    return Derivation.begin(
        "Defect of the logarithm of a product of shears",
        "Subtract [[0, a], [b, 0]] from log(AB) and add the squares of the entries.",
        2 * (ROOT * A * B / 2) ** 2 + (ROOT * A - A) ** 2 + (ROOT * B - B) ** 2,
    ).then("Collect.", ROOT**2 * A**2 * B**2 / 2 + (1 - ROOT) ** 2 * (A**2 + B**2))


@cache
def rotation_defect() -> Derivation:
    """Derive the norm of log(R^2) - 2 log R for a rotation R by an angle from pi/2 to pi."""
    angle = sp.Symbol("theta", positive=True)
    return Derivation.begin(
        "Defect of the logarithm of a squared rotation",
        "log R has eigenvalues +-i theta; twice theta is outside (-pi, pi], so log(R^2) has theta' = 2 theta - 2 pi.",
        sp.sqrt(2 * (2 * angle - (2 * angle - 2 * sp.pi)) ** 2),
    ).then("The angle cancels.", 2 * sp.sqrt(2) * sp.pi)


def product_defect(first: Value, second: Value) -> sp.Expr:
    """Return the Frobenius norm of log(AB) - log A - log B for shears by `first` (up) and `second` (down). Exact."""
    a, b = positive("first", first), positive("second", second)
    t = sp.acosh(1 + a * b / 2)
    return sp.sqrt(shear_defect().at(a=a, b=b, r=t / sp.sinh(t)))


def squared_rotation_defect(angle: Value) -> sp.Expr:
    """Return the Frobenius norm of log(R^2) - 2 log R for a rotation by `angle` between 0 and pi. Exact."""
    theta = real("angle", angle)
    if not 0 < theta < sp.pi:
        raise ValueError(f"angle is {angle}; expected a number between 0 and pi")
    return sp.S.Zero if theta <= sp.pi / 2 else rotation_defect().result


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    determinant,
    shear_square,
    shear_exponential,
    shear_defect,
    rotation_defect,
)
