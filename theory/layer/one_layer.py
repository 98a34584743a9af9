"""One linear layer y = W x at a fixed input, and the variances of the laws that weights are drawn from.

W has n rows; its entries have mean 0 and variance sigma^2 and are pairwise uncorrelated. Over the weights; exact at
every width, for every law of the entries.

- E||Wx||^2 = n sigma^2 ||x||^2 (`linear_layer`).
- U(-a, a) has variance a^2/3 (`uniform_second`) and fourth moment a^4/5 (`uniform_fourth`): variance sigma^2 takes
  a = sqrt(3) sigma (`uniform_bound_of_variance`).
- N(0, 1) truncated to (-c, c) has variance 1 - c e and fourth moment 3 - (3c + c^3) e, with
  e = sqrt(2/pi) exp(-c^2/2) / erf(c/sqrt 2) (`truncated_second`, `truncated_fourth`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp
from sympy.concrete.delta import deltasummation

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import gaussian
from theory.rules import equal, opened, primitive, solving, substituting, termwise
from theory.symbols import SQUARE_NORM, VARIANCE, N, T


@cache
def linear_layer() -> Derivation:
    """Derive E||Wx||^2 at a fixed input from the covariance of the entries of W."""
    m = sp.Symbol("m", integer=True, positive=True)
    i, j, k = (sp.Symbol(name, integer=True, positive=True) for name in ("i", "j", "k"))
    x = sp.IndexedBase("x")
    square = sp.Sum(x[j] ** 2, (j, 1, m))
    covariance = VARIANCE * sp.KroneckerDelta(j, k)

    def pick_equal_indices(before: sp.Basic, now: sp.Basic) -> str:
        term, inner, *outer = opened(before)
        return termwise()(sp.Sum(deltasummation(term, inner, no_piecewise=True), *outer), now)

    return (
        Derivation.begin(
            "Second moment of a linear layer",
            "Write E||Wx||^2 as the sum over units i of the double sum of E[w_ij w_ik] x_j x_k; entries of W have "
            "mean 0 and variance sigma^2 and are pairwise uncorrelated, and x is fixed.",
            sp.Sum(covariance * x[j] * x[k], (k, 1, m), (j, 1, m), (i, 1, N)),
        )
        .then("Only equal indices contribute.", sp.Sum(VARIANCE * x[j] ** 2, (j, 1, m), (i, 1, N)), pick_equal_indices)
        .then("The inner sum is the square norm of x.", sp.Sum(VARIANCE * square, (i, 1, N)), _regrouped)
        .then("Call it by its name.", sp.Sum(VARIANCE * SQUARE_NORM, (i, 1, N)), substituting({square: SQUARE_NORM}))
        .then("All n units have the same second moment.", N * VARIANCE * SQUARE_NORM)
    )


def _regrouped(before: sp.Basic, now: sp.Basic) -> str:
    """Write out both sums for small layers and compare the polynomials in the entries of x."""
    layers = [{"n": fan_out, "m": fan_in} for fan_out in (1, 2) for fan_in in (1, 2, 3)]
    for layer in layers:
        sides = [
            side.subs({s: layer[s.name] for s in side.free_symbols if s.name in layer}).doit() for side in (before, now)
        ]
        equal(*map(sp.expand, sides))
    return "exact"


def second_moment(fan_out: Value, variance: Value, square_norm: Value) -> sp.Expr:
    """Return E||Wx||^2 over the weights at a fixed input x with ||x||^2 = `square_norm`.

    Exact for entries of W with mean 0 and the given variance, pairwise uncorrelated, of any law; one unit has this
    divided by fan_out. For a random x independent of W put in E||x||^2.

    Raises
    ------
    ValueError
        If `fan_out` is not a positive integer, or `variance` or `square_norm` is negative.
    """
    values = {VARIANCE: nonnegative("variance", variance), SQUARE_NORM: nonnegative("square_norm", square_norm)}
    return linear_layer().at(values, n=positive_integer("fan_out", fan_out))


@cache
def uniform_second() -> Derivation:
    """Derive the variance of U(-a, a)."""
    return _uniform(2, "Variance of the uniform law")


@cache
def uniform_fourth() -> Derivation:
    """Derive the fourth moment of U(-a, a)."""
    return _uniform(4, "Fourth moment of the uniform law")


def _uniform(order: int, title: str) -> Derivation:
    t, a = sp.Symbol("t", real=True), sp.Symbol("a", positive=True)
    return Derivation.begin(
        title, f"Average w^{order} over the density 1/(2a) on (-a, a).", sp.Integral(t**order / (2 * a), (t, -a, a))
    ).then("Integrate the power.", a**order / (order + 1))


@cache
def uniform_bound_of_variance() -> Derivation:
    """Derive the bound a for which U(-a, a) has a given variance."""
    a = sp.Symbol("a", positive=True)
    return Derivation.begin(
        "Bound of the uniform law with a given variance",
        "Ask that the variance of U(-a, a) be sigma^2.",
        sp.Eq(uniform_second().result, VARIANCE),
    ).then("Solve for the bound: it is not sigma but sqrt(3) times sigma.", sp.Eq(a, sp.sqrt(3 * VARIANCE)), solving(a))


@cache
def truncated_second() -> Derivation:
    """Derive the variance of the standard normal law truncated to (-c, c)."""
    c = sp.Symbol("c", positive=True)
    return _truncated(2, c, "Variance of the truncated normal law")


@cache
def truncated_fourth() -> Derivation:
    """Derive the fourth moment of the standard normal law truncated to (-c, c)."""
    c = sp.Symbol("c", positive=True)
    return _truncated(4, 3 * c + c**3, "Fourth moment of the truncated normal law")


def _truncated(order: int, edge: sp.Expr, title: str) -> Derivation:
    c, mass = sp.symbols("c Z", positive=True)
    normal = sp.factorial2(order - 1)
    inside = sp.erf(c / sp.sqrt(2))
    edges = edge * sp.sqrt(2 / sp.pi) * sp.exp(-(c**2) / 2)
    return (
        Derivation.begin(
            title,
            f"Average t^{order} over the normal density on (-c, c), divided by its mass Z.",
            gaussian(T**order / mass, T, -c, c),
        )
        .then(
            f"Integrate by parts: {normal} times the mass inside, less an edge term (same derivative in c, both 0 at "
            f"c = 0).",
            (normal * inside - edges) / mass,
            primitive(c, sp.S.Zero),
        )
        .then(
            "Put in the mass Z, the integral of the density over (-c, c).",
            normal - edges / inside,
            substituting({mass: gaussian(sp.S.One, T, -c, c)}),
        )
    )


def uniform_variance(bound: Value) -> sp.Expr:
    """Return the variance of U(-bound, bound)."""
    return uniform_second().at(a=positive("bound", bound))


def uniform_bound(variance: Value) -> sp.Expr:
    """Return the bound of the uniform law on (-bound, bound) that has the given variance."""
    return uniform_bound_of_variance().at({VARIANCE: positive("variance", variance)})


def uniform_fourth_moment(bound: Value) -> sp.Expr:
    """Return the fourth moment of U(-bound, bound); over the squared variance it is 9/5."""
    return uniform_fourth().at(a=positive("bound", bound))


def truncated_variance(cut: Value) -> sp.Expr:
    """Return the variance of N(0, 1) truncated to [-cut, cut]; 0.7737 at cut = 2."""
    return truncated_second().at(c=positive("cut", cut))


def truncated_fourth_moment(cut: Value) -> sp.Expr:
    """Return the fourth moment of N(0, 1) truncated to [-cut, cut]."""
    return truncated_fourth().at(c=positive("cut", cut))


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    linear_layer,
    uniform_second,
    uniform_fourth,
    uniform_bound_of_variance,
    truncated_second,
    truncated_fourth,
)
