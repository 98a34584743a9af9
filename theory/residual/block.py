r"""One residual block written out: the branch F(x) = W2 D W1 x and its pullback W1^T D W2^T v, entry by entry.

W1 (hidden x width) has variance 2/width, W2 (width x hidden) variance eta^2/hidden, both symmetric about 0; D holds the
masks of the hidden ReLU units at x. The derivations of this subject average over this network at small sizes.
"""

from __future__ import annotations

from dataclasses import dataclass

import sympy as sp

from theory.symbols import ETA
from theory.written_out import Group, WrittenOut, flipped, matrix, symmetric

NORM, INNER, OUTPUT = sp.symbols(r"\|x\|^2 x^{T}F \|F\|^2", real=True)
COTANGENT, ACROSS, PULLED = sp.symbols(r"\|v\|^2 v^{T}h \|h\|^2", real=True)
SIZES = tuple((width, hidden) for width in (1, 2, 3) for hidden in (1, 2, 3))
"""Widths of the stream and of the hidden layer at which averages are computed."""


@dataclass(frozen=True)
class Block:
    """A block at given sizes."""

    x: sp.Matrix
    """Its input (width, 1)."""
    branch: sp.Matrix
    """F(x), (width, 1)."""
    v: sp.Matrix
    """The cotangent at its output (width, 1)."""
    pulled: sp.Matrix
    """W1^T D W2^T v, the part of the cotangent at its input that comes through the branch (width, 1)."""
    groups: list[Group]


def block(width: int, hidden: int, eta: sp.Expr = ETA) -> Block:
    """Write a block out at a fixed input and a fixed cotangent."""
    x, v = (sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in "xv")
    first = sp.Matrix(hidden, width, lambda i, j: sp.Symbol(f"w_{i + 1}{j + 1}", real=True))
    masks = sp.symbols(f"d_1:{hidden + 1}", nonnegative=True)
    last, groups = matrix("u", width, hidden, symmetric(eta**2 / hidden))
    units = [flipped(tuple(first.row(j)), masks[j], symmetric(sp.Rational(2, width))) for j in range(hidden)]
    kept = sp.diag(*masks)
    return Block(x, last * kept * first * x, v, first.T * kept * last.T * v, [*groups, *units])


def square(vector: sp.Matrix) -> sp.Expr:
    """Return the square norm of a vector of real symbols."""
    return vector.dot(vector)


def forwards(width: int, hidden: int, eta: sp.Expr = ETA) -> WrittenOut:
    """Write out the norms and the inner product of a block's input and branch."""
    one = block(width, hidden, eta)
    return WrittenOut({NORM: square(one.x), INNER: one.x.dot(one.branch), OUTPUT: square(one.branch)}, one.groups)


def backwards(width: int, hidden: int) -> WrittenOut:
    """Write out the norms and the inner product of a cotangent and its pullback h through the branch."""
    one = block(width, hidden)
    stands_for = {COTANGENT: square(one.v), ACROSS: one.v.dot(one.pulled), PULLED: square(one.pulled)}
    return WrittenOut(stands_for, one.groups)


def branch_alone(width: int, hidden: int) -> WrittenOut:
    """Write out the same with a branch of gain 1."""
    return forwards(width, hidden, sp.S.One)
