"""Mean of log2 of the ratio R = ||x'||^2 / ||x||^2 of a residual block with Gaussian weights, exact law, as a number.

Given rho (see `theory.residual.fluctuations`), R / rho^2 is non-central chi-square with n degrees of freedom and
non-centrality 1 / rho^2: a chi-square with n + 2J degrees, J Poisson with mean xi = 1 / (2 rho^2). Hence E[log R | rho]
= log(2 rho^2) + E psi(n/2 + J). Differentiating the last term in xi gives E 1/(n/2 + J), an integral over (0, 1)
(`poisson_slope`); undoing the derivative gives

    E psi(n/2 + J) = psi(n/2) + integral over t in (0, 1) of t^(n/2-1) (1 - exp(-xi (1 - t))) / (1 - t).

Now rho^2 = c S, S chi-square with k degrees of freedom given k active hidden units, and E exp(-b / (S/2)) is a Bessel
function (`inverse_transform`): one integral over t remains, of a binomial average, which `block_log_ratio` takes
numerically. Over the weights at a fixed input; exact at every width up to the quadrature.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import cache

import mpmath
import sympy as sp

from theory.derivation import Derivation
from theory.domain import positive, positive_integer
from theory.rules import DerivationError, Rule, equal, numerically, opened, termwise


@cache
def poisson_slope() -> Derivation:
    """Derive the derivative in xi of E psi(a + J), J Poisson with mean xi."""
    a, xi = sp.symbols("a xi", positive=True)
    j, t = sp.Symbol("j", integer=True, nonnegative=True), sp.Symbol("t", positive=True)
    weight = sp.exp(-xi) * xi**j / sp.factorial(j)
    return (
        Derivation.begin(
            "Slope of a Poisson average of digammas",
            "The derivative of a Poisson average in its mean is the average of the differences psi(a + j + 1) - psi(a"
            " + j).",
            weight * (sp.digamma(a + j + 1) - sp.digamma(a + j)),
        )
        .then(
            "The difference of two digammas one apart is a reciprocal; one term of the sum.",
            weight / (a + j),
            _recurrence,
        )
        .then("Write the reciprocal as an integral over (0, 1).", weight * sp.Integral(t ** (a + j - 1), (t, 0, 1)))
        .then(
            "Add the terms under the integral: the exponential series.",
            sp.Integral(t ** (a - 1) * sp.exp(-xi * (1 - t)), (t, 0, 1)),
            _summed(j, weight),
        )
    )


def _recurrence(before: sp.Basic, now: sp.Basic) -> str:
    return equal(sp.expand(sp.expand_func(before)), sp.expand(now))


def _summed(index: sp.Symbol, weight: sp.Expr) -> Rule:
    """Check that the integral is the previous term added over the index, the sum taken under the integral."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        (integral,) = before.atoms(sp.Integral)
        rest = before / (weight * integral)
        if sp.simplify(rest) != 1:
            raise DerivationError(f"{before} is not the term {weight} times an integral")
        power, limits = opened(integral)
        added = sp.Sum(weight * power, (index, 0, sp.oo)).doit()
        return termwise()(sp.Integral(added, limits), now)

    return rule


@cache
def inverse_transform() -> Derivation:
    """Derive E exp(-b / G) for G gamma-distributed with shape nu, as a Bessel function."""
    b, nu, g = sp.symbols("b nu g", positive=True)
    return Derivation.begin(
        "Laplace transform of an inverse gamma variable",
        "Average exp(-b/g) over the gamma density of shape nu.",
        sp.Integral(sp.exp(-b / g - g) * g ** (nu - 1) / sp.gamma(nu), (g, 0, sp.oo)),
    ).then(
        "It is the integral representation of the modified Bessel function; compared by quadrature.",
        2 * b ** (nu / 2) * sp.besselk(nu, 2 * sp.sqrt(b)) / sp.gamma(nu),
        numerically,
    )


def block_log_ratio(width: int, hidden: int, branch_gain: float = 1.0) -> float:
    """Return E log2(||x_{l+1}||^2 / ||x_l||^2) of one residual block, over Gaussian weights at a fixed input.

    The exact law, integrated numerically: the step is halved until two values agree within 1e-11. The rule converges
    exponentially, so the last value is closer than that; rounding adds about hidden * 1e-14. It is an estimate, not a
    proven bound.

    Raises
    ------
    ValueError
        If `width` or `hidden` is not a positive integer or `branch_gain` is not positive.
    ArithmeticError
        If steps down to 1/32 do not agree.
    """
    sizes = (int(positive_integer(name, size)) for name, size in (("width", width), ("hidden", hidden)))
    return _mean_log(*sizes, float(positive("branch_gain", branch_gain)))


@cache
def _mean_log(width: int, hidden: int, branch_gain: float) -> float:
    scale = 2 * branch_gain / (width * hidden)
    weights: list[float] = [math.comb(hidden, k) / 2**hidden for k in range(1, hidden + 1)]
    alive = math.log(4 * scale) + mpmath.fp.digamma(width / 2)
    constant = sum(w * (alive + mpmath.fp.digamma(k / 2)) for k, w in enumerate(weights, 1))

    def integrand(u: float) -> float:
        y, below = 1 / (1 + math.exp(-u)), 1 / (1 + math.exp(u))
        missing = sum(w * (1 - f) for w, f in zip(weights, _transforms(y / math.sqrt(scale), hidden), strict=True))
        return 2 * math.pow(below * (1 + y), width / 2 - 1) * missing * below

    previous, step = math.inf, 0.5
    total = step * math.fsum(integrand(step * i) for i in range(-80, 161))
    while abs(total - previous) > 1e-11:
        if step < 1 / 16:
            raise ArithmeticError(f"width {width}, hidden {hidden}: {total} and {previous} differ by more than 1e-11")
        count = round(1 / step)
        between = math.fsum(integrand(step * (i + 0.5)) for i in range(-40 * count, 80 * count))
        previous, total, step = total, (total + step * between) / 2, step / 2
    return float(constant + total) / math.log(2)


def _transforms(x: float, hidden: int) -> list[float]:
    """Return 2 (x/2)^nu K_nu(x) / Gamma(nu) for nu = 1/2, 1, ..., hidden/2 by a stable upward recurrence."""
    decay, (zeroth, first) = math.exp(-x), _bessel(x)
    values = [decay, x * first, (1 + x) * decay, x * first + x**2 / 2 * zeroth]
    for k in range(5, hidden + 1):
        nu = k / 2 - 1
        values.append(values[k - 3] + x**2 / (4 * nu * (nu - 1)) * values[k - 5])
    return values[:hidden]


def _bessel(x: float) -> tuple[float, float]:
    """Return K_0(x) and K_1(x), integrals of exp(-x cosh t) without and with a factor cosh t, to about 1e-14."""
    step = min(0.25, 0.6 / math.sqrt(x))
    zeroth = first = math.exp(-x) / 2
    for i in itertools.count(1):
        cosh = math.cosh(i * step)
        term = math.exp(-x * cosh)
        zeroth, first = zeroth + term, first + cosh * term
        if x * (cosh - 1) > 40 + i * step:
            return zeroth * step, first * step
    raise AssertionError


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (poisson_slope, inverse_transform)
