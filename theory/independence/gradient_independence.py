"""The gradient-independence assumption, that the backward pass has other weights than the forward one.

For one ReLU layer x_1 = relu(W x_0), W of shape fan_out x fan_in with independent N(0, 2 / fan_in) entries, and the
cotangent of all ones at x_1: the assumption gives ||W'^T D 1||^2, with W' independent of the masks D; the layer itself
gives ||W^T D 1||^2. Along the input W^T D 1 has the component sigma S, S the sum of the K positive ones among fan_out
standard normals; across it, fan_in - 1 independent N(0, sigma^2 K). Over the weights at a fixed input; exact at every
width but for the limit.

- E||W'^T D 1||^2 = fan_out (`independent`).
- The layer's own over that is 1 + (n - 1) / (pi n) at fan_in = fan_out = n (`error`); it tends to 1 + 1/pi, not to 1
  (`wide`).
- E S^2 and E S^4 given K (`active_sum`), and with them E||W^T D 1||^4 / fan_out^2 (`second_moment`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.expectation import active_moments, averaged, chi_square_moments, gaussian, mean
from theory.plain.backward import FAN_IN, FAN_OUT, all_ones
from theory.rules import differentiated, limit, substituting
from theory.symbols import ACTIVE, VARIANCE

SUM, REST = sp.symbols("S T")


@cache
def independent() -> Derivation:
    """Derive what independent backward weights make of the all-ones cotangent."""
    return (
        Derivation.begin(
            "A fixed cotangent of ones, backward weights independent of the masks",
            "Each of the fan_in entries of W'^T D 1 adds K independent weights.",
            FAN_IN * VARIANCE * ACTIVE,
        )
        .then(
            "Half of the units are active in the mean.",
            FAN_IN * VARIANCE * FAN_OUT / 2,
            averaged({ACTIVE: active_moments(FAN_OUT)}),
        )
        .then("Fan-in He: sigma^2 = 2 / fan_in.", FAN_OUT, substituting({VARIANCE: 2 / FAN_IN}))
    )


@cache
def error() -> Derivation:
    """Derive by how much the assumption is wrong: E||W^T D 1||^2 / E||W'^T D 1||^2 at fan_in = fan_out = n."""
    return (
        Derivation.begin(
            "Error of the gradient-independence assumption",
            "The layer's own weights give fan_out times the factor of a fixed cotangent of ones; divide by what the "
            "assumption gives.",
            FAN_OUT * all_ones().result / independent().result,
        )
        .then("The width cancels.", 1 + (FAN_OUT - 1) / (sp.pi * FAN_IN))
        .then("Take as many inputs as outputs.", 1 + (FAN_OUT - 1) / (sp.pi * FAN_OUT), substituting({FAN_IN: FAN_OUT}))
    )


@cache
def wide() -> Derivation:
    """Derive the limit of that ratio in the width."""
    return Derivation.begin(
        "Error of the gradient-independence assumption in the wide limit",
        "The ratio at n inputs and outputs.",
        error().result,
    ).then("The width tends to infinity, and the error stays.", 1 + 1 / sp.pi, limit(FAN_OUT, sp.oo))


@cache
def active_unit() -> Derivation:
    """Derive the generating function of a standard normal of which it is known that it is positive."""
    g, t = sp.Symbol("g", real=True), sp.Symbol("t", real=True)
    return Derivation.begin(
        "Generating function of an active unit",
        "Average exp(t g) over g > 0, and divide by the probability 1/2.",
        2 * gaussian(sp.exp(t * g), g, sp.S.Zero),
    ).then("Complete the square and integrate.", sp.exp(t**2 / 2) * (1 + sp.erf(t / sp.sqrt(2))))


@cache
def active_sum(power: int) -> Derivation:
    """Derive E[S^power | K], S the sum of K active units."""
    t = sp.Symbol("t", real=True)
    transform = active_unit().result ** ACTIVE
    slope = sp.diff(transform, t, power).subs(t, 0)
    return (
        Derivation.begin(
            f"Moment {power} of the sum of K active units",
            "Units are independent: the generating function of their sum is a power of that of one.",
            transform,
        )
        .then("The moment is the derivative of that order at t = 0.", slope, differentiated(t, 0, power, sp.S.One))
        .then("Expand in powers of K.", sp.collect(sp.expand(slope), ACTIVE))
    )


@cache
def second_moment() -> Derivation:
    """Derive E||W^T D 1||^4 / fan_out^2 under fan-in He."""
    scale, second, fourth = (VARIANCE / FAN_OUT) ** 2, active_sum(2).result, active_sum(4).result
    over_rest = SUM**4 + 2 * (FAN_IN - 1) * SUM**2 * ACTIVE + (FAN_IN**2 - 1) * ACTIVE**2
    over_sum = fourth + 2 * (FAN_IN - 1) * second * ACTIVE + (FAN_IN**2 - 1) * ACTIVE**2
    over_masks = mean(over_sum, {ACTIVE: active_moments(FAN_OUT)})
    return (
        Derivation.begin(
            "Second moment of the square norm below a ReLU layer, cotangent of ones",
            "Along the input the square is sigma^2 S^2; the others add to sigma^2 K T, T chi-square with fan_in - 1 "
            "degrees of freedom. Square the sum, over fan_out^2.",
            scale * (SUM**2 + ACTIVE * REST) ** 2,
        )
        .then(
            "Average over the directions orthogonal to the input.",
            scale * over_rest,
            averaged({REST: chi_square_moments(FAN_IN - 1)}),
        )
        .then("Average over the sum of K active units.", scale * over_sum, averaged({SUM: (1, 0, second, 0, fourth)}))
        .then("Average over K ~ Bin(fan_out, 1/2).", scale * over_masks, averaged({ACTIVE: active_moments(FAN_OUT)}))
        .then(
            "Fan-in He: sigma^2 = 2 / fan_in.",
            4 * over_masks / (FAN_IN * FAN_OUT) ** 2,
            substituting({VARIANCE: 2 / FAN_IN}),
        )
    )


def ones_ratio(width: Value) -> sp.Expr:
    """Return E||W^T D 1||^2 over what independence says, 1 + (n - 1) / (pi n) at n = `width` inputs and outputs.

    Exact for one ReLU layer with Gaussian weights of variance 2 / n, at any input but 0. `width` may be oo.
    """
    if width == sp.oo:
        return wide().result
    return error().at({FAN_OUT: positive_integer("width", width)})


def ones_ratio_variance(width: Value) -> sp.Expr:
    """Return the variance of ||W^T D 1||^2 / n, whose mean is `ones_ratio`. Exact under the same conditions."""
    n = positive_integer("width", width)
    return second_moment().at({FAN_IN: n, FAN_OUT: n}) - ones_ratio(n) ** 2


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    independent,
    error,
    wide,
    active_unit,
    partial(active_sum, 2),
    partial(active_sum, 4),
    second_moment,
)
