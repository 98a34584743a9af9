r"""Keys that several heads of queries share (grouped and multi-query attention): what this does to logits at first.

Two heads l = q.k and l' = q'.k of one token x and one token y, with query matrices of their own and one key matrix;
independent entries of mean 0 and variances s_q^2 and s_k^2, normal where a fourth moment is needed. Exact at every
width d and head width d_k.

- Each logit is as large as with keys of its own, d_k s_q^2 s_k^2 ||x||^2 ||y||^2 in mean square (`mean_square`), and
  the two do not covary (`product`).
- Their sizes do: E l^2 l'^2 is 1 + 2/d_k times the product of their mean squares (`squares`). With keys of their own it
  is the product (`squares_apart`). So a group's heads are sharp, or flat, together.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.attention.logits import FIRST, HEAD, KEY, QUERY, SECOND
from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.written_out import WrittenOut, at_sizes, matrix, normal

ONE, OTHER = sp.symbols("l l'", real=True)
MEAN_SQUARE = HEAD * QUERY * KEY * FIRST * SECOND
SIZES = ((1, 1), (1, 2), (1, 3), (2, 1))


def written(width: int, head: int, shared: bool = True) -> WrittenOut:
    """Write out the logits of two heads."""
    x, y = (sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in "xy")
    (query, first), (other, second) = (matrix(name, head, width, normal(QUERY)) for name in "qp")
    key, third = matrix("k", head, width, normal(KEY))
    apart, fourth = (key, []) if shared else matrix("h", head, width, normal(KEY))
    stands_for = {
        ONE: sp.expand((query * x).dot(key * y)), OTHER: sp.expand((other * x).dot(apart * y)),
        FIRST: x.dot(x), SECOND: y.dot(y), HEAD: sp.Integer(head),
    }  # fmt: skip
    return WrittenOut(stands_for, [*first, *second, *third, *fourth])


def _apart(width: int, head: int) -> WrittenOut:
    return written(width, head, shared=False)


@cache
def mean_square() -> Derivation:
    """Derive the mean square of a logit whose keys are shared."""
    return Derivation.begin("Logits with shared keys", "The square of a logit.", OTHER**2).then(
        "Average over queries and keys.", MEAN_SQUARE, at_sizes(written, *SIZES)
    )


@cache
def product() -> Derivation:
    """Derive the mean product of two logits of one group."""
    return Derivation.begin("Two heads of one group", "The product of their logits, plus 1.", 1 + ONE * OTHER).then(
        "Average: queries are independent.", sp.S.One, at_sizes(written, *SIZES)
    )


@cache
def squares() -> Derivation:
    """Derive the mean product of the squares of two logits of one group."""
    return Derivation.begin("Sizes of two heads of one group", "The product of squares.", ONE**2 * OTHER**2).then(
        "Average by Wick's theorem: E||k||^4 is 1 + 2/d_k times the square of E||k||^2.",
        (1 + 2 / HEAD) * MEAN_SQUARE**2,
        at_sizes(written, *SIZES),
    )


@cache
def squares_apart() -> Derivation:
    """Derive the same for keys of their own."""
    return Derivation.begin("Sizes of two heads", "The product of squares.", ONE**2 * OTHER**2).then(
        "Average: the heads are independent.", MEAN_SQUARE**2, at_sizes(_apart, (1, 1), (1, 2), (2, 1))
    )


def ratio_of_squares(head: Value) -> sp.Expr:
    """Return E l^2 l'^2 of two heads with shared keys over the product of their mean squares."""
    head = positive_integer("head", head)
    return sp.cancel(squares().result / squares_apart().result).subs(HEAD, head)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (mean_square, product, squares, squares_apart)
