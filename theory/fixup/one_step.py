"""How far the whole function moves in one SGD step: f = prod_l (1 + a_l1 ... a_lm) x with zero last scales.

eta is the learning rate, l' the slope of the loss in f; t = eta l' x, so that a step along the first order moves f by
-t x. Exact in eta unless a limit is named; nothing is averaged.

- Other scales a: f moves by x (1 - eta l' a^(2m-2) x)^L - x (`chain_update`).
- Zeros alone, a = 1: by x ((1 - t)^L - 1), to first order -L t x (`zeroed_chain`).
- Fixup: by x ((1 - t/L)^L - 1), which tends to x (exp(-t) - 1) (`fixup_chain`): for t in (0, 1), of a size between
  t - t^2/2 and t (`sandwich_below`, `sandwich_above`, for L = 3), whatever the depth.
- Scalar biases that end L zero branches: their squared gradient is L (1^T u)^2, u the loss's gradient in the stream
  (`bias_update`): of order eta L, whatever the scale.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive_integer, real
from theory.fixup.scale import exponent
from theory.rules import at_least, at_most, dropping, equal, leading, limit, naming, substituting, termwise
from theory.symbols import BLOCKS, BRANCHES, LAYERS, LOSS_SLOPE, RATE, SCALE, X

STEP = sp.Symbol("t", real=True)
"""eta l' x"""


@cache
def chain_update() -> Derivation:
    """Derive the change of f in one step when all last scales are 0 and all others equal a."""
    last = sp.Symbol("b", real=True)
    chain = X * (1 + SCALE ** (LAYERS - 1) * last) ** BRANCHES
    inner = SCALE - RATE * LOSS_SLOPE * sp.Derivative(chain, SCALE) / (BRANCHES * (LAYERS - 1))
    stepped = last - RATE * LOSS_SLOPE * sp.Derivative(chain, last) / BRANCHES
    slope = X * (1 + SCALE ** (LAYERS - 1) * last) ** (BRANCHES - 1)
    return (
        Derivation.begin(
            "Update of the whole function",
            "f = (1 + a^(m-1) b)^L x. Every scale moves by -eta l' times its derivative; that of one of equal scales "
            "is the derivative divided by their number.",
            X * (1 + inner ** (LAYERS - 1) * stepped) ** BRANCHES - chain,
        )
        .then(
            "Differentiate.",
            X
            * (
                1
                + (SCALE - RATE * LOSS_SLOPE * slope * SCALE ** (LAYERS - 2) * last) ** (LAYERS - 1)
                * (last - RATE * LOSS_SLOPE * slope * SCALE ** (LAYERS - 1))
            )
            ** BRANCHES
            - chain,
            lambda before, now: equal(_powers(before.doit()), _powers(now)),
        )
        .then(
            "At b = 0 only the last scales move.",
            X * (1 - RATE * LOSS_SLOPE * SCALE ** (2 * LAYERS - 2) * X) ** BRANCHES - X,
            substituting({last: 0}),
        )
    )


def _powers(expression: sp.Expr) -> sp.Expr:
    return sp.powsimp(expression, deep=True)


@cache
def zeroed_chain() -> Derivation:
    """Derive the change of f with zero last scales and the others at 1, and its first order."""
    moved = X * ((1 - STEP) ** BRANCHES - 1)
    return (
        Derivation.begin("Update of the function with zeros alone", "The last scales are 0.", chain_update().result)
        .then("Put in a = 1.", X * ((1 - RATE * LOSS_SLOPE * X) ** BRANCHES - 1), substituting({SCALE: 1}))
        .then("Call eta l' x t.", moved, naming({STEP: RATE * LOSS_SLOPE * X}))
        .then("To first order every branch adds as much.", -BRANCHES * STEP * X, leading(STEP, 1))
    )


@cache
def fixup_chain() -> Derivation:
    """Derive the change of f under Fixup, and its limit in depth."""
    moved = X * ((1 - STEP / BRANCHES) ** BRANCHES - 1)
    return (
        Derivation.begin("Update of the function under Fixup", "The last scales are 0.", chain_update().result)
        .then(
            "Put in a = L^(-1/(2m-2)).",
            X * ((1 - RATE * LOSS_SLOPE * X / BRANCHES) ** BRANCHES - 1),
            substituting({SCALE: BRANCHES ** exponent().result}),
        )
        .then("Call eta l' x t.", moved, naming({STEP: RATE * LOSS_SLOPE * X}))
        .then("Let the depth grow.", X * (sp.exp(-STEP) - 1), limit(BRANCHES, sp.oo))
    )


SHARE = sp.Symbol("s", positive=True)
"""t = 1 / (1 + s), a step between 0 and 1."""


def _three() -> sp.Expr:
    return sp.expand(1 - (1 - STEP / 3) ** 3)


@cache
def sandwich_above() -> Derivation:
    """Derive that Fixup's update is at most t, for three branches."""
    size = _three().subs(STEP, 1 / (1 + SHARE))
    slack = sp.factor(size - 1 / (1 + SHARE))
    return Derivation.begin(
        "The update under Fixup from above", "1 - (1 - t/L)^L at t = 1/(1 + s) in (0, 1), for L = 3.", size
    ).then("It is at most t: the rest is not positive.", at_most(size, 1 / (1 + SHARE)), dropping(slack))


@cache
def sandwich_below() -> Derivation:
    """Derive that Fixup's update is at least t - t^2 / 2, for three branches."""
    size = _three().subs(STEP, 1 / (1 + SHARE))
    least = 1 / (1 + SHARE) - 1 / (2 * (1 + SHARE) ** 2)
    slack = sp.factor(size - least)
    return Derivation.begin(
        "The update under Fixup from below", "1 - (1 - t/L)^L at t = 1/(1 + s) in (0, 1), for L = 3.", size
    ).then("It is at least t - t^2 / 2: the rest is not negative.", at_least(size, least), dropping(slack))


@cache
def bias_update() -> Derivation:
    """Derive the squared gradient of the loss in scalar biases that end the branches, while the branches are 0."""
    along, block = sp.Symbol(r"1^{T}u", real=True), sp.Symbol("l", integer=True, positive=True)
    biases = sp.Function("b")
    return (
        Derivation.begin(
            "First step of the biases that end the branches",
            "Every block adds its bias to all features of a stream that nothing else changes; u is the loss's gradient "
            "there. Add the squared derivatives in b_l of b_l 1^T u.",
            sp.Sum(sp.Derivative(biases(block) * along, biases(block)) ** 2, (block, 1, BLOCKS)),
        )
        .then(
            "All have one derivative.",
            sp.Sum(along**2, (block, 1, BLOCKS)),
            termwise(lambda term: term.doit()),
        )
        .then("Add L equal terms: order eta L, whatever the scale of the layers.", BLOCKS * along**2)
    )


def bias_count(branches: Value) -> sp.Expr:
    """Return L: the squared gradient in the biases that end L branches, over (1^T u)^2. Exact for zero last layers."""
    return bias_update().at({BLOCKS: positive_integer("branches", branches), sp.Symbol(r"1^{T}u", real=True): 1})


def zeroed_change(branches: Value, step: Value) -> sp.Expr:
    """Return (f_new - f) / f = (1 - t)^L - 1 for zero last scales and others at 1; t = eta l' x. Exact."""
    return _relative(zeroed_chain(), branches, step)


def fixup_change(branches: Value, step: Value) -> sp.Expr:
    """Return (f_new - f) / f = (1 - t/L)^L - 1 under Fixup, for any number of layers a branch from 2. Exact."""
    return _relative(fixup_chain(), branches, step)


def fixup_bounds(step: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return t - t^2/2 and t, between which |f_new - f| / |f| lies at every depth, for t between 0 and 1.

    1 - q^L is p times the sum of q^k, k < L, with q = 1 - p, p = t / L; q^k lies between 1 - k p (Bernoulli) and 1.

    Raises
    ------
    ValueError
        If t is not between 0 and 1.
    """
    t = real("step", step)
    if t.is_negative or (1 - t).is_negative:
        raise ValueError(f"step is {step}; expected a number from 0 to 1")
    return t - t**2 / 2, t


def _relative(derivation: Derivation, branches: Value, step: Value) -> sp.Expr:
    exact = derivation.steps[2].statement / X
    return exact.subs({BRANCHES: positive_integer("branches", branches), STEP: real("step", step)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    chain_update,
    zeroed_chain,
    fixup_chain,
    sandwich_above,
    sandwich_below,
    bias_update,
)
