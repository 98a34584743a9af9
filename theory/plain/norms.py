"""Plain nets x_l = phi(W_l x_{l-1}), phi a leaky ReLU of slope a: means of the square norm.

A layer has n units and weights of variance sigma^2. Over the weights at a fixed input; exact at every width, for every
law symmetric about 0 (mean 0 suffices if phi is linear), since only second moments and a sign flip of each row are
used.

- One layer multiplies the mean: E||x_l||^2 = n sigma^2 (1 + a^2)/2 E||x_{l-1}||^2 (`layer`).
- L layers of one factor g: E||x_L||^2 = g^L ||x_0||^2 (`depth`); uneven ones multiply theirs (`norm_product`).

What one draw does around this mean is in `theory.fluctuations.norms`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive_integer, real
from theory.layer.rectifiers import symmetric_leaky
from theory.rules import recursion, substituting
from theory.symbols import SLOPE, SQUARE_NORM, VARIANCE, L, N, Q


@cache
def layer() -> Derivation:
    """Derive the factor by which one layer multiplies E||x||^2."""
    return (
        Derivation.begin(
            "Growth of the square norm in one layer",
            "Each of n units has a symmetric pre-activation of variance q at a fixed input; add their second moments "
            "and divide by the square norm of the input.",
            N * symmetric_leaky().result / SQUARE_NORM,
        )
        .then(
            "The pre-activation w.x has variance sigma^2 ||x||^2.",
            N * VARIANCE * SQUARE_NORM * (1 + SLOPE**2) / (2 * SQUARE_NORM),
            substituting({Q: VARIANCE * SQUARE_NORM}),
        )
        .then("The input's norm cancels: the factor is the same for every input.", N * VARIANCE * (1 + SLOPE**2) / 2)
    )


@cache
def depth() -> Derivation:
    """Derive E||x_L||^2 at constant width from the factor of one layer."""
    q, g = sp.Function("q"), sp.Symbol("g", positive=True)
    return Derivation.begin(
        "Square norm in depth",
        "The weights of a layer are independent of its input, so the mean square norm is multiplied by g in every "
        "layer.",
        sp.Eq(q(L + 1), g * q(L)),
    ).then(
        "Solve from the square norm of the input.",
        sp.Eq(q(L), SQUARE_NORM * g**L),
        recursion(L, SQUARE_NORM),
    )


def layer_factor(fan_out: Value, variance: Value, slope: Value = 0) -> sp.Expr:
    """Return E||phi(Wx)||^2 / ||x||^2 over the weights; slope 0 is ReLU, 1 is linear.

    Exact at every width for any law of weights that is symmetric about 0 (mean 0 suffices if slope = 1).

    Raises
    ------
    ValueError
        If `fan_out` is not a positive integer, `variance` is negative or `slope` is not real.
    """
    values = {VARIANCE: nonnegative("variance", variance), SLOPE: real("slope", slope)}
    return layer().at(values, n=positive_integer("fan_out", fan_out))


def norm_in_depth(factor: Value, layers: Value, square_norm: Value = 1) -> sp.Expr:
    """Return E||x_L||^2 of `layers` layers that each multiply the mean square norm by `factor`."""
    values = {"g": nonnegative("factor", factor), "L": positive_integer("layers", layers, least=0)}
    return depth().at({SQUARE_NORM: nonnegative("square_norm", square_norm)}, **values)


def norm_product(
    fan_outs: Sequence[Value], variances: Sequence[Value], slope: Value = 0, square_norm: Value = 1
) -> sp.Expr:
    """Return E||x_L||^2 over the weights for layers of uneven widths: the product of their factors.

    Exact; the input is fixed and `square_norm` is its square norm. The last of `fan_outs` is the width of x_L.

    Raises
    ------
    ValueError
        If the two sequences differ in length.
    """
    if len(fan_outs) != len(variances):
        raise ValueError(
            f"variances has {len(variances)} entries; expected one for each of the {len(fan_outs)} fan_outs"
        )
    factors = (layer_factor(n, s, slope) for n, s in zip(fan_outs, variances, strict=True))
    return sp.prod(factors) * nonnegative("square_norm", square_norm)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (layer, depth)
