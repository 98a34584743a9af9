"""How far a recurrent step can stretch a gradient, and what the powers of one matrix do in the end.

A step h' = phi(W h + b) has the Jacobian D W, D the diagonal matrix of slopes; gamma is the largest slope, sigma the
norm of W, rho its spectral radius. By Schur every 2 x 2 matrix is unitarily equivalent to a triangular one, with the
eigenvalues on the diagonal and the departure from normality nu in the corner. Bounds for every W; nothing is averaged.

- gamma is 1/4 for the logistic function (`sigmoid_slope`), 1 for tanh (`tanh_slope`).
- No Jacobian over t steps exceeds (gamma sigma)^t in norm (`norm_bound`).
- The corner of [[a, b], [0, a]]^t is t b a^(t-1) (`corner`), so for 2 x 2 matrices ||W^t|| <= rho^t (1 + t nu / rho)
  (`departure_bound`) and log||W^t|| / t tends to log rho (`gelfand`): the radius rules the limit only.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer, real
from theory.rules import at_most, dropping, limit, naming, recursion, substituting

STEPS = sp.Symbol("t", integer=True, nonnegative=True)
X, OUTPUT = sp.symbols("x y", real=True)
GAMMA, SIGMA = sp.symbols("gamma sigma", nonnegative=True)
RADIUS, DEPARTURE = sp.Symbol("rho", positive=True), sp.Symbol("nu", nonnegative=True)
EIGENVALUE, CORNER = sp.symbols("a b", real=True)


@cache
def sigmoid_slope() -> Derivation:
    """Derive the largest slope of the logistic function."""
    logistic = (1 + sp.tanh(X / 2)) / 2  # which is 1 / (1 + exp(-x))
    return (
        Derivation.begin("Largest slope of the logistic function", "Differentiate it.", sp.Derivative(logistic, X))
        .then("In terms of its value y.", OUTPUT * (1 - OUTPUT), naming({OUTPUT: logistic}))
        .then(
            "A square is missing to 1/4; it is 0 where y = 1/2, at x = 0.",
            at_most(OUTPUT * (1 - OUTPUT), sp.Rational(1, 4)),
            dropping(-((OUTPUT - sp.Rational(1, 2)) ** 2)),
        )
    )


@cache
def tanh_slope() -> Derivation:
    """Derive the largest slope of the hyperbolic tangent."""
    return (
        Derivation.begin("Largest slope of tanh", "Differentiate it.", sp.Derivative(sp.tanh(X), X))
        .then("In terms of its value y.", 1 - OUTPUT**2, naming({OUTPUT: sp.tanh(X)}))
        .then("A square is missing to 1; it is 0 at x = 0.", at_most(1 - OUTPUT**2, sp.S.One), dropping(-(OUTPUT**2)))
    )


@cache
def norm_bound() -> Derivation:
    """Derive the bound on the norm of the Jacobian over t steps."""
    bound = sp.Function("B")
    return Derivation.begin(
        "Bound on the Jacobian of a recurrent net",
        "||D W J|| is at most ||D|| ||W|| ||J||, and ||D|| is the largest of the slopes.",
        sp.Eq(bound(STEPS + 1), GAMMA * SIGMA * bound(STEPS)),
    ).then("From the identity.", sp.Eq(bound(STEPS), (GAMMA * SIGMA) ** STEPS), recursion(STEPS, sp.S.One))


@cache
def corner() -> Derivation:
    """Derive the corner of the t-th power of [[a, b], [0, a]]."""
    entry = sp.Function("c")
    return Derivation.begin(
        "Powers of a triangular matrix with one eigenvalue",
        "Multiply the t-th power, with a^t on its diagonal, by the matrix of rows (a, b) and (0, a).",
        sp.Eq(entry(STEPS + 1), EIGENVALUE * entry(STEPS) + CORNER * EIGENVALUE**STEPS),
    ).then(
        "From the identity: t places for the b.",
        sp.Eq(entry(STEPS), STEPS * CORNER * EIGENVALUE ** (STEPS - 1)),
        recursion(STEPS, sp.S.Zero),
    )


@cache
def departure_bound() -> Derivation:
    """Derive a bound on the norm of the t-th power of a 2 x 2 matrix."""
    entry = sp.Function("c")
    return (
        Derivation.begin(
            "Powers of a 2 x 2 matrix",
            "The corner of the t-th power of [[l1, nu], [0, l2]] is l1 c(t) + nu l2^t after one more step; neither "
            "eigenvalue is larger than rho, so it is at most what this makes of it.",
            sp.Eq(entry(STEPS + 1), RADIUS * entry(STEPS) + DEPARTURE * RADIUS**STEPS),
        )
        .then(
            "From the identity.",
            sp.Eq(entry(STEPS), STEPS * DEPARTURE * RADIUS ** (STEPS - 1)),
            recursion(STEPS, sp.S.Zero),
        )
        .then(
            "The norm is at most that of the diagonal, rho^t, plus the corner; over rho^t.",
            1 + STEPS * DEPARTURE / RADIUS,
            _with_diagonal,
        )
    )


def _with_diagonal(before: sp.Basic, now: sp.Basic) -> str:
    """Check that this is 1 plus the right side of the previous equation over rho^t."""
    return substituting({OUTPUT: before.rhs})(1 + OUTPUT / RADIUS**STEPS, now)


@cache
def gelfand() -> Derivation:
    """Derive that the rate of growth of the powers tends to log rho."""
    return Derivation.begin(
        "Gelfand's formula for 2 x 2 matrices",
        "The rate log ||W^t|| / t is at least log rho, as ||W^t|| is at least an eigenvalue of W^t, and at most this.",
        sp.log(RADIUS) + sp.log(departure_bound().result) / STEPS,
    ).then("The logarithm of t grows more slowly than t.", sp.log(RADIUS), limit(STEPS, sp.oo))


def largest_slope(activation: str) -> sp.Expr:
    """Return the largest slope of "tanh" or "sigmoid", taken at 0.

    Raises
    ------
    ValueError
        If the activation is another.
    """
    known = {"tanh": tanh_slope, "sigmoid": sigmoid_slope}
    if activation not in known:
        raise ValueError(f"activation is {activation!r}; expected one of {sorted(known)}")
    return known[activation]().result


def jacobian_bound(slope: Value, norm: Value, steps: Value) -> sp.Expr:
    """Return (slope norm)^steps, which no Jacobian over `steps` steps exceeds in norm (Pascanu et al. 2013, 2.1)."""
    steps = positive_integer("steps", steps, least=0)
    return norm_bound().at(gamma=nonnegative("slope", slope), sigma=nonnegative("norm", norm), t=steps)


def power_corner(eigenvalue: Value, entry: Value, steps: Value) -> sp.Expr:
    """Return the corner of [[a, b], [0, a]]^t for a = `eigenvalue`, b = `entry` and t = `steps`. Exact."""
    values = {"a": real("eigenvalue", eigenvalue), "b": real("entry", entry)}
    return corner().at(t=positive_integer("steps", steps), **values)


def rate_excess(radius: Value, departure: Value, steps: Value) -> sp.Expr:
    """Return the most by which log ||W^t|| / t exceeds log rho for a 2 x 2 matrix W; it never falls below. Exact."""
    steps = positive_integer("steps", steps)
    values = {"rho": positive("radius", radius), "nu": nonnegative("departure", departure)}
    return sp.log(departure_bound().at(t=steps, **values)) / steps


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    sigmoid_slope,
    tanh_slope,
    norm_bound,
    corner,
    departure_bound,
    gelfand,
)
