r"""Positions: the sinusoids that are added to tokens (Vaswani et al. 2017), and rotations of queries and keys (RoPE).

Feature pairs i = 1 .. d/2 have frequencies w_i; position s gives the angle w_i s. Any frequencies; exact.

- Sinusoids: ||p_s||^2 = d/2 at every position (`sinusoid_square`), and <p_s, p_t> = sum cos w_i (s - t), a function of
  the distance (`sinusoid_product`).
- Tokens from a table with entries N(0, 1/d), times sqrt d, plus sinusoids: d + d/2 in mean square (`embedded`).
- Rotations keep every norm (`rotated_square`). A logit <R_s q, R_t k> depends on s - t alone: it is
  sum_i [(q_i k_i + q_i' k_i') cos w_i (s - t) + (q_i k_i' - q_i' k_i) sin w_i (s - t)] (`rotated_logit`), where q_i and
  q_i' are a pair. In mean over independent W_Q and W_K its square is d_k s_q^2 s_k^2 ||x||^2 ||y||^2 at every distance
  (`rotated_mean_square`): nothing decays with the distance at initialisation.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.attention import logits
from theory.derivation import Derivation, Value
from theory.domain import positive_integer
from theory.rules import equal, substituting
from theory.symbols import N
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

FREQUENCY, HERE, THERE = sp.symbols("w s t", real=True)
DISTANCE = HERE - THERE
FIRST, FIRST_PAIR, SECOND, SECOND_PAIR = sp.symbols("q q' k k'", real=True)
PAIRS = sp.Symbol("P", integer=True, positive=True)
SQUARE, OF_SINUSOIDS, LOGIT = sp.symbols(r"\|x\|^2 \|p\|^2 l", real=True)


def _turned(one: sp.Expr, other: sp.Expr, position: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """Turn one pair of features by the angle of a position."""
    cosine, sine = sp.cos(FREQUENCY * position), sp.sin(FREQUENCY * position)
    return one * cosine - other * sine, one * sine + other * cosine


def _by_squares(before: sp.Basic, now: sp.Basic) -> str:
    """Compare with the square of the cosine written as 1 less that of the sine."""
    angle = FREQUENCY * HERE
    return equal(sp.expand(sp.expand(before).subs(sp.cos(angle) ** 2, 1 - sp.sin(angle) ** 2)), now)


@cache
def sinusoid_square() -> Derivation:
    """Derive the square norm of a position's sinusoids."""
    pair = sp.sin(FREQUENCY * HERE) ** 2 + sp.cos(FREQUENCY * HERE) ** 2
    return (
        Derivation.begin("Norm of sinusoids", "Add d/2 pairs of squares, here of one frequency.", N / 2 * pair)
        .then("Each pair has the norm 1, whatever its frequency and the position.", N / 2, _by_squares)
    )  # fmt: skip


@cache
def sinusoid_product() -> Derivation:
    """Derive one pair's part of the inner product of two positions' sinusoids."""
    here, there = FREQUENCY * HERE, FREQUENCY * THERE
    return Derivation.begin(
        "Inner product of sinusoids",
        "One pair's products; all pairs add up.",
        sp.sin(here) * sp.sin(there) + sp.cos(here) * sp.cos(there),
    ).then("The addition theorem leaves the distance.", sp.cos(FREQUENCY * DISTANCE), _by_addition)


def _by_addition(before: sp.Basic, now: sp.Basic) -> str:
    """Compare with the addition theorems of sine and cosine used."""
    return equal(sp.expand(sp.expand_trig(before)), sp.expand(sp.expand_trig(sp.expand(now, trig=False))))


def written_embedding(width: int) -> WrittenOut:
    """Write out sqrt d times a row of the table plus fixed sinusoids."""
    row, groups = matrix("e", 1, width, symmetric(sp.Rational(1, width)))
    fixed = sp.Matrix(1, width, sp.symbols(f"p_1:{width + 1}", real=True))
    token = sp.sqrt(width) * row + fixed
    stands_for = {SQUARE: sp.expand(token.dot(token)), OF_SINUSOIDS: fixed.dot(fixed), N: sp.Integer(width)}
    return WrittenOut(stands_for, groups)


@cache
def embedded() -> Derivation:
    """Derive the mean square norm of an embedded token with its sinusoids."""
    return (
        Derivation.begin("Tokens with sinusoids", "The square norm of sqrt d E_t + p.", SQUARE)
        .then("Average over the table.", N + OF_SINUSOIDS, at_sizes(written_embedding, (1,), (2,), (3,), (4,)))
        .then("The sinusoids have d/2.", sp.Rational(3, 2) * N, substituting({OF_SINUSOIDS: sinusoid_square().result}))
    )


@cache
def rotated_square() -> Derivation:
    """Derive the square norm of a pair of features that is turned."""
    one, other = _turned(FIRST, FIRST_PAIR, HERE)
    return Derivation.begin("Square norm under rotation", "A pair of features, turned.", one**2 + other**2).then(
        "The cross terms cancel.", FIRST**2 + FIRST_PAIR**2, _by_squares
    )


@cache
def rotated_logit() -> Derivation:
    """Derive one pair's part of a logit whose query and key are turned."""
    (one, other), (key, key_pair) = _turned(FIRST, FIRST_PAIR, HERE), _turned(SECOND, SECOND_PAIR, THERE)
    angle = FREQUENCY * DISTANCE
    return Derivation.begin(
        "Logit of a turned query and key", "One pair's products; all pairs add up.", one * key + other * key_pair
    ).then(
        "The addition theorems leave the distance.",
        (FIRST * SECOND + FIRST_PAIR * SECOND_PAIR) * sp.cos(angle)
        + (FIRST * SECOND_PAIR - FIRST_PAIR * SECOND) * sp.sin(angle),
        _by_addition,
    )


def written_turned(width: int, pairs: int) -> WrittenOut:
    """Write out a logit of turned queries and keys; each pair has an angle of its own, whose sine is rational."""
    x, y = (sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in "xy")
    query, of_queries = matrix("q", 2 * pairs, width, symmetric(logits.QUERY))
    key, of_keys = matrix("k", 2 * pairs, width, symmetric(logits.KEY))
    q, k, parts = query * x, key * y, []
    for i in range(pairs):
        angle = sp.acos(sp.Rational(*((3, 5), (-5, 13))[i]))
        at = {FIRST: q[2 * i], FIRST_PAIR: q[2 * i + 1], SECOND: k[2 * i], SECOND_PAIR: k[2 * i + 1]}
        parts.append(rotated_logit().result.subs({FREQUENCY: angle, HERE: 1, THERE: 0}).subs(at, simultaneous=True))
    stands_for = {
        LOGIT: sp.Add(*parts), logits.FIRST: x.dot(x), logits.SECOND: y.dot(y), logits.HEAD: sp.Integer(2 * pairs)
    }  # fmt: skip
    return WrittenOut(stands_for, [*of_queries, *of_keys])


@cache
def rotated_mean_square() -> Derivation:
    """Derive the mean square of a logit whose query and key are turned, over independent W_Q and W_K."""
    return Derivation.begin("Mean square of a turned logit", "The square of <R_s q, R_t k>.", LOGIT**2).then(
        "Average over both matrices: squares of cosine and sine add up to 1 in each pair.",
        logits.HEAD * logits.QUERY * logits.KEY * logits.FIRST * logits.SECOND,
        at_sizes(written_turned, (1, 1), (2, 1), (1, 2)),
    )


def sinusoids_square(width: Value) -> sp.Expr:
    """Return ||p||^2 = width / 2. Exact.

    Raises
    ------
    ValueError
        If the width is odd: sinusoids come in pairs.
    """
    width = positive_integer("width", width, least=2)
    if width.is_odd:
        raise ValueError(f"width is {width}; expected an even number, as sinusoids come in pairs")
    return sinusoid_square().at(n=width)


def embedded_square(width: Value) -> sp.Expr:
    """Return the mean square norm of a token sqrt(width) E_t + p, table entries of variance 1/width. Exact."""
    return embedded().at(n=2 * sinusoids_square(width))


def product_of_pairs(frequency: Value, distance: Value) -> sp.Expr:
    """Return one frequency's part of <p_s, p_t> at the distance s - t."""
    return sinusoid_product().at({FREQUENCY: frequency, HERE: distance, THERE: 0})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    sinusoid_square, sinusoid_product, embedded, rotated_square, rotated_logit, rotated_mean_square,
)  # fmt: skip
