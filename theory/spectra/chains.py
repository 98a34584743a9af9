"""The gradient of a deep linear network in one of its weight matrices: what is multiplied, in which order.

The output along v is x A W B v, with x a row, A the layers below W and B those above it. Derived for 2 x 2 matrices,
entry by entry; nothing is averaged.

- d(x A W B v)/dW_ij = (x A)_i (B v)_j (`weight_gradient`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial

import sympy as sp

from theory.derivation import Derivation, Value

SIZE = 2
BELOW, ABOVE = sp.MatrixSymbol("A", SIZE, SIZE), sp.MatrixSymbol("B", SIZE, SIZE)
MIDDLE, X, V = sp.MatrixSymbol("W", SIZE, SIZE), sp.MatrixSymbol("x", 1, SIZE), sp.MatrixSymbol("v", SIZE, 1)


def _symbols(matrix: sp.MatrixSymbol) -> sp.Matrix:
    rows, columns = matrix.shape
    return sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{matrix.name}_{i}{j}", real=True))


@cache
def weight_gradient(row: int, column: int) -> Derivation:
    """Derive d(x A W B v)/dW in one entry, for 2 x 2 matrices; A stands for all layers below W, B for those above."""
    below, middle, above, x, v = map(_symbols, (BELOW, MIDDLE, ABOVE, X, V))
    (output,) = x * below * middle * above * v
    return Derivation.begin(
        f"Gradient of a linear chain in weight ({row}, {column})",
        "Differentiate the component x A W B v of the output along v.",
        sp.Derivative(sp.expand(output), middle[row, column]),
    ).then(
        "The input as the layers below pass it on, times v as the layers above pass it back.",
        sp.expand((x * below)[row] * (above * v)[column]),
    )


def gradient_entry(
    row: int, column: int, below: Sequence[Value], above: Sequence[Value], x: Sequence[Value], v: Sequence[Value]
) -> sp.Expr:
    """Return d(x A W B v)/dW[row, column]; 2 x 2 matrices `below` and `above` are given row by row. Exact."""
    values: dict[str, Value] = {}
    for matrix, entries in ((BELOW, below), (ABOVE, above), (X, x), (V, v)):
        names = [symbol.name for symbol in _symbols(matrix)]
        if len(names) != len(entries):
            raise ValueError(f"{matrix.name} has {len(entries)} entries; expected {len(names)}")
        values |= dict(zip(names, entries, strict=True))
    return weight_gradient(row, column).at(**values)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = tuple(
    partial(weight_gradient, row, column) for row in range(SIZE) for column in range(SIZE)
)
