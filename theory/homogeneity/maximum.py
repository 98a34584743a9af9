"""The mean m_c of the largest of c independent standard normals, and the logit scale at which theorem 2 falls silent.

- m_2 = 1/sqrt(pi) and m_3 = 3 / (2 sqrt(pi)) (`largest`); from c = 4 on by quadrature to 25 digits
  (`expected_maximum`).
- Gaussian logits of standard deviation below log(c) / m_c make the mean bound of theorem 2 negative (`vacuous_below`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import mpmath
import sympy as sp

from theory.derivation import Derivation
from theory.domain import positive_integer
from theory.expectation import by_parts, gaussian
from theory.homogeneity import softmax
from theory.rules import termwise
from theory.symbols import T

NORMAL_CDF = (1 + sp.erf(T / sp.sqrt(2))) / 2
NORMAL_DENSITY = sp.exp(-(T**2) / 2) / sp.sqrt(2 * sp.pi)


@cache
def largest(classes: int) -> Derivation:
    """Derive the mean of the largest of two or of three standard normals."""
    pairs = classes * (classes - 1)
    return (
        Derivation.begin(
            f"Mean of the largest of {classes} standard normals",
            f"One of {classes} is the largest and the others lie below it: average t over its density.",
            gaussian(classes * T * NORMAL_CDF ** (classes - 1), T),
        )
        .then(
            "Integrate by parts: t times the density is minus its derivative.",
            gaussian(pairs * NORMAL_CDF ** (classes - 2) * NORMAL_DENSITY, T),
            by_parts(-classes * NORMAL_DENSITY * NORMAL_CDF ** (classes - 1)),
        )
        .then(
            "Average the integrand over t and -t: the normal distribution function at t and -t sums to 1.",
            gaussian(sp.Rational(pairs, 2 ** (classes - 2)) * NORMAL_DENSITY, T),
            _reflected,
        )
        .then("Integrate the squared density.", sp.Rational(pairs, 2 ** (classes - 1)) / sp.sqrt(sp.pi))
    )


def _reflected(before: sp.Basic, now: sp.Basic) -> str:
    return termwise(lambda integrand: (integrand + integrand.subs(T, -T)) / 2)(before, now)


def expected_maximum(classes: int) -> sp.Expr:
    """Return m_c = E max of `classes` independent standard normals.

    Exact for up to three; beyond, the integral of the density of the maximum by tanh-sinh quadrature to 30 digits,
    whose error estimate is checked.

    Raises
    ------
    ValueError
        If `classes` is not a positive integer.
    ArithmeticError
        If the quadrature does not reach 25 digits.
    """
    classes = int(positive_integer("classes", classes))
    if classes == 1:
        return sp.S.Zero
    if classes <= 3:
        return largest(classes).result
    return _quadrature(classes)


@cache
def _quadrature(classes: int) -> sp.Expr:
    with mpmath.workdps(40):
        value, error = mpmath.quad(
            lambda t: classes * t * mpmath.npdf(t) * mpmath.ncdf(t) ** (classes - 1),
            [-16, -4, 0, 2, 4, 8, 16],
            error=True,
        )
        if error > 1e-25:
            raise ArithmeticError(f"the quadrature for {classes} classes is only good to {mpmath.nstr(error, 2)}")
        return sp.Float(value, 30)


def vacuous_below(classes: int) -> sp.Expr:
    """Return log(c) / m_c, the standard deviation of Gaussian logits below which the bound of theorem 2 is negative.

    Raises
    ------
    ValueError
        If `classes` is less than 2: with one class the maximum has mean 0.
    """
    positive_integer("classes", classes, least=2)
    return softmax.entropy_bound(classes) / expected_maximum(classes)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (partial(largest, 2), partial(largest, 3))
