r"""What layer and root-mean-square normalisation make of one input x of d features.

LayerNorm is y = (x - mean) / sqrt(variance + epsilon), RMSNorm y = x / sqrt(mean square + epsilon), mean and variance
over the features. Gains and biases are left out.

- ||y||^2 = d v / (v + epsilon), v the variance, or the mean square: d at epsilon = 0 (`square_norm`). The entries of
  LayerNorm add up to 0 (`sum_to_zero`). For every input.
- For Gaussian x of one variance and epsilon = 0 the share y_i^2 / n has the law of one of n squared normals in their
  sum, Beta(1/2, (n - 1)/2) (`share`), with n = d for RMSNorm and n = d - 1 for LayerNorm (`entry`): entries are
  bounded by sqrt(n), uniform at n = 3, and normal for wide inputs only.
- So E y_i^4 = 3 n / (n + 2) (`fourth_moment`): 3 (d - 1) / (d + 1), or 3 d / (d + 2). Exact at every width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.expectation import chi_square
from theory.rules import equal, opened, substituting
from theory.symbols import ORDER
from theory.written_out import WrittenOut, at_sizes

WIDTH = sp.Symbol("d", integer=True, positive=True)
"""The number of features of the input."""
FREE = sp.Symbol("n", integer=True, positive=True)
"""How many of the features' directions the norm leaves free: d, or d - 1 where it takes the mean."""
EPS = sp.Symbol("epsilon", nonnegative=True)
SIZE = sp.Symbol("v", positive=True)
"""The variance of the features, or for RMSNorm their mean square."""
SQUARE_NORM, ALL_BUT_ONE, LAST = sp.symbols(r"\|y\|^2 y_1+\dots+y_{d-1} y_d", real=True)
ENTRY, ALONG, CENTRED_NORM = sp.symbols(r"y_1^2 z_1^2 \|Px\|^2", nonnegative=True)
SHARE, TOTAL, DEGREES = sp.symbols("s t n", positive=True)
SIZES = ((2,), (3,), (4,))


def features(width: int) -> sp.Matrix:
    """Return a fixed input (width, 1)."""
    return sp.Matrix(sp.symbols(f"x_1:{width + 1}", real=True))


def centred(vector: sp.Matrix) -> sp.Matrix:
    """Return a vector less the mean of its entries."""
    rows = vector.rows
    return vector - sp.ones(rows, rows) * vector / rows


def normalised(x: sp.Matrix, takes_mean: bool, eps: sp.Expr = sp.S.Zero) -> tuple[sp.Matrix, sp.Expr]:
    """Return what LayerNorm, or else RMSNorm, makes of an input, and its variance or mean square."""
    kept = centred(x) if takes_mean else x
    size = kept.dot(kept) / x.rows
    return kept / sp.sqrt(size + eps), size


def _written(takes_mean: bool, width: int) -> WrittenOut:
    y, size = normalised(features(width), takes_mean, EPS)
    stands_for = {SQUARE_NORM: y.dot(y), SIZE: size, WIDTH: sp.Integer(width)}
    return WrittenOut(stands_for | {ALL_BUT_ONE: sp.Add(*y[:-1]), LAST: y[-1]}, ())


@cache
def square_norm(takes_mean: bool) -> Derivation:
    """Derive the square norm of the output, of LayerNorm or of RMSNorm."""
    name, size = ("LayerNorm", "variance") if takes_mean else ("RMSNorm", "mean square")
    return (
        Derivation.begin(f"Square norm behind {name}", "Add the squares of the normalised features.", SQUARE_NORM)
        .then(
            f"The {size} v is d times smaller than the sum of squares before.",
            WIDTH * SIZE / (SIZE + EPS),
            at_sizes(partial(_written, takes_mean), *SIZES),
        )
        .then("Let epsilon be 0.", WIDTH, substituting({EPS: sp.S.Zero}))
    )


@cache
def sum_to_zero() -> Derivation:
    """Derive that the entries of LayerNorm's output add up to 0, at every epsilon."""
    return Derivation.begin("Sum behind LayerNorm", "Add all entries but one.", ALL_BUT_ONE).then(
        "The mean has been taken away: the last entry makes up for the others.",
        -LAST,
        at_sizes(partial(_written, True), *SIZES),
    )


@cache
def entry() -> Derivation:
    """Derive the share that an entry of LayerNorm's output has, in orthonormal coordinates of centred inputs."""

    def turned(width: int) -> WrittenOut:
        x = features(width)
        y, _ = normalised(x, True)
        first = centred(sp.eye(width).col(0))
        along = x.dot(first) ** 2 / first.dot(first)
        return WrittenOut(
            {ENTRY: y[0] ** 2, ALONG: along, CENTRED_NORM: centred(x).dot(centred(x)), WIDTH: sp.Integer(width)}, ()
        )

    return Derivation.begin("An entry behind LayerNorm", "The square of the first normalised feature.", ENTRY).then(
        "P e_1, the first axis less its mean, has the square norm 1 - 1/d. Let z_1 = <x, P e_1> / ||P e_1|| be the "
        "first of d - 1 orthonormal coordinates of Px, whose squares add up to ||Px||^2.",
        (WIDTH - 1) * ALONG / CENTRED_NORM,
        at_sizes(turned, *SIZES),
    )


def _chi_square_density(at: sp.Expr, degrees: sp.Expr) -> sp.Expr:
    return at ** (degrees / 2 - 1) * sp.exp(-at / 2) / (2 ** (degrees / 2) * sp.gamma(degrees / 2))


@cache
def share() -> Derivation:
    """Derive the law of the share of one squared normal in the sum of n, from their densities."""
    together = _chi_square_density(SHARE * TOTAL, sp.S.One) * _chi_square_density((1 - SHARE) * TOTAL, DEGREES - 1)
    beta = sp.gamma(DEGREES / 2) / (sp.sqrt(sp.pi) * sp.gamma((DEGREES - 1) / 2))
    density = beta * SHARE ** sp.Rational(-1, 2) * (1 - SHARE) ** ((DEGREES - 3) / 2)
    return (
        Derivation.begin(
            "Share of one squared normal in the sum of n",
            "s t is chi-square with 1 degree of freedom, (1 - s) t with n - 1; their joint density in s and t has the "
            "Jacobian t.",
            sp.Integral(together * TOTAL, (TOTAL, 0, sp.oo)),
        )
        .then(
            "It is a density of s times that of t, chi-square with n degrees: share and sum are independent.",
            sp.Integral(density * _chi_square_density(TOTAL, DEGREES), (TOTAL, 0, sp.oo)),
            _same_integrand,
        )
        .then("Integrate over the sum: the chi-square density has the moment 1 of order 0.", density, _integrated)
    )


def _same_integrand(before: sp.Basic, now: sp.Basic) -> str:
    return _same_product(opened(before)[0], opened(now)[0])


def _integrated(before: sp.Basic, now: sp.Basic) -> str:
    equal(chi_square().at({ORDER: 0}), sp.S.One)
    return _same_product(opened(before)[0], now * _chi_square_density(TOTAL, DEGREES))


def _same_product(one: sp.Expr, other: sp.Expr) -> str:
    """Compare two products of powers, exponentials and gamma functions by their logarithms."""
    return equal(sp.exp(sp.expand(sp.expand_log(sp.log(one / other), force=True))), sp.S.One)


@cache
def share_moment() -> Derivation:
    """Derive the moments of that share."""
    t, k = ORDER, sp.Symbol("k", positive=True)
    moment = chi_square().result
    return Derivation.begin(
        "Moments of a share",
        "Share and sum are independent, and their product is chi-square with 1 degree of freedom: divide its moment "
        "by that of the sum.",
        moment.subs(k, 1) / moment.subs(k, DEGREES),
    ).then(
        "The powers of two cancel.",
        sp.gamma(t + sp.S.Half) * sp.gamma(DEGREES / 2) / (sp.sqrt(sp.pi) * sp.gamma(DEGREES / 2 + t)),
    )


@cache
def fourth_moment() -> Derivation:
    """Derive the fourth moment of an entry."""
    return Derivation.begin(
        "Fourth moment of a normalised entry",
        "y^2 is n times a share: n^2 times the second moment of the share.",
        FREE**2 * share_moment().at({ORDER: 2, DEGREES: FREE}),
    ).then("Gamma functions an integer apart leave factors.", 3 * FREE / (FREE + 2), _gammas)


def _gammas(before: sp.Basic, now: sp.Basic) -> str:
    return equal(sp.gammasimp(before), now)


def free_directions(width: Value, takes_mean: bool) -> sp.Expr:
    """Return n: d - 1 for LayerNorm, which takes the mean, and d for RMSNorm.

    Raises
    ------
    ValueError
        If `width` is not an integer of at least 2.
    """
    return positive_integer("width", width, least=2) - int(takes_mean)


def output_square_norm(width: Value, size: Value, eps: Value = 0) -> sp.Expr:
    """Return ||y||^2, for features of this variance (LayerNorm) or mean square (RMSNorm). Exact."""
    values = {WIDTH: positive_integer("width", width), SIZE: positive("size", size), EPS: nonnegative("eps", eps)}
    return square_norm(True).steps[1].statement.subs(values)


def share_cdf(share: Value, free: Value) -> sp.Expr:
    """Return P(y_i^2 / n <= share) for Gaussian inputs, the regularised incomplete beta function. Exact.

    `free` is n (`free_directions`), at least 2. It is the integral of the density of `share()`; the tests compare.
    """
    half, rest = sp.S.Half, (positive_integer("free", free, least=2) - 1) / sp.Integer(2)
    return sp.betainc_regularized(half, rest, 0, nonnegative("share", share))


def entry_moment(order: Value, free: Value) -> sp.Expr:
    """Return E |y_i|^(2 order) for Gaussian inputs; `free` is n (`free_directions`). Exact at every width."""
    free = positive_integer("free", free)
    moment = sp.gammasimp(share_moment().at({ORDER: positive("order", order)}))  # before gamma(free) is a long number
    return free ** sp.sympify(order) * moment.xreplace({DEGREES: free})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    partial(square_norm, True),
    partial(square_norm, False),
    sum_to_zero,
    entry,
    share,
    share_moment,
    fourth_moment,
)
