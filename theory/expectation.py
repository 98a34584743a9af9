"""Expectations that all subjects share: Gaussian integrals, chi-square and binomial moments, polynomial averages.

Most of initialisation theory averages a polynomial in independent variables whose moments are known. `mean` does that
term by term, and `averaged` turns it into a rule, so that "average over the last layer" is one checked step of a
derivation; `by_parts` is the rule for integrals. All exact.

- T chi-square with k degrees of freedom: E T^a = 2^a Gamma(k/2 + a) / Gamma(k/2) (`chi_square`), E log T = log 2 +
  psi(k/2) (`chi_square_logarithm`).
- K ~ Bin(n, 1/2) active units: E K^a as a polynomial in n (`active_units`).
- E (X - E X)^4 from the first four moments (`centring`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.rules import DerivationError, Rule, differentiated, equal, numerically, opened, termwise
from theory.symbols import N

Moments = Mapping[sp.Symbol, Sequence[sp.Expr] | Callable[[int], sp.Expr]]
"""For each variable its moments: a sequence whose entry k is E v^k (entry 0 is 1), or a function of k."""

STANDARD_NORMAL: tuple[sp.Expr, ...] = tuple(map(sp.Integer, (1, 0, 1, 0, 3, 0, 15, 0, 105)))
"""Moments of N(0, 1), orders 0 to 8; the tests compare them with the integrals."""


def gaussian(expr: sp.Expr, t: sp.Symbol, low: sp.Expr = -sp.oo, high: sp.Expr = sp.oo) -> sp.Integral:
    """Return the unevaluated integral of `expr` against the standard normal density in `t`, over (low, high)."""
    return sp.Integral(expr * sp.exp(-(t**2) / 2) / sp.sqrt(2 * sp.pi), (t, low, high))


def mean(polynomial: sp.Expr, moments: Moments) -> sp.Expr:
    """Average a polynomial over independent variables, each given by its moments.

    Examples
    --------
    >>> x, t = sp.symbols("x t")
    >>> mean((x + t) ** 4, {t: STANDARD_NORMAL})  # t standard normal, x fixed
    x**4 + 6*x**2 + 3

    Raises
    ------
    DerivationError
        If a power is needed whose moment was not given.
    """
    variables = tuple(moments)
    total = sp.S.Zero
    for powers, coefficient in sp.Poly(polynomial, *variables).terms():
        term = coefficient
        for variable, power in zip(variables, powers, strict=True):
            known = moments[variable]
            if callable(known):
                term *= known(power)
            elif power < len(known):
                term *= known[power]
            else:
                raise DerivationError(f"moment {power} of {variable} is needed; only {len(known) - 1} are given")
        total += term
    return total


def averaged(moments: Moments) -> Rule:
    """Return the rule: the expression now is the previous one averaged over the variables in `moments`."""
    return lambda before, now: equal(mean(before, moments), now)


def by_parts(potential: sp.Expr) -> Rule:
    """Return the rule: the integrand is the previous one less the derivative of `potential`, 0 at both ends."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        _, (variable, *ends) = opened(before)
        if any(sp.limit(potential, variable, end) != 0 for end in ends):
            raise DerivationError(f"{potential} does not vanish at both ends")
        return termwise(lambda integrand: integrand - sp.diff(potential, variable))(before, now)

    return rule


@cache
def chi_square() -> Derivation:
    """Derive every moment, of any positive real order, of a chi-square variable from its density."""
    t, a, k = sp.symbols("t a k", positive=True)
    density = t ** (k / 2 - 1) * sp.exp(-t / 2) / (2 ** (k / 2) * sp.gamma(k / 2))
    return Derivation.begin(
        "Moments of a chi-square variable",
        "Average the a-th power over the density of a chi-square variable with k degrees of freedom.",
        sp.Integral(t**a * density, (t, 0, sp.oo)),
    ).then(
        "Substituting t = 2u leaves Euler's integral for the gamma function.",
        2**a * sp.gamma(k / 2 + a) / sp.gamma(k / 2),
    )


@cache
def chi_square_logarithm() -> Derivation:
    """Derive the mean of log T, T chi-square, from the moments of T."""
    a, k = sp.symbols("a k", positive=True)
    return Derivation.begin(
        "Mean logarithm of a chi-square variable",
        "The a-th moment is the Mellin transform of the law; its derivative at a = 0 is the mean logarithm.",
        chi_square().result,
    ).then(
        "Differentiating the gamma function gives the digamma function.",
        sp.log(2) + sp.digamma(k / 2),
        differentiated(a, 0, value=sp.S.One),
    )


def chi_square_moment(order: Value, dof: Value) -> sp.Expr:
    """Return E T^order for T chi-square with `dof` degrees of freedom; dof = 0 means T = 0.

    Exact. An integer order is returned as the polynomial dof (dof + 2) ... (dof + 2 order - 2).

    Raises
    ------
    ValueError
        If `order` is negative or `dof` is not a non-negative integer.
    """
    order, dof = real("order", order), positive_integer("dof", dof, least=0)
    if order.is_negative:
        raise ValueError(f"order is {order}; expected a number of at least 0")
    if dof == 0:
        return sp.Integer(order == 0)
    return sp.expand_func(chi_square().at(a=order, k=dof)) if order.is_Integer else chi_square().at(a=order, k=dof)


@cache
def active_units(order: int) -> Derivation:
    """Derive E K^order for K ~ Bin(n, 1/2), the number of active ReLU units of n, from its generating function."""
    k = sp.Symbol("k", integer=True, nonnegative=True)
    t = sp.Symbol("t", real=True)
    slope = sp.diff(((1 + sp.exp(t)) / 2) ** N, t, order).subs(t, 0)
    return (
        Derivation.begin(
            f"Moment {order} of the number of active units",
            "Each of n units is active with probability 1/2, independently: average exp(t K) over the binomial law.",
            sp.Sum(sp.binomial(N, k) * sp.exp(t * k) / 2**N, (k, 0, N)),
        )
        .then("The binomial theorem adds the terms.", ((1 + sp.exp(t)) / 2) ** N, numerically)
        .then("The moment is the derivative of that order at t = 0.", slope, differentiated(t, 0, order, sp.S.One))
        .then("Expand in powers of n.", sp.factor(sp.expand(sp.simplify(slope))))
    )


def active_moments(width: Value) -> Callable[[int], sp.Expr]:
    """Return the function that gives E K^order for K ~ Bin(width, 1/2), exact."""
    width = positive_integer("width", width)
    return lambda order: active_units(order).at(n=width) if order else sp.S.One


def chi_square_moments(dof: Value) -> Callable[[int], sp.Expr]:
    """Return the function that gives E T^order for T chi-square with `dof` degrees of freedom, exact."""
    return lambda order: chi_square_moment(order, dof)


@cache
def centring() -> Derivation:
    """Derive the fourth central moment of a variable from its first four moments."""
    x, moments = sp.Symbol("x", real=True), sp.symbols("m_1:5", real=True)
    first, second, third, fourth = moments
    return Derivation.begin(
        "Fourth central moment", "Take the mean away and raise to the fourth power.", (x - first) ** 4
    ).then(
        "Expand and average each power of x.",
        fourth - 4 * first * third + 6 * first**2 * second - 3 * first**4,
        averaged({x: (1, *moments)}),
    )


def fourth_central_moment(first: Value, second: Value, third: Value, fourth: Value) -> sp.Expr:
    """Return E (X - E X)^4 for a variable with these moments. Exact."""
    return centring().at(m_1=first, m_2=second, m_3=third, m_4=fourth)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    chi_square,
    chi_square_logarithm,
    centring,
    *(partial(active_units, order) for order in range(1, 5)),
)
