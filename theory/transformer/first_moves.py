r"""Which parameters of a Fixup encoder-decoder move at which step, counted from the start at which most of it is 0.

The output layer and the last layer of every branch (W_O, W_2) start at 0. A parameter moves once its gradient is not 0;
a product of scalars shows when, where u is all that stands inside of a branch:

  m = e + o_e u_e e + b_e,   y = t + o_s u_s t + o_c u_c m t + b_d,   z = r y.

e and t are what the source and the target are embedded as, o the last layers, b the biases behind branches. Of one
step to the next those of o and r become live whose slope was not 0 (`slopes`, `first_moves`).

- Step 1 moves the output layer alone; step 2 what adds to the decoder's stream: its last layers, the biases behind its
  branches, target embeddings.
- Step 3 moves the rest of the decoder, and what adds to the encoder's stream; step 4 the rest of the encoder.

In a ResNet of Fixup's all moves by step 3; an encoder-decoder takes one step more. Exact, for any learning rate but
those at which a step happens to lead back to 0.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation
from theory.rules import substituting

SOURCE, TARGET, OUTPUT = sp.symbols("e t r", real=True)
ENCODER_LAST, SELF_LAST, CROSS_LAST = sp.symbols("o_e o_s o_c", real=True)
ENCODER_INNER, SELF_INNER, CROSS_INNER = sp.symbols("u_e u_s u_c", real=True)
ENCODER_BIAS, DECODER_BIAS = sp.symbols("b_e b_d", real=True)
GROUPS = {
    "output layer": (OUTPUT,),
    "decoder, adding": (SELF_LAST, CROSS_LAST, TARGET, DECODER_BIAS),
    "decoder, inside": (SELF_INNER, CROSS_INNER),
    "encoder, adding": (ENCODER_LAST, SOURCE, ENCODER_BIAS),
    "encoder, inside": (ENCODER_INNER,),
}
"""What moves together: what adds to a stream are last layers of branches, biases behind them, and embeddings."""
ZEROS = (OUTPUT, SELF_LAST, CROSS_LAST, ENCODER_LAST, DECODER_BIAS, ENCODER_BIAS)
PARAMETERS = tuple(one for group in GROUPS.values() for one in group)
MARKS = dict(zip(PARAMETERS, sp.symbols(f"T_1:{len(PARAMETERS) + 1}", real=True), strict=True))
"""A symbol for each, so that one expression holds all slopes."""


def _output() -> sp.Expr:
    memory = SOURCE * (1 + ENCODER_LAST * ENCODER_INNER) + ENCODER_BIAS
    stream = TARGET * (1 + SELF_LAST * SELF_INNER + CROSS_LAST * CROSS_INNER * memory) + DECODER_BIAS
    return OUTPUT * stream


def _moving(slopes: sp.Expr) -> set[sp.Symbol]:
    expanded = sp.expand(slopes)
    return {one for one, mark in MARKS.items() if expanded.coeff(mark) != 0}


@cache
def zeros_by_step() -> tuple[frozenset[sp.Symbol], ...]:
    """Return what is 0 before step 1, 2, ..., until nothing is."""
    slopes = sum(mark * sp.diff(_output(), one) for one, mark in MARKS.items())
    found = [frozenset(ZEROS)]
    while found[-1]:
        found.append(found[-1] - _moving(slopes.subs(dict.fromkeys(found[-1], 0))))
    return tuple(found)


@cache
def slopes() -> Derivation:
    """Derive the slopes of the output in all parameters, from a step at which nothing is 0 back to the first."""
    derivation = Derivation.begin(
        "Slopes of an encoder-decoder in its first steps",
        "The slopes of z where nothing is 0, each with a mark of its own.",
        sum(mark * sp.diff(_output(), one) for one, mark in MARKS.items()),
    )
    steps = zeros_by_step()
    for step in range(len(steps) - 1, 0, -1):
        zeros = dict.fromkeys(steps[step - 1], sp.S.Zero)
        now = derivation.result.subs(zeros)
        names = ", ".join(sorted(map(str, zeros)))
        derivation = derivation.then(f"Step {step}: {names} are 0.", sp.expand(now), substituting(zeros))
    return derivation


def first_moves() -> dict[str, int]:
    """Return the step at which each of `GROUPS` has its first gradient, from 1."""
    statements = [step.statement for step in slopes().steps][::-1]
    moving = [_moving(statement) for statement in statements]
    return {
        name: next(step for step, found in enumerate(moving, 1) if found.issuperset(group))
        for name, group in GROUPS.items()
    }


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (slopes,)
