r"""Fixup's recipe as it stands, in its first three steps: the classifier and the last layer of each branch start at 0.

The net is z = v prod_l (1 + a^(m-1) u_l) x with v = u_l = 0 at first, a = L^(-1/(2m-2)). eta is the learning rate, l'_i
the slope of the loss in z at step i. Exact in eta and at every L and m; nothing is averaged; weights alone, no biases.

- Step 1 moves the classifier alone: z = -eta l'_1 x^2, whatever the depth (`first_step`).
- Step 2 moves the branches: z = -eta (l'_1 + l'_2) x^2 (1 + t/L)^L, t = eta^2 l'_1 l'_2 x^2, which tends to e^t as L
  grows; without the scale it is (1 + t)^L (`second_step`).
- Step 3 reaches the inner layers. Their squared gradients add up to (m - 1) t^2 L^(-(m-2)/(m-1)) times those of the
  last layers: of order 1 for m = 2, vanishing in depth for m >= 3 (`inner_share`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer, real
from theory.fixup.scale import exponent
from theory.rules import equal, substituting
from theory.symbols import BRANCHES, LAYERS, RATE, SCALE, X

READOUT, LAST = sp.symbols("v u", real=True)
"""The classifier's weight, and the last weight of every branch."""
SLOPES = sp.symbols("l'_1 l'_2", real=True)
"""The loss's slopes in the output at the first two steps."""
MOVE = sp.Symbol("t", real=True)
"""eta^2 l'_1 l'_2 x^2, by which step 2 moves L branches together."""
OUTPUT = READOUT * (1 + SCALE ** (LAYERS - 1) * LAST) ** BRANCHES * X


def _stepped(slope: sp.Expr) -> sp.Expr:
    """Return the output after a step; the slope of one of L equal last weights is that of all, divided by L."""
    readout = READOUT - RATE * slope * sp.Derivative(OUTPUT, READOUT)
    last = LAST - RATE * slope * sp.Derivative(OUTPUT, LAST) / BRANCHES
    return readout * (1 + SCALE ** (LAYERS - 1) * last) ** BRANCHES * X


@cache
def first_step() -> Derivation:
    """Derive the output after the first step."""
    return Derivation.begin(
        "Step 1 of Fixup's recipe",
        "Classifier and last weights move by -eta l' times their derivatives; inner weights behind a zero do not.",
        _stepped(SLOPES[0]),
    ).then(
        "Both are 0: only the classifier has a gradient, that of the stream.",
        -RATE * SLOPES[0] * X**2,
        lambda before, now: equal(before.doit().subs({LAST: 0, READOUT: 0}), now),
    )


@cache
def second_step() -> Derivation:
    """Derive the output after the second step."""
    before, together = -RATE * SLOPES[0] * X, -RATE * (SLOPES[0] + SLOPES[1]) * X**2
    size = RATE**2 * SLOPES[0] * SLOPES[1] * X**2
    zero = {LAST: 0}
    return (
        Derivation.begin(
            "Step 2 of Fixup's recipe",
            "The classifier has moved, the last weights have not; the inner ones still have a zero behind them.",
            _stepped(SLOPES[1]).doit().subs(zero),
        )
        .then(
            "At u = 0 the last weights have the gradient v a^(m-1) x.",
            (READOUT - RATE * SLOPES[1] * X)
            * (1 - RATE * SLOPES[1] * SCALE ** (2 * LAYERS - 2) * READOUT * X) ** BRANCHES
            * X,
        )
        .then(
            "Put in the classifier.",
            together * (1 + SCALE ** (2 * LAYERS - 2) * size) ** BRANCHES,
            substituting({READOUT: before}),
        )
        .then(
            "Put in Fixup's scale: L branches move together by order 1.",
            together * (1 + size / BRANCHES) ** BRANCHES,
            substituting({SCALE: BRANCHES ** exponent().result}),
        )
    )


@cache
def inner_share() -> Derivation:
    """Derive the squared gradients of all inner weights over those of the last ones, in the third step."""
    inner, last = sp.Derivative(OUTPUT, SCALE) / (LAYERS - 1), sp.Derivative(OUTPUT, LAST)
    return (
        Derivation.begin(
            "Inner weights in step 3 of Fixup's recipe",
            "In each branch m - 1 inner weights have one gradient; divide their squares by that of the last weight.",
            (LAYERS - 1) * inner**2 / last**2,
        )
        .then("Differentiate: whatever is above and below the branch cancels.", (LAYERS - 1) * LAST**2 / SCALE**2)
        .then(
            "Step 2 has made the last weight t a^(m-1).",
            (LAYERS - 1) * MOVE**2 * SCALE ** (2 * LAYERS - 4),
            substituting({LAST: MOVE * SCALE ** (LAYERS - 1)}),
        )
        .then(
            "Put in Fixup's scale.",
            (LAYERS - 1) * MOVE**2 * BRANCHES ** (-(LAYERS - 2) / (LAYERS - 1)),
            substituting({SCALE: BRANCHES ** exponent().result}),
        )
    )


def output_after(branches: Value, x: Value, slopes: Sequence[Value], rate: Value) -> sp.Expr:
    """Return the output after one step or two, as many as `slopes` of the loss are given. Exact.

    Raises
    ------
    ValueError
        If there are neither one nor two slopes, `rate` is not positive, or `branches` is not a positive integer.
    """
    if len(slopes) not in (1, 2):
        raise ValueError(f"{len(slopes)} slopes; expected one for each of one or two steps")
    known = {X: real("x", x), RATE: positive("rate", rate), BRANCHES: positive_integer("branches", branches)}
    of_loss = {symbol: real("slopes", slope) for symbol, slope in zip(SLOPES, slopes, strict=False)}
    return (first_step, second_step)[len(slopes) - 1]().at({**known, **of_loss})


def inner_gradient_share(branches: Value, layers_per_branch: Value, move: Value) -> sp.Expr:
    """Return the squared gradients of the inner weights over those of the last ones in step 3. Exact.

    `move` is t = rate^2 l'_1 l'_2 x^2.
    """
    known = {"L": positive_integer("branches", branches), "m": positive_integer("layers", layers_per_branch, least=2)}
    return inner_share().at({MOVE: real("move", move)}, **known)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (first_step, second_step, inner_share)
