"""Fixup's zeros: which parameter moves at which step, what the first step does to hidden units, what never moves.

Gradient descent of rate eta, l'_i the slope of the loss in the logit at step i. Exact in eta; nothing is averaged.

- A parameter with k zeros between it and the loss moves first in step k + 1 (`first_move`).
- The inner weight of v (1 + w_2 w_1) x, v = w_2 = 0 at first, moves in the third step by
  eta^4 l'_1 l'_2 l'_3 (l'_1 + l'_2) w_1 x^4 (`inner_update`).
- One step from zero parts the weights of two hidden units r by -eta l' v (r_1 - r_2) (`unit_gap`).
- Two zero layers in a row never move (`frozen`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer, real
from theory.rules import DerivationError, Rule, equal, substituting
from theory.symbols import RATE, X

W1, W2, READOUT = sp.symbols("w_1 w_2 v", real=True)
"""The weights of a branch, and the classifier's weight."""
SLOPES = sp.symbols("l'_1 l'_2 l'_3", real=True)
"""The loss's slopes in the logit at the first three steps."""
UNITS = sp.symbols("r_1 r_2", real=True)
"""Two hidden units, the input of a branch's last layer."""


@cache
def inner_update() -> Derivation:
    """Derive the first update of a branch's inner weight, in the third step."""
    step = -RATE * SLOPES[2] * READOUT * W2 * X
    last = -RATE * SLOPES[1] * READOUT * W1 * X
    return (
        Derivation.begin(
            "First update of an inner weight",
            "The logit v (1 + w_2 w_1) x has the slope v w_2 x in w_1: with v = w_2 = 0 at the start, it is 0 until "
            "both have moved. This is the third step.",
            step,
        )
        .then(
            "The last layer moved in the second step, by its slope v w_1 x, v being what the first step had made it.",
            step.subs(W2, last.subs(READOUT, -RATE * SLOPES[0] * X)),
            substituting({W2: last.subs(READOUT, -RATE * SLOPES[0] * X)}),
        )
        .then(
            "The classifier moved in both steps, by its slope (1 + w_2 w_1) x with w_2 = 0.",
            RATE**4 * SLOPES[0] * SLOPES[1] * SLOPES[2] * (SLOPES[0] + SLOPES[1]) * W1 * X**4,
            substituting({READOUT: -RATE * (SLOPES[0] + SLOPES[1]) * X}),
        )
    )


@cache
def first_move() -> Derivation:
    """Derive the step at which a parameter moves first, by the zeros that stand between it and the loss."""
    zeros, first = sp.Symbol("k", integer=True, nonnegative=True), sp.Function("t")
    return (
        Derivation.begin(
            "First step of a parameter",
            "In a_1 (1 + a_2 (1 + ... (1 + a_k w))) x all a_i are 0 at first; in the first step only the outermost, or "
            "w if there is none, has a gradient.",
            sp.Integer(1),
        )
        .then(
            "Take gradient steps, with any slopes of the loss, for up to three zeros: each lets the next one move.",
            1 + zeros,
            _stepping(zeros),
        )
        .then(
            "Every further zero costs a step more.",
            sp.Eq(first(zeros), zeros + 1),
            lambda before, now: equal(before, now.rhs),
        )
    )


def _stepping(zeros: sp.Symbol) -> Rule:
    """Return the rule: now is the step in which the innermost weight first moves, by gradient steps written out."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        equal(before, now.subs(zeros, 0))
        for count in range(4):
            if (moved := _first_move_of(count)) != now.subs(zeros, count):
                raise DerivationError(f"behind {count} zeros a weight moves in step {moved}, not {now}")
        return "4 sizes"

    return rule


def _first_move_of(count: int) -> int:
    factors = sp.symbols(f"a_1:{count + 1}", real=True)
    z = W1
    for factor in reversed(factors):
        z = factor * (1 + z) if z != W1 else factor * (1 + W1)
    z *= X
    now: dict[sp.Symbol, sp.Expr] = {**dict.fromkeys(factors, sp.S.Zero), W1: W1}
    for step in range(1, count + 3):
        slope = sp.Symbol(f"l'_{step}", real=True)
        moves = {name: -RATE * slope * sp.diff(z, name).subs(now) for name in now}
        if sp.expand(moves[W1]) != 0:
            return step
        now = {name: value + moves[name] for name, value in now.items()}
    return -1


@cache
def unit_gap() -> Derivation:
    """Derive by how much the weights of two hidden units differ after one step of a last layer that was zero."""
    first, second = sp.symbols("a_1 a_2", real=True)
    z = READOUT * (X + first * UNITS[0] + second * UNITS[1])
    return Derivation.begin(
        "Hidden units after the first step of a zero layer",
        "The last layer weighs two hidden units by a_1 and a_2; a weight moves by -eta l' times dz/da.",
        (first - RATE * SLOPES[0] * sp.diff(z, first)) - (second - RATE * SLOPES[0] * sp.diff(z, second)),
    ).then(
        "From zero, the gradient is the cotangent times the unit: equal weights, different gradients.",
        -RATE * SLOPES[0] * READOUT * (UNITS[0] - UNITS[1]),
        substituting({first: 0, second: 0}),
    )


@cache
def frozen() -> Derivation:
    """Derive the updates of two layers in a row, both zero."""
    layers = sp.symbols("a b", real=True)
    names = sp.symbols("s t", real=True)
    z = READOUT * (1 + layers[1] * layers[0] * W1) * X
    update = sum(name * sp.diff(z, layer) for name, layer in zip(names, layers, strict=True))
    return (
        Derivation.begin(
            "Two zero layers in a row",
            "The updates of two layers of a branch, s times that of the first and t times that of the second.",
            -RATE * SLOPES[0] * update,
        )
        .then(
            "Each is the other's factor.",
            -RATE * SLOPES[0] * READOUT * W1 * X * (names[0] * layers[1] + names[1] * layers[0]),
        )
        .then("Both zero: neither moves, at this step or any later.", sp.S.Zero, substituting(dict.fromkeys(layers, 0)))
    )


def first_step(zeros: Value) -> sp.Expr:
    """Return the step, from 1, in which a parameter moves first: one more than the zeros between it and the loss."""
    return first_move().at(k=positive_integer("zeros", zeros, least=0))


def first_inner_update(rate: Value, slopes: tuple[Value, Value, Value], weight: Value, x: Value) -> sp.Expr:
    """Return by how much the inner weight of v (1 + w_2 w_1) x moves in the third step, v = w_2 = 0 at first. Exact.

    `slopes` are those of the loss in the logit at the three steps. Of order rate^4.
    """
    values = {slope: real("slopes", value) for slope, value in zip(SLOPES, slopes, strict=True)}
    return inner_update().at({RATE: positive("rate", rate), W1: real("weight", weight), X: real("x", x), **values})


def last_layer_gap(rate: Value, slope: Value, cotangent: Value, units: tuple[Value, Value]) -> sp.Expr:
    """Return the difference between the weights of two hidden units after one step from zero. Exact.

    `cotangent` is the slope of the logit in the branch's output.
    """
    first, second = (real("units", unit) for unit in units)
    values = {SLOPES[0]: real("slope", slope), READOUT: real("cotangent", cotangent)}
    return unit_gap().at({RATE: positive("rate", rate), UNITS[0]: first, UNITS[1]: second, **values})


def frozen_update() -> sp.Expr:
    """Return 0, by how much two zero layers in a row move in any step."""
    return frozen().result


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (inner_update, first_move, unit_gap, frozen)
