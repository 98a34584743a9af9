r"""Identities of gradients through attention; they hold for every draw, at every width, with or without skips.

G(mu) are the outputs of a net without biases when attention's logits are multiplied by mu; of such a net nothing but
these logits is not linear in the scale of the stream.

- Theorem 1 as it is true: <dl/dX, X> = (l - H) + 2 kappa, kappa the sum over the attention layers behind X of
  <dl/dW_Q, W_Q> = <dl/dW_K, W_K> = <dl/dlogits, logits> (`along_the_stream`, `along_the_queries`): a stream scaled by
  c gives c G(c^2 mu), queries scaled by c give G(c mu).
- In a head W_Q^T dl/dW_Q is the transpose of W_K^T dl/dW_K, and W_V^T dl/dW_V is dl/dW_O W_O^T (`queries_and_keys`,
  `values_and_outputs`; W_Q, W_K, W_V are d x d_k, W_O is d_k x d).
- A bias of the keys shifts all logits of a query alike and changes nothing, so it has no gradient (`key_bias`).
- At equal tokens W_Q and W_K change nothing, so they have no gradient (`equal_tokens`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import count

import sympy as sp
from mpmath import mp

from theory.derivation import Derivation, Value
from theory.domain import real
from theory.rules import Rule, differentiated, numerically, substituting
from theory.symbols import C
from theory.written_out import WrittenOut, at_sizes

MU = sp.Symbol("mu", positive=True)
"""What attention's logits are multiplied by."""
SCALED = sp.Symbol("f(cX)", real=True)
EXCESS, KAPPA = sp.symbols("l-H kappa", real=True)
OUTPUTS = sp.Function("G")
ONE_SIDE, OTHER_SIDE = sp.symbols("M_1 M_2", real=True)
BIASED, PLAIN, ALIKE, ONE = sp.symbols("o(b) o(0) o(x) v(x)", real=True)


def _matrix(name: str, rows: int, columns: int) -> sp.Matrix:
    return sp.Matrix(rows, columns, lambda i, j: sp.Symbol(f"{name}_{i + 1}{j + 1}", real=True))


def attended(logits: sp.Matrix, values: sp.Matrix) -> sp.Matrix:
    """Return softmax(logits) values, written out."""
    powers = logits.applyfunc(sp.exp)
    return sp.Matrix(powers.rows, powers.cols, lambda i, j: powers[i, j] / sum(powers.row(i))) * values


def _net(width: int, stream: sp.Rational, scale: sp.Rational, queries: sp.Rational) -> sp.Float:
    """Return an output of a small net, to 40 digits: two layers of attention with ReLU branches, one with a skip.

    The stream of two tokens, attention's logits and its queries are multiplied by the numbers given.
    """
    shape = count(1)
    with mp.workdps(40):

        def weights(rows: int) -> mp.matrix:
            return mp.matrix([[mp.sin(next(shape)) for _ in range(width)] for _ in range(rows)])

        tokens = weights(2) * mp.mpf(stream)
        for skip in (1, 0):
            query, key, value, hidden, last = (weights(width) for _ in range(5))
            logits = (tokens * query * mp.mpf(queries) * mp.mpf(scale)) * (tokens * key).T
            rows = [[mp.exp(logits[i, j]) for j in range(2)] for i in range(2)]
            shares = mp.matrix([[one / sum(row) for one in row] for row in rows])
            tokens = skip * tokens + shares * tokens * value
            tokens += (tokens * hidden).apply(lambda entry: max(entry, mp.mpf(0))) * last
        return sp.Float((tokens * weights(1).T)[0, 0], 40)


def _in_a_net(scaled: Callable[[int, sp.Rational, sp.Rational], sp.Float]) -> Rule:
    """Compare a net that is scaled with what is said of G, to 30 digits, at widths 1 and 2."""

    def rule(before: sp.Basic, now: sp.Basic) -> str:
        c, mu = sp.Rational(7, 5), sp.Rational(3, 4)
        for width in (1, 2):
            told = now.subs({C: c, MU: mu}).replace(
                OUTPUTS, lambda at, width=width: _net(width, sp.S.One, at, sp.S.One)
            )
            numerically(before.subs(SCALED, scaled(width, c, mu)), told)
        return "2 sizes"

    return rule


def _with_gradient(loss: sp.Expr) -> Rule:
    """Multiply by the gradient p - y of the loss in the outputs: (p - y)^T G is l - H, and mu dl/dmu is kappa."""
    slope = sp.Derivative(OUTPUTS(MU), MU)
    return lambda before, now: substituting({OUTPUTS(MU): loss})(before.subs(slope, KAPPA / MU), now)


@cache
def along_the_stream() -> Derivation:
    """Derive the slope of the loss along the stream."""
    return (
        Derivation.begin("Theorem 1 through attention", "The outputs of a net whose stream X is scaled by c.", SCALED)
        .then(
            "Every layer passes the scale on, and attention's logits have two factors of it.",
            C * OUTPUTS(C**2 * MU),
            _in_a_net(lambda width, c, mu: _net(width, c, mu, sp.S.One)),
        )
        .then(
            "Differentiate at c = 1.",
            OUTPUTS(MU) + 2 * MU * sp.Derivative(OUTPUTS(MU), MU),
            differentiated(C, sp.S.One, value=OUTPUTS(MU)),
        )
        .then(
            "Multiply by the gradient p - y of the loss: (p - y)^T G is l - H, and mu dl/dmu is kappa.",
            EXCESS + 2 * KAPPA,
            _with_gradient(EXCESS),
        )
    )


@cache
def along_the_queries() -> Derivation:
    """Derive the slope of the loss along the query matrices of all layers."""
    return (
        Derivation.begin("Slope along the queries", "The outputs of a net whose W_Q are scaled by c.", SCALED)
        .then(
            "Attention's logits have one factor of it, and nothing else has.",
            OUTPUTS(C * MU),
            _in_a_net(lambda width, c, mu: _net(width, sp.S.One, mu, c)),
        )
        .then(
            "Differentiate at c = 1.",
            MU * sp.Derivative(OUTPUTS(MU), MU),
            differentiated(C, sp.S.One, value=OUTPUTS(MU)),
        )
        .then("Multiply by the gradient p - y of the loss: mu dl/dmu is kappa.", KAPPA, _with_gradient(EXCESS))
    )


def _gradient(of: sp.Expr, matrix: sp.Matrix) -> sp.Matrix:
    return matrix.applyfunc(lambda entry: sp.diff(of, entry))


def _sides(one: sp.Matrix, other: sp.Matrix) -> dict[sp.Symbol, sp.Expr]:
    """Add up the entries of two matrices with weights of their own, so that equal sums mean equal matrices."""
    weights = _matrix("t", *one.shape)
    return {name: sp.Add(*side.multiply_elementwise(weights)) for name, side in ((ONE_SIDE, one), (OTHER_SIDE, other))}


def _of_logits(width: int, head: int) -> WrittenOut:
    """Write out both sides for a loss that depends on W_Q and W_K by the logits, here with slopes S in them."""
    tokens, slopes = _matrix("x", 2, width), _matrix("s", 2, 2)
    query, key = _matrix("q", width, head), _matrix("k", width, head)
    loss = sp.Add(*slopes.multiply_elementwise(tokens * query * (tokens * key).T))
    return WrittenOut(_sides(query.T * _gradient(loss, query), (key.T * _gradient(loss, key)).T), ())


def _of_values(width: int, head: int) -> WrittenOut:
    tokens, slopes = _matrix("x", 2, width), _matrix("s", 2, width)
    value, output = _matrix("v", width, head), _matrix("o", head, width)
    loss = sp.Add(*slopes.multiply_elementwise(tokens * value * output))
    return WrittenOut(_sides(value.T * _gradient(loss, value), _gradient(loss, output) * output.T), ())


def _balance(title: str, says: str, reason: str, write: Callable[[int, int], WrittenOut]) -> Derivation:
    return Derivation.begin(title, says, ONE_SIDE).then(
        reason, OTHER_SIDE, at_sizes(write, (1, 1), (2, 1), (1, 2), (2, 2))
    )


@cache
def queries_and_keys() -> Derivation:
    """Derive that the gradients of W_Q and W_K are in balance in every head."""
    return _balance(
        "Queries and keys in balance",
        "W_Q^T dl/dW_Q, for any slopes S of the loss in the logits X W_Q W_K^T X^T; M_1 adds entries up with weights.",
        "dl/dW_Q = X^T S X W_K and dl/dW_K = X^T S^T X W_Q: it is the transpose of W_K^T dl/dW_K.",
        _of_logits,
    )


@cache
def values_and_outputs() -> Derivation:
    """Derive that the gradients of W_V and W_O are in balance in every head."""
    return _balance(
        "Values and outputs in balance",
        "W_V^T dl/dW_V, for a loss of any slopes in X W_V W_O; M_1 adds its entries up with weights.",
        "dl/dW_V has W_O^T behind it, and dl/dW_O has W_V^T before it: it is dl/dW_O W_O^T.",
        _of_values,
    )


def _one_head(positions: int) -> WrittenOut:
    """Write out a linear function of one head's outputs, with and without a bias b of the keys, and at equal tokens."""
    tokens, readout = _matrix("x", positions, 1), _matrix("h", positions, 1)
    query, key, bias = sp.symbols("q k b", real=True)

    def output(of: sp.Matrix, shift: sp.Expr) -> sp.Expr:
        return readout.dot(attended(query * of * (key * of + shift * sp.ones(positions, 1)).T, of))

    alike, plain = tokens[0] * sp.ones(positions, 1), output(tokens, sp.S.Zero)
    return WrittenOut(
        {BIASED: output(tokens, bias), PLAIN: plain, ALIKE: output(alike, bias), ONE: tokens[0] * sum(readout)}, ()
    )


@cache
def key_bias() -> Derivation:
    """Derive that a bias of the keys changes nothing, so that it has no gradient."""
    return Derivation.begin(
        "A bias of the keys", "A function of a head's outputs, with a bias of the keys.", BIASED
    ).then(
        "The bias adds q_i^T b to all logits of query i, and softmax does not see that.",
        PLAIN,
        at_sizes(_one_head, (1,), (2,), (3,)),
    )


@cache
def equal_tokens() -> Derivation:
    """Derive that W_Q and W_K change nothing where all tokens are equal, so that they have no gradient."""
    return Derivation.begin("Equal tokens", "A function of the outputs of a head at equal tokens.", ALIKE).then(
        "Whatever the weights of attention, every output is the value of that one token.",
        ONE,
        at_sizes(_one_head, (1,), (2,), (3,)),
    )


def stream_slope(excess: Value, kappa: Value) -> sp.Expr:
    """Return <dl/dX, X> for l - H = `excess` and `kappa` = <dl/dW_Q, W_Q> added over the attention behind X. Exact."""
    return along_the_stream().at({EXCESS: real("excess", excess), KAPPA: real("kappa", kappa)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    along_the_stream, along_the_queries, queries_and_keys, values_and_outputs, key_bias, equal_tokens,
)  # fmt: skip
