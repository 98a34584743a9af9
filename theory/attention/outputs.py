r"""The output of one head: o = sum_j a_j v_j, v_j = W_V x_j, and what its pullback sends to the values.

W_V (d_v x d) has independent entries of mean 0 and variance s_v^2; the weights a and the tokens x_j are fixed, G is the
Gram matrix of the tokens. Exact at every width.

- E||o||^2 = d_v s_v^2 a^T G a (`output`): for orthogonal tokens of one norm ||a||^2 of their values' mean square, for
  tokens of correlation rho the share rho + (1 - rho) ||a||^2 (`correlated`), and all of it for equal tokens.
- Dropout that keeps a share k of the weights adds (1/k - 1) sum a_j^2 ||v_j||^2 (`dropout`).
- Backwards, cotangents g_i of the outputs that are uncorrelated and of one mean square give the values
  sum_j E||dv_j||^2 = ||A||_F^2 E||g||^2 (`backward`), A the weights of all queries.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer, real
from theory.rules import equal
from theory.written_out import Group, WrittenOut, at_sizes, coin, matrix, symmetric

VALUE = sp.Symbol("s_v^2", positive=True)
"""Variance of the entries of W_V."""
HEAD = sp.Symbol("d_v", integer=True, positive=True)
"""The number of entries of a value."""
KEPT = sp.Symbol("k", positive=True)
"""The share of weights that dropout keeps."""
OUTPUT, DROPPED, GRAM = sp.symbols(r"\|o\|^2 \|o'\|^2 a^{T}Ga", real=True)
OF_VALUES = sp.Symbol(r"\sum{a_j^2\|v_j\|^2}", real=True)
PULLED, FROBENIUS, COTANGENT = sp.symbols(r"\sum\|dv_j\|^2 \|A\|_F^2 E\|g\|^2", real=True)
CORRELATION, SQUARES, TOKEN = sp.symbols(r"rho \|a\|^2 \|x\|^2", real=True)


def _tokens(width: int, positions: int) -> sp.Matrix:
    return sp.Matrix(positions, width, lambda j, i: sp.Symbol(f"x_{j + 1}{i + 1}", real=True))


def written(width: int, positions: int, head: int) -> WrittenOut:
    """Write out the output of a head for given weights and tokens."""
    tokens = _tokens(width, positions)
    weights = sp.Matrix(1, positions, sp.symbols(f"a_1:{positions + 1}", real=True))
    value, groups = matrix("v", width, head, symmetric(VALUE))
    output = weights * tokens * value
    gram = (weights * tokens).dot(weights * tokens)
    return WrittenOut({OUTPUT: output.dot(output), GRAM: gram, HEAD: sp.Integer(head)}, groups)


@cache
def output() -> Derivation:
    """Derive the mean square norm of the output."""
    return Derivation.begin("Mean square of attention's output", "The square norm of a^T X W_V.", OUTPUT).then(
        "Average over W_V: a^T X is a token of its own, of square norm a^T G a.",
        HEAD * VALUE * GRAM,
        at_sizes(written, (1, 1, 1), (1, 2, 2), (2, 2, 1), (2, 3, 2), (3, 2, 3)),
    )


@cache
def correlated() -> Derivation:
    """Derive a^T G a for tokens of one norm, of which any two have the same cosine."""
    first, second, positions = (sp.Symbol(name, integer=True) for name in "ijT")
    weight = sp.IndexedBase("a")

    def sums(before: sp.Basic, now: sp.Basic) -> str:
        for count in (1, 2, 4):
            some = [weight[i] for i in range(1, count + 1)]
            remaining = {some[-1]: 1 - sum(some[:-1])}
            claimed = now.subs(SQUARES, sum(one**2 for one in some))
            equal(sp.expand(before.subs(positions, count).doit().subs(remaining)), sp.expand(claimed.subs(remaining)))
        return "3 sizes"

    return Derivation.begin(
        "Attention over correlated tokens",
        "G has ||x||^2 on its diagonal and rho ||x||^2 elsewhere.",
        sp.Sum(
            weight[first]
            * weight[second]
            * TOKEN
            * (CORRELATION + (1 - CORRELATION) * sp.KroneckerDelta(first, second)),
            (first, 1, positions),
            (second, 1, positions),
        ),
    ).then(
        "The weights add up to 1, their squares to ||a||^2.", TOKEN * (CORRELATION + (1 - CORRELATION) * SQUARES), sums
    )


def _dropped(positions: int, head: int) -> WrittenOut:
    """Write out an output with dropout: a weight is kept with probability k, and then divided by k."""
    weights = sp.symbols(f"a_1:{positions + 1}", real=True)
    coins = sp.symbols(f"b_1:{positions + 1}", nonnegative=True)
    values = sp.Matrix(positions, head, lambda j, i: sp.Symbol(f"v_{j + 1}{i + 1}", real=True))
    whole = sum((a * values.row(j) for j, a in enumerate(weights)), sp.zeros(1, head))
    kept = sum(
        (a * b / KEPT * values.row(j) for j, (a, b) in enumerate(zip(weights, coins, strict=True))), sp.zeros(1, head)
    )
    squares = sum(a**2 * values.row(j).dot(values.row(j)) for j, a in enumerate(weights))
    groups: list[Group] = [coin(KEPT)(one) for one in coins]
    return WrittenOut({DROPPED: kept.dot(kept), OUTPUT: whole.dot(whole), OF_VALUES: squares}, groups)


@cache
def dropout() -> Derivation:
    """Derive the mean square norm of the output under dropout of the weights."""
    return Derivation.begin(
        "Dropout of attention weights",
        "The square norm of sum_j a_j b_j / k v_j, b_j a coin that is 1 with chance k.",
        DROPPED,
    ).then(
        "Average over the coins: b^2 = b has the mean k, two of them k^2.",
        OUTPUT + (1 / KEPT - 1) * OF_VALUES,
        at_sizes(_dropped, (1, 1), (2, 1), (2, 2), (3, 2)),
    )


def _backwards(queries: int, positions: int, head: int) -> WrittenOut:
    """Write out the cotangents of the values; those of the outputs are independent with entries of one variance."""
    weights = sp.Matrix(queries, positions, lambda i, j: sp.Symbol(f"a_{i + 1}{j + 1}", real=True))
    cotangents, groups = matrix("g", queries, head, symmetric(COTANGENT / head))
    pulled = weights.T * cotangents
    return WrittenOut({PULLED: _square(pulled), FROBENIUS: _square(weights)}, groups)


def _square(of: sp.Matrix) -> sp.Expr:
    return sp.Add(*(entry**2 for entry in of))


@cache
def backward() -> Derivation:
    """Derive the mean square of the values' cotangents."""
    return Derivation.begin(
        "Attention backwards", "dv_j = sum_i A_ij g_i: add the square norms over the keys.", PULLED
    ).then(
        "Average over cotangents that are uncorrelated between queries.",
        FROBENIUS * COTANGENT,
        at_sizes(_backwards, (1, 1, 1), (2, 1, 1), (2, 2, 2), (3, 2, 1)),
    )


def mean_square(head: Value, value: Value, gram: Value) -> sp.Expr:
    """Return E||o||^2 for values of `head` entries, weights W_V of variance `value` and a^T G a = `gram`. Exact."""
    return output().at(
        {HEAD: positive_integer("head", head), VALUE: positive("value", value), GRAM: nonnegative("gram", gram)}
    )


def correlated_gram(correlation: Value, squares: Value, token: Value = 1) -> sp.Expr:
    """Return a^T G a for tokens of square norm `token` and one cosine; `squares` is ||a||^2. Exact."""
    values = {CORRELATION: real("correlation", correlation), SQUARES: positive("squares", squares)}
    return correlated().at(values | {TOKEN: positive("token", token)})


def dropped_square(whole: Value, squares: Value, kept: Value) -> sp.Expr:
    """Return the mean square norm of an output under dropout of the weights; `squares` is sum a_j^2 ||v_j||^2. Exact.

    Raises
    ------
    ValueError
        If `kept` is not above 0 and at most 1.
    """
    kept = positive("kept", kept)
    if (1 - kept).is_negative:
        raise ValueError(f"kept is {kept}; expected a share above 0 and at most 1")
    return dropout().at({OUTPUT: nonnegative("whole", whole), OF_VALUES: nonnegative("squares", squares), KEPT: kept})


def backward_square(frobenius: Value, cotangent: Value) -> sp.Expr:
    """Return sum_j E||dv_j||^2 for ||A||_F^2 = `frobenius` and outputs' cotangents of mean square norm `cotangent`."""
    return backward().at({FROBENIUS: positive("frobenius", frobenius), COTANGENT: positive("cotangent", cotangent)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (output, correlated, dropout, backward)
