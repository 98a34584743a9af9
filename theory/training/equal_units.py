r"""Hidden units that start alike are one unit: which one, and how fast it learns.

h hidden units with one incoming weight w and one outgoing weight a each feed z = h a phi(w x). eta is the learning
rate, l' the slope of the loss in z, r = phi(w x) and d = phi'(w x). Exact in eta, step by step, for every activation;
nothing is averaged. A unit has like equations for every input feature, output and sample.

- One unit with the outgoing weight A = h a makes the same steps, if A learns at h times the rate (`outgoing`) and w at
  1/h of it (`incoming`).
- Under ReLU one unit with both weights sqrt(h) times as large makes them at the same rate (`rectified_outgoing`,
  `rectified_incoming`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.rules import DerivationError, Rule, equal
from theory.symbols import LOSS_SLOPE, RATE, H, X

W, A = sp.symbols("w A", real=True)
"""The incoming weight, and the outgoing one of the one unit."""
OUT, OWN_SLOPE = sp.symbols("r d", real=True)
"""The output of a unit, and the slope of its activation."""
SUM, ONE = sp.symbols("a_1'+...+a_h' w_1'", real=True)
"""After a step: the sum of the outgoing weights, and an incoming weight."""
UNITS = (1, 2, 3, 4)
"""Numbers of units at which steps are written out."""


@cache
def outgoing() -> Derivation:
    """Derive the step of the sum of the outgoing weights of h equal units."""
    return Derivation.begin(
        "Outgoing weights of equal units", "Add up the outgoing weights of h units after a step of each.", SUM
    ).then(
        "At equal units: the step of one outgoing weight A = h a, at h times the rate.",
        A - H * RATE * LOSS_SLOPE * OUT,
        _written_out,
    )


@cache
def incoming() -> Derivation:
    """Derive the step of the incoming weight of one of h equal units."""
    return Derivation.begin("Incoming weights of equal units", "An incoming weight after a step.", ONE).then(
        "With a = A / h: the step of a unit whose outgoing weight is A, at 1/h of the rate.",
        W - RATE / H * LOSS_SLOPE * A * OWN_SLOPE * X,
        _written_out,
    )


def _written_out(before: sp.Basic, now: sp.Basic) -> str:
    """Check a step of h units that are told apart while they are differentiated, and only then equal."""
    phi, first = sp.Function("phi"), sp.Symbol("w_1", real=True)
    for count in UNITS:
        ins = (first, *sp.symbols(f"w_2:{count + 1}", real=True))
        outs = sp.symbols(f"a_1:{count + 1}", real=True)
        loss = LOSS_SLOPE * sp.Add(*(a * phi(w * X) for a, w in zip(outs, ins, strict=True)))
        moved = {weight: weight - RATE * sp.diff(loss, weight).doit() for weight in (first, *outs)}
        alike = dict.fromkeys(outs, A / count)
        slope = sp.diff(phi(first * X), first).doit()
        written = {SUM: sp.Add(*(moved[a] for a in outs)), ONE: moved[first]}
        equal_units = before.subs(written).subs(slope, OWN_SLOPE * X)
        for w in ins:
            equal_units = equal_units.subs(phi(w * X), OUT)
        try:
            equal(equal_units.subs({**alike, **dict.fromkeys(ins, W)}), now.subs(H, count))
        except DerivationError as error:
            raise DerivationError(f"of {count} units: {error}") from None
    return f"{len(UNITS)} sizes"


@cache
def rectified_outgoing() -> Derivation:
    """Derive the step of a ReLU unit that stands for h, in its outgoing weight."""
    a, root = sp.Symbol("a", real=True), sp.sqrt(H)
    return Derivation.begin(
        "Outgoing weight of a ReLU unit that stands for h",
        "The step of each of h units, times sqrt(h).",
        root * (a - RATE * LOSS_SLOPE * OUT),
    ).then(
        "Call sqrt(h) a A; the unit with the incoming weight sqrt(h) w has the output sqrt(h) r.",
        A - RATE * LOSS_SLOPE * OUT,
        _renamed({a: A / root, OUT: OUT / root}),
    )


@cache
def rectified_incoming() -> Derivation:
    """Derive the step of a ReLU unit that stands for h, in its incoming weight."""
    (a, w), root = sp.symbols("a v", real=True), sp.sqrt(H)
    return Derivation.begin(
        "Incoming weight of a ReLU unit that stands for h",
        "The step of each of h units, times sqrt(h); v is its incoming weight.",
        root * (w - RATE * LOSS_SLOPE * a * OWN_SLOPE * X),
    ).then(
        "Call sqrt(h) a A and sqrt(h) v w: the slope of a ReLU does not change with the scale.",
        W - RATE * LOSS_SLOPE * A * OWN_SLOPE * X,
        _renamed({a: A / root, w: W / root}),
    )


def _renamed(names: dict[sp.Symbol, sp.Expr]) -> Rule:
    return lambda before, now: equal(sp.expand(before.subs(names)), now)


def rates(rate: Value, units: Value) -> tuple[sp.Expr, sp.Expr]:
    """Return the rates, incoming and outgoing, of the one unit that stands for `units` equal ones at `rate`.

    Its incoming weights are theirs, its outgoing weights the sums of theirs.

    Raises
    ------
    ValueError
        If `rate` is not positive or `units` is not a positive integer.
    """
    eta, h = positive("rate", rate), positive_integer("units", units)
    into = -sp.diff(incoming().result, LOSS_SLOPE) / (A * OWN_SLOPE * X)
    out = -sp.diff(outgoing().result, LOSS_SLOPE) / OUT
    return into.subs({RATE: eta, H: h}), out.subs({RATE: eta, H: h})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (outgoing, incoming, rectified_outgoing, rectified_incoming)
