r"""Two inputs of one residual block written out: what comes through its branch, forwards and backwards.

The block is x' = x + a W2 relu(W1 x), W1 (hidden x width) normal of variance 2/width, W2 (width x hidden) of variance
1/hidden and symmetric. The inputs have norm 1 and the angle theta between them, so the masks of a hidden unit at the
two depend on one row of W1 in the plane of its first two axes.
"""

from __future__ import annotations

import sympy as sp

from theory.symbols import THETA, N
from theory.written_out import Group, WrittenOut, matrix, normal_unit, symmetric

BRANCH = sp.Symbol("a^2", positive=True)
"""Mean square of a branch over that of its input."""
START = sp.Symbol("v^2", positive=True)
"""Square norm of the one cotangent above the block."""
GRADIENT_ENDS, GRADIENTS = sp.symbols("v^{T}(h_1+h_2) h_1^{T}h_2", real=True)
"""Of h_a = a W1^T D_a W2^T v, what comes back through the branch at input a."""
STATE_ENDS, STATES = sp.symbols("x_1^{T}F_2+x_2^{T}F_1 F_1^{T}F_2", real=True)
"""Of F_a = a W2 D_a W1 x_a, what the branch adds at input a."""
OWN_GRADIENT, OWN_STATE = sp.symbols(r"\|h_1\|^2 \|F_1\|^2", real=True)
SIZES = ((2, 1), (2, 2), (3, 1))
"""Widths of the stream and of the hidden layer at which averages are computed."""


def pair(width: int, hidden: int) -> WrittenOut:
    """Write out both inputs of a block of these sizes, the width at least 2."""
    scale, (v, rows, groups) = sp.sqrt(BRANCH), _weights(width, hidden)
    last, more = matrix("u", width, hidden, symmetric(sp.Rational(1, hidden)))
    masks = [[group.entries[width + a] for group in groups] for a in (0, 1)]
    inputs = [sp.Matrix([1, 0, *[0] * (width - 2)]), sp.Matrix([sp.cos(THETA), sp.sin(THETA), *[0] * (width - 2)])]
    states = [scale * last * sp.diag(*kept) * rows * x for kept, x in zip(masks, inputs, strict=True)]
    gradients = [scale * rows.T * sp.diag(*kept) * last.T * v for kept in masks]
    return WrittenOut(
        {
            START: v.dot(v),
            GRADIENT_ENDS: v.dot(gradients[0] + gradients[1]),
            GRADIENTS: gradients[0].dot(gradients[1]),
            OWN_GRADIENT: gradients[0].dot(gradients[0]),
            STATE_ENDS: inputs[0].dot(states[1]) + inputs[1].dot(states[0]),
            STATES: states[0].dot(states[1]),
            OWN_STATE: states[0].dot(states[0]),
        },
        [*more, *groups],
    )


TRACE, FROBENIUS, TRACE_OF_SQUARE = sp.symbols(r"tr(M) \|M\|^2 tr(M^2)", real=True)
"""Of M = J_1 J_2^T, J_a = D_a W the Jacobians of a plain layer at two inputs."""


def layer(width: int, theta: sp.Expr = THETA) -> WrittenOut:
    """Write out the Jacobians of a plain ReLU layer of He weights at two inputs, all widths the same, at least 2."""
    _, rows, groups = _weights(width, width, theta)
    first, second = (sp.diag(*(group.entries[width + a] for group in groups)) * rows for a in (0, 1))
    product = first * second.T
    stands_for = {
        N: sp.Integer(width),
        TRACE: product.trace(),
        FROBENIUS: sp.Add(*(entry**2 for entry in product)),
        TRACE_OF_SQUARE: (product * product).trace(),
    }
    return WrittenOut(stands_for, groups)


def _weights(width: int, hidden: int, theta: sp.Expr = THETA) -> tuple[sp.Matrix, sp.Matrix, list[Group]]:
    """Return the cotangent, W1 and its units, whose groups hold a row and its masks at the two inputs."""
    v = sp.Matrix(sp.symbols(f"v_1:{width + 1}", real=True))
    rows = sp.Matrix(hidden, width, lambda i, j: sp.Symbol(f"w_{i + 1}{j + 1}", real=True))
    units = [
        normal_unit(
            tuple(rows.row(j)), sp.symbols(f"d_{j + 1} e_{j + 1}", nonnegative=True), sp.Rational(2, width), theta
        )
        for j in range(hidden)
    ]
    return v, rows, units
