r"""One step on W_Q and W_K of one logit l = q.k / tau, both matrices at once; q = W_Q x, k = W_K y.

Exact for every draw, at every width; g is the slope dC/dl of the loss in the logit.

- SGD: l moves by -(eta g / tau^2) (||x||^2 ||k||^2 + ||y||^2 ||q||^2) + (eta g)^2 / tau^3 ||x||^2 ||y||^2 q.k
  (`sgd`). The bracket over tau^2 is the logit's tangent kernel, d_k (s_q^2 + s_k^2) ||x||^2 ||y||^2 / tau^2 in mean
  (`kernel`).
- Adam's first step (each entry by the rate, against the sign of its gradient): q.k moves by
  eta (||x||_1 ||k||_1 + ||y||_1 ||q||_1) + eta^2 ||x||_1 ||y||_1 <sign q, sign k> in the direction that raises it
  (`adam`), d_k sqrt(2/pi) eta (||x||_1 s_k ||y|| + ||y||_1 s_q ||x||) in mean for Gaussian weights,
  of entries with the mean size sqrt(2/pi) (`absolute_entry`). With a rate of order 1/d this grows like d_k: divided by
  sqrt(d_k) it grows, divided by d_k it does not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import product

import sympy as sp

from theory.attention.logits import FIRST, HEAD, KEY, LOGIT, QUERY, SECOND, SIZES
from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer, real
from theory.expectation import gaussian
from theory.rules import DerivationError, equal
from theory.symbols import RATE, T
from theory.written_out import WrittenOut, at_sizes, matrix, symmetric

TEMPERATURE = sp.Symbol("tau", positive=True)
"""What q.k is divided by."""
SLOPE = sp.Symbol("g", real=True)
"""dC/dl."""
MOVED, KERNEL = sp.symbols(r"l_1 \|\nabla{l}\|^2", real=True)
QUERY_NORM, KEY_NORM = sp.symbols(r"\|q\|^2 \|k\|^2", real=True)
TOKEN_SUMS = sp.symbols(r"\|x\|_1 \|y\|_1", nonnegative=True)
HEAD_SUMS = sp.symbols(r"\|q\|_1 \|k\|_1", nonnegative=True)
SIGNS = sp.Symbol(r"s(q)^{T}s(k)", real=True)


def written(width: int, head: int) -> WrittenOut:
    """Write out a logit, its squared gradient, and the logit once every weight has moved against its derivative."""
    x, y = (sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in "xy")
    query, of_queries = matrix("q", head, width, symmetric(QUERY))
    key, of_keys = matrix("k", head, width, symmetric(KEY))
    logit = (query * x).dot(key * y) / TEMPERATURE
    slopes = {entry: sp.diff(logit, entry) for entry in (*query, *key)}
    moved = {entry: entry - RATE * SLOPE * slope for entry, slope in slopes.items()}
    stands_for = {
        LOGIT: logit * TEMPERATURE,
        MOVED: logit.subs(moved, simultaneous=True),
        KERNEL: sp.Add(*(slope**2 for slope in slopes.values())),
        QUERY_NORM: (query * x).dot(query * x), KEY_NORM: (key * y).dot(key * y),
        FIRST: x.dot(x), SECOND: y.dot(y), HEAD: sp.Integer(head),
    }  # fmt: skip
    return WrittenOut(stands_for, [*of_queries, *of_keys])


def one_draw(width: int, head: int) -> WrittenOut:
    """Write out the same with nothing to average: what holds there holds for every draw."""
    return WrittenOut(written(width, head).stands_for, ())


@cache
def sgd() -> Derivation:
    """Derive the logit after one step of SGD on both matrices."""
    step = RATE * SLOPE / TEMPERATURE
    after = LOGIT - step * (FIRST * KEY_NORM + SECOND * QUERY_NORM) + step**2 * FIRST * SECOND * LOGIT
    return (
        Derivation.begin(
            "One step of SGD on a logit",
            "The logit l_1 once every entry of W_Q and W_K has moved by -eta g dl/dw.",
            MOVED,
        )
        .then(
            "Differentiate: q moves by -(eta g / tau) ||x||^2 k and k by -(eta g / tau) ||y||^2 q. Multiply out.",
            after / TEMPERATURE,
            at_sizes(one_draw, *SIZES[:5]),
        )
        .then(
            "Take the logit before the step away.",
            (after - LOGIT) / TEMPERATURE,
            lambda before, now: equal(sp.expand(before - LOGIT / TEMPERATURE), now),
        )
    )


@cache
def kernel() -> Derivation:
    """Derive the mean squared gradient of a logit in W_Q and W_K."""
    return (
        Derivation.begin("Tangent kernel of a logit", "The squared derivatives in all entries of W_Q and W_K.", KERNEL)
        .then(
            "Differentiate.",
            (FIRST * KEY_NORM + SECOND * QUERY_NORM) / TEMPERATURE**2,
            at_sizes(one_draw, *SIZES[:5]),
        )
        .then(
            "Average over the weights.",
            HEAD * (QUERY + KEY) * FIRST * SECOND / TEMPERATURE**2,
            at_sizes(written, *SIZES[:5]),
        )
    )


def _for_all_signs(before: sp.Basic, now: sp.Basic) -> str:
    """Check a step of Adam at one and two units and features, for all signs of tokens, queries and keys."""
    for size in (1, 2):
        for signs in product((-1, 1), repeat=4 * size):
            q, k, x, y = (
                [signs[part * size + i] * sp.Symbol(f"{name}_{i}", positive=True) for i in range(size)]
                for part, name in enumerate("qkxy")
            )
            # dq.k/dW_Q = k x^T, so W_Q[i, j] moves by eta sign(k_i x_j), and q_i by these times x_j
            rows = [q[i] + RATE * sum(sp.sign(k[i] * one) * one for one in x) for i in range(size)]
            columns = [k[i] + RATE * sum(sp.sign(q[i] * one) * one for one in y) for i in range(size)]
            sums = [sp.Add(*map(sp.Abs, vector)) for vector in (x, y, q, k)]
            values = dict(zip((*TOKEN_SUMS, *HEAD_SUMS), sums, strict=True))
            values[LOGIT] = sum(a * b for a, b in zip(q, k, strict=True))
            values[SIGNS] = sum(sp.sign(a * b) for a, b in zip(q, k, strict=True))
            found = sum(a * b for a, b in zip(rows, columns, strict=True))
            if sp.expand(found - now.subs(values)) != 0 or before != MOVED:
                raise DerivationError(f"at the signs {signs} the logit is {found}, not {now.subs(values)}")
    return "2 sizes"


@cache
def adam() -> Derivation:
    """Derive how far the first step of Adam moves q.k, in the direction that raises it."""
    (x, y), (q, k) = TOKEN_SUMS, HEAD_SUMS
    return (
        Derivation.begin(
            "Adam's first step on a logit",
            "q.k once every entry of W_Q and W_K has moved by eta times the sign of its derivative.",
            MOVED,
        )
        .then(
            "dq.k/dW_Q = k x^T: entry i of q moves by eta sign(k_i) ||x||_1, and of k by eta sign(q_i) ||y||_1.",
            LOGIT + RATE * (x * k + y * q) + RATE**2 * x * y * SIGNS,
            _for_all_signs,
        )
        .then("Take q.k away.", RATE * (x * k + y * q) + RATE**2 * x * y * SIGNS, lambda b, n: equal(b - LOGIT, n))
    )


@cache
def absolute_entry() -> Derivation:
    """Derive the mean size of a Gaussian variable of variance 1."""
    return Derivation.begin("Mean size of a normal variable", "Average |t|.", gaussian(sp.Abs(T), T)).then(
        "Integrate.", sp.sqrt(2 / sp.pi)
    )


def sgd_move(
    temperature: Value, step: Value, first: Value, second: Value, query: Value, key: Value, logit: Value
) -> sp.Expr:
    """Return how far SGD moves l = q.k / temperature; `step` is eta g, `logit` q.k, the others square norms. Exact."""
    norms = {FIRST: first, SECOND: second, QUERY_NORM: query, KEY_NORM: key}
    given = {TEMPERATURE: positive("temperature", temperature), RATE: real("step", step), LOGIT: real("logit", logit)}
    return sgd().at(given | norms | {SLOPE: 1})


def mean_kernel(head: Value, query: Value, key: Value, first: Value, second: Value, temperature: Value) -> sp.Expr:
    """Return E of the squared gradient of l = q.k / temperature in W_Q and W_K, of entries' variances `query`, `key`.

    Exact; tokens have square norms `first` and `second`.
    """
    values = {QUERY: query, KEY: key, FIRST: first, SECOND: second, TEMPERATURE: temperature}
    return kernel().at({HEAD: positive_integer("head", head)} | {at: positive(at.name, v) for at, v in values.items()})


def adam_move(rate: Value, tokens: tuple[Value, Value], sums: tuple[Value, Value], signs: Value) -> sp.Expr:
    """Return how far Adam's first step raises q.k.

    Parameters
    ----------
    rate : number
        What every weight moves by.
    tokens, sums : pairs of numbers
        ||x||_1 and ||y||_1, then ||q||_1 and ||k||_1.
    signs : number
        <sign q, sign k>.
    """
    values = dict(zip((*TOKEN_SUMS, *HEAD_SUMS), (*tokens, *sums), strict=True))
    return adam().at(values | {RATE: positive("rate", rate), SIGNS: real("signs", signs)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (sgd, kernel, adam, absolute_entry)
