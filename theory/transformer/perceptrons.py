r"""Perceptrons of today's Transformers at initialisation: gated ones (SwiGLU), and GELU at any variance.

z and u are the pre-activations of gate and value at one input; over the weights they are independent, N(0, q) and of
mean square r. Exact at every width for Gaussian weights of the gate.

- E (phi(z) u)^2 = r E phi(z)^2 (`gated`): the mean square of a product of independent factors, whatever phi is.
- For SiLU, z sigmoid(z): E silu(z)^2 = (q + E z^2 tanh(z/2)^2) / 4 (`silu`), for silu(z) = z (1 + tanh(z/2)) / 2;
  so between q/4 and q/2, its limits for small and for large q. At q = 1 it is 0.3558.
- For GELU, z P(z), P the standard normal distribution function: E gelu(z)^2 = q (1/4 + asin(q/(1 + q)) / (2 pi)) +
  q^2 / (pi (1 + q) sqrt(1 + 2q)) (`gelu`): between q/4 and q/2 as well, 0.4252 at q = 1.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import mpmath
import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive
from theory.expectation import by_parts, gaussian
from theory.rules import equal, numerically, opened, termwise
from theory.symbols import Q, T
from theory.written_out import Group, WrittenOut, at_sizes, symmetric

VALUE = sp.Symbol("r", positive=True)
"""Mean square of the value."""
OF_GATE, PRODUCT = sp.symbols(r"E\phi(z)^2 \phi(z)u", real=True)
DENSITY = sp.exp(-(T**2) / 2) / sp.sqrt(2 * sp.pi)
"""Density of a standard normal variable."""
BELOW = (1 + sp.erf(T / sp.sqrt(2))) / 2
"""The probability P that it is below t."""


def _factors() -> WrittenOut:
    gate, value = sp.symbols("f u", real=True)

    def moment(powers: tuple[int, ...]) -> sp.Expr:
        if powers != (2,):
            raise ValueError(f"moment {powers[0]} of the gate is not given")
        return OF_GATE

    return WrittenOut({PRODUCT: gate * value}, [Group((gate,), moment), symmetric(VALUE)(value)])


@cache
def gated() -> Derivation:
    """Derive the mean square of a gated unit."""
    return Derivation.begin(
        "Mean square of a pair's product", "The square of phi(z) u, z of the gate and u of the value.", PRODUCT**2
    ).then(
        "Average: the two layers are independent, so the mean squares multiply, though z and u have one input.",
        VALUE * OF_GATE,
        at_sizes(_factors, ()),
    )


@cache
def silu() -> Derivation:
    """Derive E silu(z)^2, z ~ N(0, q), in terms of tanh."""
    z = sp.sqrt(Q) * T
    return (
        Derivation.begin(
            "Mean square of SiLU",
            "Average the square of z times the logistic function, z = sqrt(q) t.",
            gaussian((z / (1 + sp.exp(-z))) ** 2, T),
        )
        .then(
            "The logistic function is (1 + tanh(z/2)) / 2.",
            gaussian((z * (1 + sp.tanh(z / 2)) / 2) ** 2, T),
            lambda before, now: numerically(opened(before)[0], opened(now)[0]),
        )
        .then(
            "The part that is odd in t averages to 0.",
            gaussian(z**2 * (1 + sp.tanh(z / 2) ** 2) / 4, T),
            termwise(lambda integrand: (integrand + integrand.subs(T, -T)) / 2),
        )
    )


@cache
def below_squared() -> Derivation:
    """Derive E P(z)^2, z ~ N(0, q): the probability that two standard normals lie below a third variable."""
    z = sp.sqrt(Q) * T
    return (
        Derivation.begin(
            "Mean square of the normal distribution function",
            "The derivative of E P(sqrt(q) t)^2 in q.",
            gaussian(T * BELOW.subs(T, z) * DENSITY.subs(T, z) / sp.sqrt(Q), T),
        )
        .then(
            "By parts, with t p(z) p(t) = -(p(z) p(t))' / (1 + q).",
            gaussian(DENSITY.subs(T, z) ** 2 / (1 + Q), T),
            by_parts(-BELOW.subs(T, z) * DENSITY.subs(T, z) * DENSITY / (sp.sqrt(Q) * (1 + Q))),
        )
        .then("The product of three normal densities is one.", 1 / (2 * sp.pi * (1 + Q) * sp.sqrt(1 + 2 * Q)))
        .then(
            "Integrate in q from 0, where P is 1/2.",
            sp.Rational(1, 4) + sp.asin(Q / (1 + Q)) / (2 * sp.pi),
            _integrated_from_a_quarter,
        )
    )


def _integrated_from_a_quarter(before: sp.Basic, now: sp.Basic) -> str:
    equal(now.subs(Q, 0), BELOW.subs(T, 0) ** 2)
    return equal(before, sp.diff(now, Q))


@cache
def gelu() -> Derivation:
    """Derive E gelu(z)^2, z ~ N(0, q)."""
    z = sp.sqrt(Q) * T
    below, density = BELOW.subs(T, z), DENSITY.subs(T, z)
    rest = Q**2 / (sp.pi * (1 + Q) * sp.sqrt(1 + 2 * Q))
    return (
        Derivation.begin(
            "Mean square of GELU", "Average the square of z P(z), z = sqrt(q) t.", gaussian((z * below) ** 2, T)
        )
        .then(
            "By parts, with t p(t) = -p(t)'.",
            gaussian(Q * below**2 + 2 * Q * z * below * density, T),
            by_parts(-Q * T * below**2 * DENSITY),
        )
        .then(
            "By parts once more, with t p(z) p(t) = -(p(z) p(t))' / (1 + q).",
            gaussian(Q * below**2 + 2 * Q**2 * density**2 / (1 + Q), T),
            by_parts(-2 * sp.sqrt(Q) * Q * below * density * DENSITY / (1 + Q)),
        )
        .then(
            "The mean of P^2 is known, the product of three normal densities is one.",
            Q * below_squared().result + rest,
            _parts,
        )
    )


def _parts(before: sp.Basic, now: sp.Basic) -> str:
    """Take q P^2 out of the integrand, for its known mean, and integrate the rest."""
    integrand, ends = opened(before)
    rest = sp.expand(integrand - Q * BELOW.subs(T, sp.sqrt(Q) * T) ** 2 * DENSITY)
    return equal(Q * below_squared().result + sp.integrate(sp.simplify(rest), ends), now)


def gated_mean_square(value: Value, of_gate: Value) -> sp.Expr:
    """Return E (phi(z) u)^2 for E u^2 = `value` and E phi(z)^2 = `of_gate`. Exact for independent layers."""
    return gated().at({VALUE: positive("value", value), OF_GATE: positive("of_gate", of_gate)})


@cache
def silu_mean_square(variance: float) -> float:
    """Return E silu(z)^2, z ~ N(0, variance), by tanh-sinh quadrature of the last line of `silu`.

    Raises
    ------
    ArithmeticError
        If the quadrature does not reach 15 digits.
    """
    q = float(positive("variance", variance))
    with mpmath.workdps(20):
        value, error = mpmath.quad(
            lambda t: mpmath.npdf(t) * q * t**2 * (1 + mpmath.tanh(mpmath.sqrt(q) * t / 2) ** 2) / 2,
            [0, 1, 3, 6, 12],
            error=True,
        )
    if error > 1e-15 * max(1.0, q):
        raise ArithmeticError(f"the quadrature at variance {q} is only good to {mpmath.nstr(error, 2)}")
    return float(value)


def gelu_mean_square(variance: Value) -> sp.Expr:
    """Return E gelu(z)^2, z ~ N(0, variance). Exact, for the GELU with the normal distribution function."""
    return gelu().at({Q: positive("variance", variance)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (gated, silu, below_squared, gelu)
