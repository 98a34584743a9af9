r"""Two cheaper ways to start deep: branches times a constant, and branches times a gain that is learnt from 0.

Depth-muP and the branches of one layer (m = 1), for which Fixup's exponent is singular: x -> x + s W x, L times, with
independent entries of mean 0 and variance 1/d in W, and the output v^T x_L. The trace of the tangent kernel over the
branches, over ||v||^2 ||x_0||^2, is in mean

- L s^2 (1 + s^2)^(L - 1) (`trace`): what stands before a branch and behind it is independent of it;
- (1 + 1/L)^(L - 1), which grows from 1 to e, for s = 1/sqrt L (`by_root`, `root_limit`);
- L 2^(L - 1) for s = 1, and (1/L)(1 + 1/L^2)^(L - 1), which tends to 0, for s = 1/L (`by_depth`).

Gains that start at 0, one number a branch (ReZero) or one a channel (LayerScale): the output is v^T x, its slope in a
gain is v^T F or v_i F_i. If the last layer of F has independent rows of mean 0 and one variance, the squared slopes
add up to ||v||^2 E||F||^2 / d in mean for both (`rezero`, `layer_scale`): d gains a branch move no more at the first
step than one. All exact at every width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.rules import limit, substituting
from theory.symbols import BLOCKS, ETA, N
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

LAYER = sp.Symbol("l", integer=True, positive=True)
TRACE, START, READOUT = sp.symbols(r"tr \|x\|^2 \|v\|^2", real=True)
BRANCH = sp.Symbol(r"E\|F\|^2", nonnegative=True)
ONE_GAIN, MANY_GAINS = sp.symbols("g^2 \\sum{g_i^2}", real=True)


def _vector(name: str, width: int) -> sp.Matrix:
    return sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True))


def _square(of: sp.Matrix) -> sp.Expr:
    return sp.Add(*(entry**2 for entry in of))


def written(width: int, depth: int) -> WrittenOut:
    """Write out the squared slopes of v^T x_L in all weights."""
    start, readout = _vector("x", width), _vector("v", width)
    stream, entries, groups = start, [], []
    for layer in range(depth):
        weight, own = matrix(f"w{layer}", width, width, symmetric(sp.Rational(1, width)))
        stream = stream + ETA * weight * stream
        entries += list(weight)
        groups += own
    output = sp.expand(readout.dot(stream))
    trace = sp.Add(*(sp.diff(output, entry) ** 2 for entry in entries))
    return WrittenOut(
        {TRACE: trace, START: _square(start), READOUT: _square(readout), BLOCKS: sp.Integer(depth)}, groups
    )


@cache
def trace() -> Derivation:
    """Derive the trace over the branches, for any constant in front of them."""
    return Derivation.begin(
        "Trace of branches of one layer", "Add the squared derivatives of v^T x_L in all weights.", TRACE
    ).then(
        "Average: 1 + s^2 for each other branch, s^2 for its own.",
        READOUT * START * BLOCKS * ETA**2 * (1 + ETA**2) ** (BLOCKS - 1),
        at_sizes(written, (1, 1), (1, 2), (1, 3), (2, 1), (2, 2)),
    )


def _at_scale(name: str, scale: sp.Expr, now: sp.Expr) -> Derivation:
    return Derivation.begin(
        f"Trace of branches of one layer times {name}", "The trace over ||v||^2 ||x||^2.",
        trace().result / (READOUT * START),
    ).then("Put the constant in.", now, substituting({ETA: scale}))  # fmt: skip


@cache
def by_root() -> Derivation:
    """Derive the trace for 1/sqrt L in front of every branch."""
    return _at_scale("1/sqrt L", 1 / sp.sqrt(BLOCKS), (1 + 1 / BLOCKS) ** (BLOCKS - 1))


@cache
def by_depth() -> Derivation:
    """Derive the trace for 1/L in front of every branch."""
    return _at_scale("1/L", 1 / BLOCKS, (1 + 1 / BLOCKS**2) ** (BLOCKS - 1) / BLOCKS)


@cache
def root_limit() -> Derivation:
    """Derive the limit of the trace for 1/sqrt L."""
    return Derivation.begin("Trace of many branches of one layer", "The trace for 1/sqrt L.", by_root().result).then(
        "As L grows.", sp.E, limit(BLOCKS, sp.oo)
    )


def written_gains(width: int, hidden: int) -> WrittenOut:
    """Write out squared slopes in one gain and in a gain a channel; F = W u for given u, and the gains are 0."""
    inner, readout, start = _vector("u", hidden), _vector("v", width), _vector("x", width)
    last, groups = matrix("w", width, hidden, symmetric(BRANCH / (width * _square(inner))))
    branch, gains, gain = last * inner, _vector("g", width), sp.Symbol("g", real=True)
    whole = readout.dot(start + gain * branch)
    channels = readout.dot(start + gains.multiply_elementwise(branch))
    many = sp.Add(*(sp.diff(channels, one) ** 2 for one in gains))
    return WrittenOut(
        {
            ONE_GAIN: sp.diff(whole, gain) ** 2, MANY_GAINS: many,
            READOUT: _square(readout), N: sp.Integer(width),
        },
        groups,
    )  # fmt: skip


def _of_gains(title: str, slopes: sp.Symbol, says: str) -> Derivation:
    return Derivation.begin(title, says, slopes).then(
        "Average over the last layer of the branch, whose entries have one mean square.",
        READOUT * BRANCH / N,
        at_sizes(written_gains, (1, 1), (2, 1), (2, 2), (3, 1)),
    )


@cache
def rezero() -> Derivation:
    """Derive the mean squared slope in one gain a branch."""
    return _of_gains("ReZero's first step", ONE_GAIN, "The squared slope v^T F in the gain of a branch.")


@cache
def layer_scale() -> Derivation:
    """Derive the mean squared slopes in one gain a channel."""
    return _of_gains("LayerScale's first step", MANY_GAINS, "The squared slopes v_i F_i in the gains of a branch.")


def kernel_trace(depth: Value, scale: Value) -> sp.Expr:
    """Return the mean trace over `depth` branches of one layer times `scale`, over ||v||^2 ||x||^2. Exact."""
    at = {BLOCKS: positive_integer("depth", depth), ETA: positive("scale", scale)}
    return (trace().result / (READOUT * START)).subs(at)


def gain_trace(readout: Value, branch: Value, width: Value) -> sp.Expr:
    """Return the mean squared slopes in the gains of one branch that start at 0, one gain or one a channel. Exact.

    Parameters
    ----------
    readout, branch : number or symbol
        ||v||^2, and the mean of ||F||^2 over the last layer.
    """
    values = {READOUT: nonnegative("readout", readout), BRANCH: nonnegative("branch", branch)}
    return rezero().at({**values, N: positive_integer("width", width)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (trace, by_root, by_depth, root_limit, rezero, layer_scale)
