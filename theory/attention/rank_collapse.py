r"""How attention draws tokens together: X = 1 xbar^T + eps R, T tokens that differ little; rows of R add up to 0.

P = I - 11^T/T takes the mean token away. Logits are x_i^T B x_j, with B = W_Q W_K^T / sqrt d_k.

- Without a skip the differences of one head's outputs are of the third order in eps:
  P SA(X) = (eps^3/T) P R B R^T R W_V + O(eps^4) (`cubic`): what all queries have in common of their logits shifts
  nothing between them. Exact for every draw, up to the order that is named.
- With a skip, at given weights of attention A and over W_V (entries of mean 0 and variance s^2) the differences grow:
  E||P(X + A X W_V)||^2 = ||PX||^2 + s^2 d ||PAX||^2 (`skip`). Exact at every width.
- Uniform attention (W_Q = 0) with a skip keeps the differences as they are, while the square of the mean token grows by
  1 + s^2 d a layer (`uniform_differences`, `uniform_mean`), so that at s^2 = 1/d tokens of cosine rho come to
  2^L rho / (2^L rho + 1 - rho) (`cosine`; the ratio of mean squares).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TypeAlias

import sympy as sp
from sympy.polys.rings import PolyElement, PolyRing

from theory.attention.outputs import VALUE
from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.rules import DerivationError, equal, recursion
from theory.symbols import L
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

SMALL = sp.Symbol("epsilon", real=True)
WIDTH = sp.Symbol("d", integer=True, positive=True)
OUTPUT = sp.Symbol("P\\,SA(X)", real=True)
CUBIC = sp.Symbol(r"(PRBR^{T}RW_V)/T", real=True)
SQUARE, MIXED, STREAM = sp.symbols(r"\|PX\|^2 \|PAX\|^2 \|P(X+AXW_V)\|^2", real=True)
MEAN, MEAN_AFTER = sp.symbols(r"\|\bar{x}\|^2 \|\bar{x}'\|^2", real=True)
COSINE = sp.Symbol("rho", positive=True)

Series: TypeAlias = list[PolyElement]
"""The coefficients of a power series in eps, to the third order: polynomials in a ring, which are fast."""


def centred(tokens: sp.Matrix) -> sp.Matrix:
    """Return P X: the tokens (positions, width) less their mean."""
    positions = tokens.rows
    return tokens - sp.ones(positions, positions) * tokens / positions


def square(of: sp.Matrix) -> sp.Expr:
    """Return the sum of the squared entries."""
    return sp.Add(*(entry**2 for entry in of))


def _matrix(name: str, rows: int, columns: int) -> sp.Matrix:
    return sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{name}_{i + 1}{j + 1}", real=True))


def _series(ring: PolyRing, *coefficients: sp.Matrix) -> Series:
    return [*(ring.from_expr(one[0, 0]) for one in coefficients), *[ring.zero] * (4 - len(coefficients))]


def _product(left: Series, right: Series) -> Series:
    """Multiply two power series in eps, to the third order."""
    return [sum(left[i] * right[k - i] for i in range(k + 1)) for k in range(4)]


def _softmax(logits: list[Series]) -> list[Series]:
    """Return the softmax of logits that are power series in eps; the first logit is taken away from all."""
    powers = []
    for logit in logits:
        _, once, twice, thrice = difference = [a - b for a, b in zip(logit, logits[0], strict=True)]
        if difference[0] != 0:
            raise DerivationError("logits that differ at eps = 0")
        # exp(u) = 1 + u + u^2/2 + u^3/6, and u has no constant term
        powers.append([1, once, twice + once**2 / 2, thrice + once * twice + once**3 / 6])
    one, two, three = (sum(power[k] for power in powers) / len(powers) for k in (1, 2, 3))
    inverse = [1, -one, one**2 - two, 2 * one * two - one**3 - three]
    return [[term / len(powers) for term in _product(power, inverse)] for power in powers]


def _at_small_differences(before: sp.Basic, now: sp.Basic) -> str:
    """Expand one head's output in eps, entry by entry, for 2 and 3 tokens of width 1 and 2 of width 2."""
    for positions, width in ((2, 1), (3, 1), (2, 2)):
        mean, moved = _matrix("m", 1, width), centred(_matrix("r", positions, width))
        both, value = _matrix("b", width, width), _matrix("v", width, 1)
        symbols = set().union(*(one.free_symbols for one in (mean, moved, both, value)))
        ring, heads = PolyRing(sorted(symbols, key=str), sp.QQ), []
        for query in range(positions):
            row, logits, values = moved.row(query), list[Series](), list[Series]()
            for key in range(positions):
                other = moved.row(key)
                first = row * both * mean.T + mean * both * other.T
                logits.append(_series(ring, mean * both * mean.T, first, row * both * other.T))
                values.append(_series(ring, mean * value, other * value))
            terms = [_product(weight, one) for weight, one in zip(_softmax(logits), values, strict=True)]
            heads.append(sum(SMALL**k * sum(term[k] for term in terms).as_expr() for k in range(4)))
        claimed = centred(moved * both * moved.T * moved * value) / positions
        for found, third in zip(centred(sp.Matrix(heads)), claimed, strict=True):
            if before != OUTPUT or sp.expand(found - now.subs(CUBIC, third)) != 0:
                raise DerivationError(f"{positions} tokens of width {width}: the output is not {now}")
    return "3 sizes"


@cache
def cubic() -> Derivation:
    """Derive the differences of one head's outputs for tokens that differ little."""
    return Derivation.begin(
        "Rank collapse",
        "The outputs softmax(X B X^T) X W_V less their mean, for X = 1 xbar^T + eps R.",
        OUTPUT,
    ).then(
        "Expand to the third order in eps: the logits of queries differ by eps^2 R B R^T only, and the values they "
        "weigh by eps R.",
        SMALL**3 * CUBIC,
        _at_small_differences,
    )


def written(positions: int, width: int) -> WrittenOut:
    """Write out the differences of tokens behind a skip, for given weights of attention."""
    tokens, weights = _matrix("x", positions, width), _matrix("a", positions, positions)
    value, groups = matrix("v", width, width, symmetric(VALUE))
    stands_for = {
        STREAM: square(centred(tokens + weights * tokens * value)),
        SQUARE: square(centred(tokens)), MIXED: square(centred(weights * tokens)), WIDTH: sp.Integer(width),
    }  # fmt: skip
    return WrittenOut(stands_for, groups)


def uniform(positions: int, width: int) -> WrittenOut:
    """Write out a block of uniform attention with a skip: differences and mean token, before and after."""
    tokens, average = _matrix("x", positions, width), sp.ones(positions, positions) / positions
    value, groups = matrix("v", width, width, symmetric(VALUE))
    after = tokens + average * tokens * value
    stands_for = {
        STREAM: square(centred(after)), SQUARE: square(centred(tokens)), WIDTH: sp.Integer(width),
        MEAN: square((average * tokens).row(0)), MEAN_AFTER: square((average * after).row(0)),
    }  # fmt: skip
    return WrittenOut(stands_for, groups)


@cache
def skip() -> Derivation:
    """Derive the mean square of the differences behind a skip."""
    return Derivation.begin(
        "Differences behind a skip", "The square norm of P (X + A X W_V), at given weights A.", STREAM
    ).then(
        "Average over W_V: what attention adds has mean 0 and comes on top.",
        SQUARE + VALUE * WIDTH * MIXED,
        at_sizes(written, (1, 1), (2, 1), (2, 2), (3, 1)),
    )


@cache
def uniform_differences() -> Derivation:
    """Derive that uniform attention with a skip keeps the differences of tokens."""
    return Derivation.begin("Uniform attention with a skip", "The square norm of P (X + 11^T X W_V / T).", STREAM).then(
        "All tokens get the same: nothing changes between them, for every W_V.",
        SQUARE,
        at_sizes(lambda *size: WrittenOut(uniform(*size).stands_for, ()), (1, 1), (2, 1), (2, 2), (3, 1)),
    )


@cache
def uniform_mean() -> Derivation:
    """Derive the growth of the mean token under uniform attention with a skip."""
    return Derivation.begin(
        "Mean token under uniform attention", "The square norm of the mean of X + 11^T X W_V / T.", MEAN_AFTER
    ).then("Average over W_V.", (1 + VALUE * WIDTH) * MEAN, at_sizes(uniform, (1, 1), (2, 1), (2, 2), (3, 1)))


@cache
def cosine() -> Derivation:
    """Derive the cosine of tokens after L blocks of uniform attention with a skip, as a ratio of mean squares."""
    m = sp.Function("m")
    growth = uniform_mean().at({VALUE: 1 / WIDTH}) / MEAN
    return (
        Derivation.begin(
            "Tokens under uniform attention",
            "At s^2 = 1/d each block multiplies the mean square m of the mean token by this.",
            sp.Eq(m(L + 1), growth * m(L)),
        )
        .then("Solve from the cosine rho: tokens of norm 1 have a mean token of square norm rho, if they are many.",
              sp.Eq(m(L), 2**L * COSINE), recursion(L, COSINE))
        .then(
            "The cosine is the mean token's share of a token's mean square, of which the differences keep 1 - rho.",
            2**L * COSINE / (2**L * COSINE + 1 - COSINE),
            lambda before, now: equal(before.rhs / (before.rhs + 1 - COSINE), now),
        )
    )  # fmt: skip


def skipped_square(differences: Value, mixed: Value, width: Value, value: Value) -> sp.Expr:
    """Return E||P(X + A X W_V)||^2 for W_V of variance `value`; `mixed` is ||PAX||^2, `differences` ||PX||^2."""
    values = {SQUARE: nonnegative("differences", differences), MIXED: nonnegative("mixed", mixed)}
    return skip().at(values | {WIDTH: positive_integer("width", width), VALUE: positive("value", value)})


def uniform_growth(width: Value, value: Value) -> sp.Expr:
    """Return the factor 1 + value * width of the mean token's mean square in one block of uniform attention. Exact."""
    return uniform_mean().at({WIDTH: positive_integer("width", width), VALUE: positive("value", value), MEAN: 1})


def uniform_cosine(cosine_before: Value, blocks: Value) -> sp.Expr:
    """Return the ratio of mean squares to which `blocks` blocks of uniform attention take a cosine of many tokens."""
    return cosine().at(
        {COSINE: positive("cosine_before", cosine_before), L: positive_integer("blocks", blocks, least=0)}
    )


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (cubic, skip, uniform_differences, uniform_mean, cosine)
