"""Scalar branches F = a_1 ... a_m x, of which a network has L: what one SGD step does to one (Fixup, section 3).

eta is the learning rate, l' the slope of the loss in F. Nothing is averaged.

- F moves by -eta l' F^2 sum a_i^-2 to first order (`update`); the sum lies between 1/A^2 and m/A^2, A the smallest
  scale (`lower_bound`, `upper_bound`, for m = 3).
- Last scale 0, the others a: -eta l' a^(2m-2) x^2, exact in eta (`zeroed`); -eta l' x^2 / L at Fixup's scale
  (`zeroed_fixup`).
- Every layer at Fixup's scale: m times that, to first order (`all_scaled`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer, real
from theory.fixup.scale import exponent
from theory.rules import at_least, at_most, dropping, leading, naming, substituting
from theory.symbols import BRANCHES, LAYERS, LOSS_SLOPE, RATE, SCALE, X

BRANCH = sp.Symbol("F", real=True)
"""The output of a branch."""


def _scales(count: int) -> tuple[sp.Symbol, ...]:
    return tuple(sp.symbols(f"a_1:{count + 1}", positive=True))


@cache
def update(count: int) -> Derivation:
    """Derive the change of a branch of `count` layers in one SGD step, to first order in the learning rate."""
    scales = _scales(count)
    branch = sp.prod(scales) * X
    first_order = sum(a**-2 for a in scales)
    return (
        Derivation.begin(
            f"Update of a branch of {count} layers",
            "Every scale moves by -eta l' times the derivative of F in it; subtract the branch before the step.",
            sp.prod(a - RATE * LOSS_SLOPE * sp.Derivative(branch, a) for a in scales) * X - branch,
        )
        .then(
            "The derivative of F in a scale is F divided by it.",
            sp.prod(a - RATE * LOSS_SLOPE * branch / a for a in scales) * X - branch,
        )
        .then("Keep the first order in eta.", -RATE * LOSS_SLOPE * branch**2 * first_order, leading(RATE, 1))
        .then("Call the branch F.", -RATE * LOSS_SLOPE * BRANCH**2 * first_order, naming({BRANCH: branch}))
    )


@cache
def lower_bound() -> Derivation:
    """Derive that the update is at least F^2 over the squared smallest scale, for three layers."""
    smallest, *larger = _scales(3)
    size = BRANCH**2 * (smallest**-2 + larger[0] ** -2 + larger[1] ** -2)
    rest = BRANCH**2 * (larger[0] ** -2 + larger[1] ** -2)
    return (
        Derivation.begin(
            "The update from below", "The size of the first-order update is F^2 sum a_i^-2; a_1 is the smallest.", size
        )
        .then("Take the smallest scale's term apart.", BRANCH**2 / smallest**2 + rest)
        .then("Drop the other terms, which are squares.", at_least(size, BRANCH**2 / smallest**2), dropping(rest))
    )


@cache
def upper_bound() -> Derivation:
    """Derive that the update is at most m F^2 over the squared smallest scale, for three layers."""
    smallest = _scales(3)[0]
    larger = [smallest + gap for gap in sp.symbols("d_2 d_3", nonnegative=True)]
    size = BRANCH**2 * (smallest**-2 + sum(a**-2 for a in larger))
    slack = -sum(BRANCH**2 * sp.expand(a**2 - smallest**2) / (smallest * a) ** 2 for a in larger)
    return (
        Derivation.begin(
            "The update from above",
            "The size of the first-order update; the other scales exceed a_1 by gaps d_i >= 0.",
            size,
        )
        .then("Compare every term with the largest, 1/a_1^2.", 3 * BRANCH**2 / smallest**2 + slack)
        .then(
            "The differences are not positive: the update is at most m = 3 times the largest term.",
            at_most(3 * BRANCH**2 / smallest**2 + slack, 3 * BRANCH**2 / smallest**2),
            dropping(slack),
        )
    )


@cache
def zeroed() -> Derivation:
    """Derive the exact change of a branch whose last scale is 0 and whose others are equal."""
    last = sp.Symbol("b", real=True)
    branch = SCALE ** (LAYERS - 1) * last * X
    stepped = SCALE - RATE * LOSS_SLOPE * sp.Derivative(branch, SCALE) / (LAYERS - 1)
    moved = -RATE * LOSS_SLOPE * SCALE ** (2 * LAYERS - 2) * X**2
    return (
        Derivation.begin(
            "Update of a branch with its last scale at zero",
            "F = a^(m-1) b x. Every scale moves by -eta l' times its derivative; that of one of the m - 1 equal "
            "scales is the derivative in a divided by m - 1.",
            stepped ** (LAYERS - 1) * (last - RATE * LOSS_SLOPE * sp.Derivative(branch, last)) * X - branch,
        )
        .then(
            "Differentiate.",
            (SCALE - RATE * LOSS_SLOPE * SCALE ** (LAYERS - 2) * last * X) ** (LAYERS - 1)
            * (last - RATE * LOSS_SLOPE * SCALE ** (LAYERS - 1) * X)
            * X
            - branch,
        )
        .then("At b = 0 the other scales do not move, and there is no second order.", moved, substituting({last: 0}))
    )


@cache
def zeroed_fixup() -> Derivation:
    """Derive the update of a zeroed branch at Fixup's scale."""
    return Derivation.begin(
        "Update of a Fixup branch", "The update of a branch with its last scale at zero.", zeroed().result
    ).then(
        "Put in a = L^(-1/(2m-2)): the branch moves by 1/L, so L branches together move by order eta.",
        -RATE * LOSS_SLOPE * X**2 / BRANCHES,
        substituting({SCALE: BRANCHES ** exponent().result}),
    )


@cache
def all_scaled() -> Derivation:
    """Derive the first-order update when all m scales are Fixup's."""
    return (
        Derivation.begin(
            "Update of a branch with every layer scaled",
            "F^2 sum a_i^-2 with m equal scales a.",
            -RATE * LOSS_SLOPE * (SCALE**LAYERS * X) ** 2 * LAYERS / SCALE**2,
        )
        .then("Collect the powers.", -RATE * LOSS_SLOPE * LAYERS * SCALE ** (2 * LAYERS - 2) * X**2)
        .then(
            "Put in a = L^(-1/(2m-2)): m times the update of the zeroed branch.",
            -RATE * LOSS_SLOPE * LAYERS * X**2 / BRANCHES,
            substituting({SCALE: BRANCHES ** exponent().result}),
        )
    )


def branch_update(scales: Sequence[Value], x: Value, slope: Value, rate: Value) -> sp.Expr:
    """Return the change of F = prod(scales) x in one SGD step, to first order in the rate; the error is O(rate^2).

    `slope` is l', the derivative of the loss in the branch output. With s the size of this change over that of F, the
    error is at most |F| (exp(s) - 1 - s): the scales are multiplied by 1 - u_i, and their product differs from
    1 - sum u_i by no more than that of 1 + |u_i| from 1 + sum |u_i|.

    Raises
    ------
    ValueError
        If there are no scales or one of them is not positive (see `zeroed_last_update` for a zero).

    Source: Fixup, section 3.
    """
    if not scales:
        raise ValueError("scales is empty; expected at least one")
    values = {f"a_{i + 1}": positive("scales", scale) for i, scale in enumerate(scales)}
    known = {"F": sp.prod(values.values()) * real("x", x), "l'": real("slope", slope), "eta": positive("rate", rate)}
    return update(len(scales)).at(**values, **known)


def update_sandwich(scales: Sequence[Value], x: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return the bounds F^2 / A^2 and m F^2 / A^2 on F^2 sum 1/a_i^2, A the smallest of m positive scales."""
    smallest = sp.Min(*(positive("scales", scale) for scale in scales))
    lower = lower_bound().at(F=sp.prod(map(sp.sympify, scales)) * real("x", x), a_1=smallest)
    return lower, lower * len(scales)


def zeroed_last_update(scale: Value, layers: Value, x: Value, slope: Value, rate: Value) -> sp.Expr:
    """Return the change of a branch in one SGD step when its last scale is 0 and the other layers - 1 equal `scale`.

    Exact in the rate: there is no second order.

    Raises
    ------
    ValueError
        If `layers` is not a positive integer or `scale` or `rate` is not positive.
    """
    known = {"a": positive("scale", scale), "m": positive_integer("layers", layers), "x": real("x", x)}
    return zeroed().at(**known, **{"l'": real("slope", slope), "eta": positive("rate", rate)})


def fixup_update(branches: Value, x: Value, slope: Value, rate: Value) -> sp.Expr:
    """Return the exact change -rate slope x^2 / branches of a Fixup branch (last scale 0) in one SGD step."""
    known = {"L": positive_integer("branches", branches), "x": real("x", x)}
    return zeroed_fixup().at(**known, **{"l'": real("slope", slope), "eta": positive("rate", rate)})


def all_scaled_update(branches: Value, layers_per_branch: Value, x: Value, slope: Value, rate: Value) -> sp.Expr:
    """Return the first-order change of a branch with Fixup's scale on all m layers: m times a Fixup branch's.

    What it leaves out is bounded as for `branch_update`.
    """
    layers = positive_integer("layers_per_branch", layers_per_branch, least=2)
    known = {"L": positive_integer("branches", branches), "m": layers, "x": real("x", x)}
    return all_scaled().at(**known, **{"l'": real("slope", slope), "eta": positive("rate", rate)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    partial(update, 2),
    partial(update, 3),
    lower_bound,
    upper_bound,
    zeroed,
    zeroed_fixup,
    all_scaled,
)
