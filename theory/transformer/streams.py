r"""A pre-LN residual stream, forwards: x' = x + F(y), y = LN(x).

F is a perceptron W2 relu(W1 y), "He, then LeCun" and times eta; epsilon is 0 and LN has no gain. Over symmetric
weights, at a fixed input; exact at every width d.

- A pre-LN perceptron adds eta^2 d to the square norm (`branch`) and eta^2 (1 - 1/d) to the variance over features
  (`variance`), whatever the stream has: linear growth (`growth`, `variance_growth`).
- With eta^2 = v / (2N) on each of 2N branches, as GPT-2 scales them, it comes to ||x_0||^2 + v d at every depth
  (`scaled_layers`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.normalisation.layer_norm import SQUARE_NORM, WIDTH, centred
from theory.residual.block import INNER, NORM, OUTPUT, block, square
from theory.rules import equal, recursion, substituting
from theory.symbols import DEPTH, ETA
from theory.written_out import WrittenOut, at_sizes

SIZES = ((1, 1), (1, 2), (2, 1), (2, 2), (3, 1))
"""Widths of the stream and of the hidden layer, or of the head."""
START = sp.Symbol(r"\|{x_0}\|^2", nonnegative=True)
OF_START, SPREAD_BEFORE = sp.symbols(r"Var({x_0}) Var(x)", nonnegative=True)
KEPT, ACROSS, ADDED = sp.symbols(r"\|Px\|^2 (Px)^{T}F \|PF\|^2", real=True)
STACK = sp.Symbol("N", integer=True, positive=True)
"""The number of layers, of two branches each."""
SCALED = sp.Symbol("v", nonnegative=True)
"""2 N times the gain of a branch."""


def stream(width: int) -> sp.Matrix:
    """Return a fixed stream (width, 1)."""
    return sp.Matrix(sp.symbols(f"s_1:{width + 1}", real=True))


def norms(x: sp.Matrix, y: sp.Matrix, branch: sp.Matrix) -> dict[sp.Symbol, sp.Expr]:
    """Say what the symbols stand for, for a stream x, a normalised input y and a branch."""
    return {
        NORM: square(x), INNER: x.dot(branch), OUTPUT: square(branch), SQUARE_NORM: square(y),
        KEPT: square(centred(x)), ACROSS: centred(x).dot(branch), ADDED: square(centred(branch)),
        WIDTH: sp.Integer(x.rows),
    }  # fmt: skip


def perceptron(width: int, hidden: int) -> WrittenOut:
    """Write out a perceptron's branch at any normalised input."""
    one = block(width, hidden)
    return WrittenOut(norms(stream(width), one.x, one.branch), one.groups)


@cache
def branch() -> Derivation:
    """Derive the mean square norm behind a pre-LN perceptron."""
    return (
        Derivation.begin("Behind a pre-LN perceptron", "Expand ||x + F(y)||^2.", NORM + 2 * INNER + OUTPUT)
        .then(
            "Average over both layers and the masks: the last layer has mean 0, and F has eta^2 of its input's square.",
            NORM + ETA**2 * SQUARE_NORM,
            at_sizes(perceptron, *SIZES),
        )
        .then("Its input is normalised: d.", NORM + ETA**2 * WIDTH, substituting({SQUARE_NORM: WIDTH}))
    )


@cache
def variance() -> Derivation:
    """Derive the mean variance over features behind a pre-LN perceptron."""
    return (
        Derivation.begin("Variance behind a pre-LN perceptron", "Expand ||P (x + F)||^2.", KEPT + 2 * ACROSS + ADDED)
        .then(
            "Average: the units of F have one mean square and are uncorrelated, so P leaves d - 1 of d shares.",
            KEPT + ETA**2 * SQUARE_NORM * (1 - 1 / WIDTH),
            at_sizes(perceptron, *SIZES),
        )
        .then(
            "Its input is normalised.", KEPT + ETA**2 * (WIDTH - 1), substituting({SQUARE_NORM: WIDTH})
        )
        .then(
            "Divide by d.",
            SPREAD_BEFORE + ETA**2 * (1 - 1 / WIDTH),
            lambda before, now: equal(sp.expand(before.subs(KEPT, WIDTH * SPREAD_BEFORE) / WIDTH), now),
        )
    )  # fmt: skip


def _step(of: Derivation, now: sp.Symbol, name: str) -> tuple[sp.Eq, sp.Function]:
    """State that a branch takes q(l) to q(l + 1)."""
    q = sp.Function(name)
    return sp.Eq(q(DEPTH + 1), of.result.subs(now, q(DEPTH))), q


@cache
def growth() -> Derivation:
    """Derive the mean square norm after l branches."""
    step, q = _step(branch(), NORM, "q")
    return Derivation.begin("A pre-LN stream", "Every branch adds as much, whatever the stream is.", step).then(
        "Solve from ||x_0||^2.", sp.Eq(q(DEPTH), START + DEPTH * ETA**2 * WIDTH), recursion(DEPTH, START)
    )


@cache
def variance_growth() -> Derivation:
    """Derive the mean variance over features after l branches."""
    step, q = _step(variance(), SPREAD_BEFORE, "v")
    result = OF_START + DEPTH * ETA**2 * (1 - 1 / WIDTH)
    return Derivation.begin("Variance of a pre-LN stream", "Every branch adds as much.", step).then(
        "Solve from Var(x_0).", sp.Eq(q(DEPTH), result), recursion(DEPTH, OF_START)
    )


@cache
def scaled_layers() -> Derivation:
    """Derive the square norm of a stream whose 2 N branches are divided by sqrt(2 N)."""
    return Derivation.begin(
        "GPT-2's scale", "A stream after the 2 N branches of N layers.", growth().result.subs(DEPTH, 2 * STACK)
    ).then(
        "The last layer of every branch is divided by sqrt(2 N), its gain v by 2 N: the number of layers cancels.",
        START + SCALED * WIDTH,
        substituting({ETA: sp.sqrt(SCALED / (2 * STACK))}),
    )


def square_norm(start: Value, width: Value, branches: Value, gain: Value = 1) -> sp.Expr:
    """Return E||x_L||^2 after pre-LN branches that add `gain` times d each. Exact at every width.

    Raises
    ------
    ValueError
        If a number is negative, or `width` or `branches` not an integer.
    """
    values = {START: nonnegative("start", start), WIDTH: positive_integer("width", width), DEPTH: count(branches)}
    return growth().at(values | {ETA: sp.sqrt(nonnegative("gain", gain))})


def feature_variance(start: Value, width: Value, branches: Value, gain: Value = 1) -> sp.Expr:
    """Return E Var(x_L) over features, after pre-LN branches of this gain, from Var(x_0). Exact at every width."""
    values = {OF_START: nonnegative("start", start), WIDTH: positive_integer("width", width), DEPTH: count(branches)}
    return variance_growth().at(values | {ETA: sp.sqrt(nonnegative("gain", gain))})


def scaled_norm(start: Value, width: Value, gain: Value = 1) -> sp.Expr:
    """Return E||x||^2 after all branches of a stack, their gain `gain` divided by their number. Exact."""
    values = {START: nonnegative("start", start), WIDTH: positive_integer("width", width)}
    return scaled_layers().at(values | {SCALED: positive("gain", gain)})


def count(number: Value) -> sp.Expr:
    """Return a number of layers or branches, which may be 0."""
    return positive_integer("the number of layers or branches", number, least=0)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    branch,
    variance,
    growth,
    variance_growth,
    scaled_layers,
)
