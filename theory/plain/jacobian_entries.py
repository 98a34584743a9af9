"""The Jacobian J of a Gaussian ReLU net at one fixed input: its masks may be taken as independent coin flips.

The tangent pushed through a layer is D W u, with D the mask of units for which w.x > 0. Flipping the sign of a row w
swaps D_i = 0 and 1 and leaves (w.u)^2: at one fixed x the mask is fair and independent of the sizes |w.u| (at two
inputs it is not: one flip acts on both). So ||D W u||^2 is sigma^2 ||u||^2 chi-square, with as many degrees of freedom
as units are active. Backwards from a Gaussian readout the same holds: a row of J is ||a|| s g, g standard normal, and
||a||^2 a product of the forward ratios. Over the weights, fan-in He; exact at every width.

- The joint transform of mask d and size c factors: E s^d phi(c) = (1 + s)/2 E phi(c) (`decoupling`).
- E J_pq^4 / (E J_pq^2)^2 = 3 (1 + 5/n) for one hidden layer (`entry_kurtosis`), 3 prod(1 + 5/n) for more
  (`jacobian_kurtosis`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer
from theory.expectation import STANDARD_NORMAL, averaged
from theory.fluctuations import norms as fluctuations
from theory.plain.weight_gradients import entry_product
from theory.rules import equal
from theory.symbols import N


@cache
def decoupling() -> Derivation:
    """Derive that mask and size of a unit's tangent are independent, from their joint generating function."""
    mask, size, s = sp.symbols("d c s", real=True)
    transform = sp.Function("phi")
    return (
        Derivation.begin(
            "Masks are independent of the sizes of the tangent",
            "The joint transform of the mask d, 0 or 1, and of the size c = (w.u)^2: average s^d phi(c) over a row w "
            "and -w, which have the same c and opposite masks.",
            (s**mask * transform(size) + s ** (1 - mask) * transform(size)) / 2,
        )
        .then(
            "Of d and 1 - d one is 1 and the other 0, so d is gone: the transform of a fair coin times phi(c).",
            (1 + s) / 2 * transform(size),
            lambda before, now: min(equal(before.subs(mask, value), now) for value in (0, 1)),
        )
        .then("The coin's share.", (1 + s) / 2, lambda before, now: equal(before / transform(size), now))
    )


@cache
def entry_kurtosis() -> Derivation:
    """Derive E J^4 / (E J^2)^2 of one entry of the Jacobian for one hidden layer; each layer has its own factor."""
    g, ratio = sp.Symbol("g", real=True), sp.Symbol("r", positive=True)
    moments = [sp.S.One, *(fluctuations.ratio_moment(order).result for order in (1, 2))]
    return (
        Derivation.begin(
            "Kurtosis of a Jacobian's entry",
            "In units of its mean square the squared entry is g^2 r, g standard normal and r the ratio of a layer, of "
            "mean 1: square it.",
            (g**2 * ratio) ** 2,
        )
        .then("Average over g.", 3 * ratio**2, averaged({g: STANDARD_NORMAL}))
        .then("Average over r.", sp.expand(3 * moments[2]), averaged({ratio: moments}))
        .then("Factor.", 3 * (1 + 5 / N))
    )


def jacobian_kurtosis(widths: Sequence[Value]) -> sp.Expr:
    """Return E J_pq^4 / (E J_pq^2)^2 = 3 prod(1 + 5/n) for hidden layers of these widths. Exact.

    For Gaussian weights of variance 2 / fan_in and an independent Gaussian readout, at a fixed input other than 0.

    Source: Hanin 2018 bounds it by exponentials of the sum of 1/n.
    """
    return 3 * sp.prod(entry_kurtosis().at(n=positive_integer("widths", n)) / 3 for n in widths)


def jacobian_second_moment(readout_variance: Value, input_width: Value, last_width: Value) -> sp.Expr:
    """Return E J_pq^2 = readout_variance n_L / n_0: a cotangent's entry grows by n_L / n_0 under fan-in He. Exact."""
    return nonnegative("readout_variance", readout_variance) * entry_product(input_width, last_width)


def row_fourth_moment_relative_variance(widths: Sequence[Value], input_width: Value) -> sp.Expr:
    """Return Var(S) / (E S)^2 for S the mean of J_q^4 over the entries q of one row of the Jacobian. Exact.

    Given the layers the entries are independent and normal, and E (mean of m fourth powers)^2 = 9 + 96/m.
    """
    m = positive_integer("input_width", input_width)
    ratios = (fluctuations.relu_ratio_moment(4, n) / fluctuations.relu_ratio_moment(2, n) ** 2 for n in widths)
    fourth, eighth = STANDARD_NORMAL[4], STANDARD_NORMAL[8]
    return (fourth**2 + (eighth - fourth**2) / m) / fourth**2 * sp.prod(ratios) - 1


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (decoupling, entry_kurtosis)
