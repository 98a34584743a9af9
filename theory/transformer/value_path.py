r"""Fixup in a Transformer: how much of the loss's first step goes through the branches, and why m is 2 for attention.

The stack has L residual branches and no norm, attention and multilayer perceptrons in turn, of which the last layers
(W_O, W_2) start at 0; so all tokens keep their inputs x_j. The output is v^T of one token's stream. The trace is that
of the tangent kernel over the branches, sum (df/dtheta)^2: an SGD step at the rate eta lowers the loss by eta times it
times the squared slope of the loss in f. Entries of the other layers are independent, symmetric, of mean square
s_v^2 / d for W_V and 2 s_1^2 / d for W_1. Exact at every width d, hidden width h and depth.

- W_Q, W_K and W_V have no gradient. W_O has, and only W_V stands before it: ||v||^2 s_v^2 a^T G a in mean
  (`attention`), a the attention weights of the token, G the Gram matrix of the tokens. W_Q and W_K set a, which adds up
  to 1 whatever their scale: they are no factors of the branch.
- Where W_Q = 0 the weights are 1/T and a^T G a is ||x||^2 of the mean token (`uniform`).
- A perceptron has ||v||^2 s_1^2 (h/d) ||x||^2 (`perceptron`).
- L/2 branches of each kind with factors L^e in front of both W_V and W_1 have a trace of order L^(1 + 2e): it is the
  same at every depth for e = -1/2 alone (`depth_free`), Fixup's exponent for m = 2.
- With the exponent for m = 4, L^(-1/6) on W_V, attention's part grows like L^(2/3) (`all_projections`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.fixup.scale import fixup_exponent
from theory.rules import DerivationError, equal, solving, substituting
from theory.symbols import BRANCHES, H, N
from theory.written_out import Group, WrittenOut, at_sizes, flipped, matrix, symmetric

VALUE, FIRST = sp.symbols("s_v^2 s_1^2", positive=True)
"""Squares of the factors of W_V, beside entries of variance 1/d, and of W_1, beside He's."""
TRACE = sp.Symbol("tr", real=True)
READOUT, TOKEN, AVERAGED, MEAN = sp.symbols(r"\|v\|^2 \|x\|^2 a^{T}Ga \|\bar{x}\|^2", real=True)
ATTENTION, PERCEPTRON = sp.symbols("A B", positive=True)
"""Traces of one branch of each kind, for factors of 1."""
EXPONENT = sp.Symbol("e", real=True)


def _row(name: str, width: int) -> sp.Matrix:
    return sp.Matrix(1, width, sp.symbols(f"{name}_1:{width + 1}", real=True))


def _square(of: sp.Matrix) -> sp.Expr:
    return sp.Add(*(entry**2 for entry in of))


def written_attention(width: int, positions: int) -> WrittenOut:
    """Write out the squared derivatives of v^T o W_O in all weights of a head whose W_O is 0.

    The attention weights are any functions of an entry q of W_Q and an entry k of W_K.
    """
    tokens = sp.Matrix(positions, width, lambda j, i: sp.Symbol(f"x_{j + 1}{i + 1}", real=True))
    query, key = sp.symbols("q k", real=True)
    weights = sp.Matrix(1, positions, [sp.Function(f"a_{j + 1}")(query, key) for j in range(positions)])
    named = dict(zip(weights, sp.symbols(f"a_1:{positions + 1}", real=True), strict=True))
    value, groups = matrix("w", width, width, symmetric(VALUE / width))
    last, _ = matrix("o", width, width, symmetric(sp.S.One))
    readout = _row("v", width)
    output = (weights * tokens * value * last).dot(readout)
    zeros = dict.fromkeys(last, sp.S.Zero)
    slopes = [sp.diff(output, one).subs(zeros) for one in (*last, *value, query, key)]
    averaged = weights * tokens
    trace = sp.Add(*(slope**2 for slope in slopes)).subs(named)
    return WrittenOut({TRACE: trace, READOUT: _square(readout), AVERAGED: _square(averaged).subs(named)}, groups)


def written_perceptron(width: int, hidden: int) -> WrittenOut:
    """Write out the squared derivatives of v^T relu(x W_1) W_2 in all weights, where W_2 is 0."""
    token, readout = _row("x", width), _row("v", width)
    first, _ = matrix("w", width, hidden, symmetric(2 * FIRST / width))
    last, _ = matrix("o", hidden, width, symmetric(sp.S.One))
    masks = sp.symbols(f"b_1:{hidden + 1}", nonnegative=True)
    units = sp.Matrix(1, hidden, [mask * one for mask, one in zip(masks, token * first, strict=True)])
    output, zeros = (units * last).dot(readout), dict.fromkeys(last, sp.S.Zero)
    trace = sp.Add(*(sp.diff(output, one).subs(zeros) ** 2 for one in (*last, *first)))
    law = symmetric(2 * FIRST / width)
    groups: list[Group] = [flipped(list(first.col(unit)), mask, law) for unit, mask in enumerate(masks)]
    return WrittenOut(
        {TRACE: trace, READOUT: _square(readout), TOKEN: _square(token), N: sp.Integer(width), H: sp.Integer(hidden)},
        groups,
    )


@cache
def attention() -> Derivation:
    """Derive the trace of one branch of attention whose W_O is 0."""
    return Derivation.begin(
        "Trace of a branch of attention that starts at 0",
        "Add the squared derivatives in all entries of W_O, W_V, W_Q and W_K, at W_O = 0.",
        TRACE,
    ).then(
        "Only W_O has a derivative, of which W_V is the one random factor: average over it.",
        READOUT * VALUE * AVERAGED,
        at_sizes(written_attention, (1, 1), (1, 2), (1, 3), (2, 1)),
    )


@cache
def uniform() -> Derivation:
    """Derive a^T G a for uniform weights, which W_Q = 0 gives."""

    def written(width: int, positions: int) -> WrittenOut:
        tokens = sp.Matrix(positions, width, lambda j, i: sp.Symbol(f"x_{j + 1}{i + 1}", real=True))
        weights = sp.ones(1, positions) / positions
        mean = _square(sp.Matrix([sum(tokens.col(i)) / positions for i in range(width)]))
        return WrittenOut({AVERAGED: (weights * tokens * tokens.T * weights.T)[0], MEAN: mean}, ())

    return Derivation.begin(
        "Attention with W_Q = 0", "All logits are 0, so every weight is 1/T: the quadratic form a^T G a.", AVERAGED
    ).then("It is the square norm of the mean token.", MEAN, at_sizes(written, (1, 1), (1, 2), (2, 2), (2, 3)))


@cache
def perceptron() -> Derivation:
    """Derive the trace of one multilayer perceptron whose last layer is 0."""
    return Derivation.begin(
        "Trace of a perceptron that starts at 0", "Add the squared derivatives in W_2 and W_1, at W_2 = 0.", TRACE
    ).then(
        "Only W_2 has one: average over W_1, half of whose units are active.",
        READOUT * FIRST * H / N * TOKEN,
        at_sizes(written_perceptron, (1, 1), (1, 2), (2, 1), (2, 2), (3, 1)),
    )


@cache
def depth_free() -> Derivation:
    """Derive the factors of W_V and W_1 for which the trace does not depend on the depth."""

    def same(before: sp.Basic, now: sp.Basic) -> str:
        if not isinstance(now, sp.Equality):
            raise DerivationError("expected an equation")
        return equal(sp.Eq(before, 1, evaluate=False), sp.Eq(*(BRANCHES**side for side in now.args), evaluate=False))

    return (
        Derivation.begin(
            "Depth-free start of a Transformer's branches",
            "L/2 branches of attention and L/2 perceptrons, whose squared factors are L^(2e), over the trace at L = 1.",
            BRANCHES / 2 * BRANCHES ** (2 * EXPONENT) * (ATTENTION + PERCEPTRON) / ((ATTENTION + PERCEPTRON) / 2),
        )
        .then("The two kinds grow alike.", BRANCHES ** (1 + 2 * EXPONENT))
        .then("Ask that this be 1 at every L, in logarithms to base L.", sp.Eq(1 + 2 * EXPONENT, 0), same)
        .then("Solve: Fixup's exponent -1/(2m - 2) for m = 2.", sp.Eq(EXPONENT, fixup_exponent(2)), solving(EXPONENT))
    )


@cache
def all_projections() -> Derivation:
    """Derive what the exponent for m = 4 on W_V, with that for m = 2 on W_1, makes of the trace."""
    return (
        Derivation.begin(
            "Attention counted as four layers",
            "L/2 branches of each kind with squared factors of their own.",
            BRANCHES / 2 * (VALUE * ATTENTION + FIRST * PERCEPTRON),
        )
        .then(
            "Put Fixup's factors for m = 4 and m = 2 in.",
            BRANCHES / 2 * (BRANCHES ** (2 * fixup_exponent(4)) * ATTENTION + PERCEPTRON / BRANCHES),
            substituting({VALUE: BRANCHES ** (2 * fixup_exponent(4)), FIRST: BRANCHES ** (2 * fixup_exponent(2))}),
        )
        .then("Collect powers of L.", BRANCHES ** sp.Rational(2, 3) * ATTENTION / 2 + PERCEPTRON / 2)
    )


def attention_trace(readout: Value, averaged: Value, factor: Value) -> sp.Expr:
    """Return the mean trace of a branch of attention, W_O = 0 and W_V LeCun's times `factor`. Exact.

    Parameters
    ----------
    readout, averaged : number or symbol
        ||v||^2, and a^T G a of the token that is read.
    """
    values = {READOUT: nonnegative("readout", readout), AVERAGED: nonnegative("averaged", averaged)}
    return attention().at({**values, VALUE: positive("factor", factor) ** 2})


def perceptron_trace(readout: Value, square_norm: Value, width: Value, hidden: Value, factor: Value) -> sp.Expr:
    """Return the mean trace of a perceptron, W_2 = 0 and W_1 He's times `factor`. Exact."""
    values = {READOUT: nonnegative("readout", readout), TOKEN: nonnegative("square_norm", square_norm)}
    sizes = {N: positive_integer("width", width), H: positive_integer("hidden", hidden)}
    return perceptron().at({**values, **sizes, FIRST: positive("factor", factor) ** 2})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (attention, uniform, perceptron, depth_free, all_projections)
