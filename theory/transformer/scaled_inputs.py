r"""T-Fixup's exponent -1/4, for the two layers of a branch and for the inputs (Huang et al. 2020): why it takes both.

A net of L branches of two linear layers, x -> x + W_2 W_1 x, W_1 h x d and W_2 d x h, with independent symmetric
entries of mean square s^2 / fan in; the output is v^T x_L. Nothing starts at 0 here. Exact at every width and depth.

- The trace of the tangent kernel over the branches is s^2 (1 + h/d) L (1 + s^4)^(L - 1) ||x||^2 ||v||^2 in mean
  (`trace`): a branch adds s^4 of the square norm, but each of its layers alone has s^2 in its gradient.
- s = L^(-1/4) makes L s^4 = 1, so that the stream grows by less than e; the trace still grows like sqrt L (`weights`).
  An input, ||x|| = 1 at first, that is scaled by L^(-1/4) too takes that away (`weights_and_inputs`): what is left is
  (1 + h/d)(1 + 1/L)^(L - 1), which lies between 1 and e times the first factor.

The constants of T-Fixup, such as its 0.67, are not derived.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.rules import substituting
from theory.symbols import BLOCKS, SCALE, H, N
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

TRACE, INPUT, READOUT = sp.symbols(r"tr \|x\|^2 \|v\|^2", real=True)


def written(width: int, hidden: int, depth: int) -> WrittenOut:
    """Write out the squared slopes of v^T x_L in all weights."""
    start, readout = (sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in "xv")
    stream, entries, groups = start, [], []
    for layer in range(depth):
        first, of_first = matrix(f"w{layer}", hidden, width, symmetric(SCALE**2 / width))
        last, of_last = matrix(f"u{layer}", width, hidden, symmetric(SCALE**2 / hidden))
        stream = stream + last * first * stream
        entries += [*first, *last]
        groups += [*of_first, *of_last]
    output = sp.expand(readout.dot(stream))
    trace = sp.Add(*(sp.diff(output, entry) ** 2 for entry in entries))
    sizes = {N: sp.Integer(width), H: sp.Integer(hidden), BLOCKS: sp.Integer(depth)}
    return WrittenOut({TRACE: trace, INPUT: start.dot(start), READOUT: readout.dot(readout), **sizes}, groups)


@cache
def trace() -> Derivation:
    """Derive the trace over the branches."""
    return Derivation.begin(
        "Trace of branches of two layers", "Add the squared derivatives of v^T x_L in all weights.", TRACE
    ).then(
        "Average: 1 + s^4 for each other branch, and s^2 for the layer of its own that is not differentiated.",
        SCALE**2 * (1 + H / N) * BLOCKS * (1 + SCALE**4) ** (BLOCKS - 1) * INPUT * READOUT,
        at_sizes(written, (1, 1, 1), (1, 1, 2), (1, 1, 3), (1, 2, 1), (2, 1, 1), (2, 1, 2)),
    )


@cache
def weights() -> Derivation:
    """Derive the trace for L^(-1/4) on both layers of every branch."""
    return Derivation.begin(
        "Trace under T-Fixup's scale of the weights",
        "The trace over ||v||^2 ||x||^2.",
        trace().result / (INPUT * READOUT),
    ).then(
        "Put s = L^(-1/4) in.",
        sp.sqrt(BLOCKS) * (1 + H / N) * (1 + 1 / BLOCKS) ** (BLOCKS - 1),
        substituting({SCALE: BLOCKS ** -sp.Rational(1, 4)}),
    )


@cache
def weights_and_inputs() -> Derivation:
    """Derive the trace if the input is scaled by L^(-1/4) as well."""
    return Derivation.begin(
        "Trace under T-Fixup's scale of weights and inputs", "The trace over ||v||^2.", weights().result * INPUT
    ).then(
        "The square norm of the input is L^(-1/2).",
        (1 + H / N) * (1 + 1 / BLOCKS) ** (BLOCKS - 1),
        substituting({INPUT: 1 / sp.sqrt(BLOCKS)}),
    )


def kernel_trace(depth: Value, width: Value, hidden: Value, scale: Value) -> sp.Expr:
    """Return the mean trace over `depth` branches of two layers times `scale` each, over ||v||^2 ||x||^2. Exact."""
    sizes = {N: positive_integer("width", width), H: positive_integer("hidden", hidden)}
    at = {BLOCKS: positive_integer("depth", depth), SCALE: positive("scale", scale)}
    return (trace().result / (INPUT * READOUT)).subs({**sizes, **at})


def t_fixup_trace(depth: Value, width: Value, hidden: Value) -> sp.Expr:
    """Return the same for weights and inputs scaled by depth^(-1/4), over ||v||^2, ||x|| being 1 before that."""
    sizes = {N: positive_integer("width", width), H: positive_integer("hidden", hidden)}
    return weights_and_inputs().at({**sizes, BLOCKS: positive_integer("depth", depth)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (trace, weights, weights_and_inputs)
