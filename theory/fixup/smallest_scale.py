r"""How far one step moves a scalar branch F = a_1 ... a_m x, for any scales a_i >= 0 (Fixup, theorem 4).

Q is the size of the product of x and all scales but the smallest, eta the learning rate, l' the slope of the loss in
F. Zeros and ties are allowed, as are any x and l'. Nothing is averaged.

- To first order F moves by -eta l' x^2 sum P_i^2, P_i the product of all scales but a_i (`update`). The largest of
  these is that without the smallest scale, so the sum lies between Q^2 and m Q^2 (`from_below`, `from_above`, m = 3).
- A step that moves a branch by the share s of itself to first order leaves out at most the share exp(s) - 1 - s
  (`left_out`, for m = 3: s^2/2 + s^3/6). A branch that is 0 leaves out nothing (`from_zero`).
- So the update is of order eta/L if Q is of order 1/sqrt L (`sufficient`), and only then (`necessary`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.rules import Rule, at_least, at_most, dropping, equal, leading, substituting
from theory.symbols import BRANCHES, LAYERS, LOSS_SLOPE, RATE, X

SCALES = sp.symbols("a_1:4", nonnegative=True)
SMALLEST, *LARGER = sp.symbols("a_1 d_2 d_3", nonnegative=True)
"""The smallest scale, and by how much the others exceed it: by nothing where they are equal."""
SHARES = sp.symbols("u_1:4", nonnegative=True)
"""By which share of itself each scale moves."""
REST, SIZE = sp.symbols("Q q", nonnegative=True)
"""The product without the smallest scale; and that times sqrt L."""
MOVED, LOST = sp.Symbol("u", nonnegative=True), sp.Symbol("r", nonnegative=True)
"""How far a step moves the branch, over eta |l'|; and the share that the first order leaves out, below 1."""


def _without(scales: tuple[sp.Expr, ...]) -> list[sp.Expr]:
    """Return for each scale the product of the others, without dividing by it."""
    return [sp.Mul(*scales[:i], *scales[i + 1 :]) for i in range(len(scales))]


@cache
def update() -> Derivation:
    """Derive the first order of the update of a branch of three layers, zeros allowed."""
    branch = sp.prod(SCALES) * X
    return (
        Derivation.begin(
            "Update of a branch whose scales may be zero",
            "Every scale moves by -eta l' times the derivative of F in it; subtract the branch before the step.",
            sp.prod(a - RATE * LOSS_SLOPE * sp.Derivative(branch, a) for a in SCALES) * X - branch,
        )
        .then(
            "The derivative of F in a scale is the product of the others.",
            sp.prod(a - RATE * LOSS_SLOPE * X * p for a, p in zip(SCALES, _without(SCALES), strict=True)) * X - branch,
        )
        .then(
            "Keep the first order in eta.",
            -RATE * LOSS_SLOPE * X**2 * sum(p**2 for p in _without(SCALES)),
            leading(RATE, 1),
        )
    )


@cache
def from_below() -> Derivation:
    """Derive that the sum of squares is at least that of the product without the smallest scale."""
    largest, *others = (p**2 for p in _without((SMALLEST, *(SMALLEST + d for d in LARGER))))
    whole = sp.Add(largest, *others, evaluate=False)
    return Derivation.begin(
        "The sum from below", "Add the squares of the products of all scales but one; x^2 is left away.", whole
    ).then("Leave out the others, which are squares.", at_least(whole, largest), dropping(sum(others)))


@cache
def from_above() -> Derivation:
    """Derive that the sum of squares is at most m times that of the product without the smallest scale, m = 3."""
    largest, *others = (p**2 for p in _without((SMALLEST, *(SMALLEST + d for d in LARGER))))
    slack = sum(sp.expand(p - largest) for p in others)
    return (
        Derivation.begin(
            "The sum from above",
            "Add the squares of the products of all scales but one; x^2 is left away.",
            sp.Add(largest, *others, evaluate=False),
        )
        .then("Compare each with the product without the smallest scale.", 3 * largest + slack)
        .then(
            "The differences are not positive: no product is larger, and equal scales have equal ones.",
            at_most(3 * largest + slack, 3 * largest),
            dropping(slack),
        )
    )


@cache
def left_out() -> Derivation:
    """Derive a bound on what the first order of a step of finite length leaves out, for three layers."""
    product, total = sp.prod(1 + u for u in SHARES), sum(SHARES)
    bound = total**2 / 2 + total**3 / 6
    slack = sp.expand(product - 1 - total - bound)
    return (
        Derivation.begin(
            "What a step leaves out of the first order",
            "The scales become 1 +- u_i times as large and the branch the product of these; leave out 1 +- s, s = "
            "sum u_i. Terms of alternating signs are at most as large together as with one sign.",
            product - 1 - total,
        )
        .then("Compare with the next terms of the series of exp(s).", bound + slack)
        .then(
            "What is left has negative terms alone; more layers add terms of the series.",
            at_most(bound + slack, bound),
            dropping(slack),
        )
    )


@cache
def from_zero() -> Derivation:
    """Derive that the first order of a step is the whole of it where one scale of three is 0."""
    branch = sp.prod(SCALES) * X
    stepped = sp.prod(a - RATE * LOSS_SLOPE * X * p for a, p in zip(SCALES, _without(SCALES), strict=True)) * X
    return Derivation.begin(
        "Update of a branch that is zero", "All orders of a step of three scales.", stepped - branch
    ).then(
        "Put in a_1 = 0: the others have no gradient. With a second zero nothing moves.",
        -RATE * LOSS_SLOPE * X**2 * (SCALES[1] * SCALES[2]) ** 2,
        substituting({SCALES[0]: sp.S.Zero}),
    )


@cache
def sufficient() -> Derivation:
    """Derive that an update is of order 1/L if Q is of order 1/sqrt L."""
    return Derivation.begin(
        "Sufficient",
        "The update over eta |l'| is at most this; at least it is (1 - r) Q^2.",
        (1 + LOST) * LAYERS * REST**2,
    ).then(
        "Put in Q = q / sqrt L.",
        (1 + LOST) * LAYERS * SIZE**2 / BRANCHES,
        substituting({REST: SIZE / sp.sqrt(BRANCHES)}),
    )


@cache
def necessary() -> Derivation:
    """Derive that an update is of order 1/L only if Q is of order 1/sqrt L."""
    factor = (1 + LOST) * LAYERS
    return (
        Derivation.begin(
            "Necessary", "The update over eta |l'| is at most its upper bound.", at_least(factor * REST**2, MOVED)
        )
        .then("Divide by what does not depend on L.", at_least(REST**2, MOVED / factor), _times(1 / factor))
        .then("Put in Q = q / sqrt L.", at_least(SIZE**2 / BRANCHES, MOVED / factor), _at_depth)
        .then(
            "Multiply by L: q^2 is at least L times the update, but for a factor.",
            at_least(SIZE**2, MOVED * BRANCHES / factor),
            _times(BRANCHES),
        )
    )


def _times(factor: sp.Expr) -> Rule:
    """Check that this is the previous inequality times `factor`, which is positive."""
    return lambda before, now: equal(at_least(*(side * factor for side in before.args)), now)


def _at_depth(before: sp.Basic, now: sp.Basic) -> str:
    return equal(at_least(*(side.subs(REST, SIZE / sp.sqrt(BRANCHES)) for side in before.args)), now)


def share_left_out(share: Value) -> sp.Expr:
    """Return (exp(s) - 1 - s) / s, at most which a step leaves out of its first order, s |F|; 0 where F is 0.

    Raises
    ------
    ValueError
        If `share`, s, is negative.
    """
    s = nonnegative("share", share)
    return sp.S.Zero if s.is_zero else (sp.exp(s) - 1 - s) / s


def update_bounds(layers: Value, rest: Value, share: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return bounds on |Delta F| / (eta |l'|), for one step of SGD on a branch of scales of at least 0.

    Parameters
    ----------
    layers : number
        m.
    rest : number
        Q, the size of the product of x and all scales but the smallest (of several, all but one).
    share : number
        s, by which share of itself the step moves the branch to first order; 0 for a branch that is 0.

    Raises
    ------
    ValueError
        If `layers` is not a positive integer, or a number is negative.

    Source: Fixup, theorem 4, there for eta tending to 0 and without constants.
    """
    lost, q = share_left_out(share), nonnegative("rest", rest)
    upper = sufficient().at({LOST: lost, LAYERS: positive_integer("layers", layers), SIZE: q, BRANCHES: 1})
    return (1 - lost) * q**2, upper


def rest_from_update(layers: Value, branches: Value, moved: Value, share: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return bounds on (Q sqrt L)^2, given `moved` = |Delta F| / (eta |l'|) and the share s of `update_bounds`.

    Raises
    ------
    ValueError
        If `layers` is not a positive integer, `branches` not positive, or another number negative.
    """
    lost, u, count = share_left_out(share), nonnegative("moved", moved), positive("branches", branches)
    known = {LOST: lost, LAYERS: positive_integer("layers", layers), MOVED: u, BRANCHES: count}
    return necessary().at(known), u * count / (1 - lost)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    update,
    from_below,
    from_above,
    left_out,
    from_zero,
    sufficient,
    necessary,
)
