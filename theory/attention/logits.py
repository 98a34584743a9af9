r"""The logit of a query and a key: q.k with q = W_Q x and k = W_K y, at two fixed tokens x and y of width d.

W_Q and W_K (d_k x d) are independent, with independent entries of mean 0 and variances s_q^2 and s_k^2. Exact at every
width d and every head width d_k. Of the law of the entries the moments that a statement names are needed and no more.

- The mean is 0 and the mean square d_k s_q^2 s_k^2 ||x||^2 ||y||^2, for y = x as well (`second_moment`).
- The kurtosis is 3 + (k_q k_k - 3) / d_k, k_q and k_k those of one entry of q and of k (`kurtosis`); for a Gaussian
  law 3 + 6 / d_k.
- Two logits of one head covary as their tokens do: d_k s_q^2 s_k^2 <x, x'> <y, y'> (`covariance`).
- With one matrix for both, W_Q = W_K, the mean is d_k s^2 <x, y>, the variance d_k s^4 (||x||^2 ||y||^2 + <x, y>^2)
  (`tied_mean`, `tied_square`; Gaussian entries).
- Gaussian entries and d_k = 2: the logit over s_q s_k ||x|| ||y|| has Laplace's law (`laplace`), not a normal one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer, real
from theory.rules import equal, limit
from theory.written_out import WrittenOut, at_sizes, matrix, normal, symmetric

HEAD = sp.Symbol("d_k", integer=True, positive=True)
"""Head width: the number of entries of a query and of a key."""
QUERY, KEY = sp.symbols("s_q^2 s_k^2", positive=True)
"""Variances of the entries of W_Q and of W_K."""
FIRST, SECOND, INNER = sp.symbols(r"\|x\|^2 \|y\|^2 x^{T}y", real=True)
LOGIT, OTHER = sp.symbols(r"q^{T}k q'^{T}k'", real=True)
QUERIES, KEYS = sp.symbols(r"x^{T}x' y^{T}y'", real=True)
OF_QUERY, OF_KEY = sp.symbols("k_q k_k", positive=True)
"""Kurtosis of one entry of the query, and of the key."""
OF_WEIGHTS, RATIO = sp.symbols(r"kappa \sum_ix_i^4/\|x\|^4", positive=True)
"""Kurtosis of the weights, and how unequal the entries of the token are: from 1/d to 1."""
SIZES = tuple((width, head) for width in (1, 2, 3) for head in (1, 2, 3))
"""Widths of the tokens and of the head at which averages are computed."""


def _tokens(width: int, names: str) -> Iterable[sp.Matrix]:
    return (sp.Matrix(sp.symbols(f"{name}_1:{width + 1}", real=True)) for name in names)


def written(width: int, head: int) -> WrittenOut:
    """Write out two logits of one head, of any centred law, and the inner products of their tokens."""
    x, y, z, t = _tokens(width, "xyzt")
    query, of_queries = matrix("q", head, width, symmetric(QUERY))
    key, of_keys = matrix("k", head, width, symmetric(KEY))
    stands_for = {
        LOGIT: (query * x).dot(key * y), OTHER: (query * z).dot(key * t),
        FIRST: x.dot(x), SECOND: y.dot(y), QUERIES: x.dot(z), KEYS: y.dot(t), HEAD: sp.Integer(head),
    }  # fmt: skip
    return WrittenOut(stands_for, [*of_queries, *of_keys])


def tied(width: int, head: int) -> WrittenOut:
    """Write out a logit whose queries and keys have one Gaussian matrix."""
    x, y = _tokens(width, "xy")
    both, groups = matrix("q", head, width, normal(QUERY))
    stands_for = {
        LOGIT: (both * x).dot(both * y),
        FIRST: x.dot(x), SECOND: y.dot(y), INNER: x.dot(y), HEAD: sp.Integer(head),
    }  # fmt: skip
    return WrittenOut(stands_for, groups)


@cache
def second_moment() -> Derivation:
    """Derive the mean square of a logit."""
    return Derivation.begin("Mean square of a logit", "The square of q.k, q = W_Q x, k = W_K y.", LOGIT**2).then(
        "Average over both matrices: only the square of a product of two entries has a mean, once for each unit of "
        "the head.",
        HEAD * QUERY * KEY * FIRST * SECOND,
        at_sizes(written, *SIZES),
    )


@cache
def covariance() -> Derivation:
    """Derive the mean product of two logits of one head."""
    return Derivation.begin(
        "Mean product of two logits",
        "Tokens x, y give one logit and x', y' the other, of the same head.",
        LOGIT * OTHER,
    ).then("Average over both matrices.", HEAD * QUERY * KEY * QUERIES * KEYS, at_sizes(written, *SIZES[:5]))


@cache
def tied_mean() -> Derivation:
    """Derive the mean of a logit whose queries and keys have one matrix."""
    return Derivation.begin("Mean of a logit with W_Q = W_K", "The inner product of W x and W y.", LOGIT).then(
        "Average over the matrix.", HEAD * QUERY * INNER, at_sizes(tied, *SIZES)
    )


@cache
def tied_square() -> Derivation:
    """Derive the variance of a logit whose queries and keys have one Gaussian matrix."""
    return Derivation.begin(
        "Variance of a logit with W_Q = W_K",
        "The square less the square of the mean.",
        LOGIT**2 - tied_mean().result ** 2,
    ).then(
        "Average over the matrix, by Wick's theorem.",
        HEAD * QUERY**2 * (FIRST * SECOND + INNER**2),
        at_sizes(tied, *SIZES),
    )


def _units(head: int) -> WrittenOut:
    """Write out a logit as a sum over the units of a head, each a product of an entry of q and one of k."""
    queries, of_queries = matrix("q", head, 1, symmetric(QUERY, OF_QUERY * QUERY**2))
    keys, of_keys = matrix("k", head, 1, symmetric(KEY, OF_KEY * KEY**2))
    return WrittenOut({LOGIT: queries.dot(keys), HEAD: sp.Integer(head)}, [*of_queries, *of_keys])


@cache
def kurtosis() -> Derivation:
    """Derive the kurtosis of a logit from that of one entry of the query and of the key."""
    return (
        Derivation.begin(
            "Kurtosis of a logit", "q.k is a sum over the d_k units of the head: take its fourth power.", LOGIT**4
        )
        .then(
            "Average: units of the head are independent, and so are q and k. Entries of q have the variance s_q^2 "
            "and the kurtosis k_q (here for tokens of norm 1).",
            HEAD * (3 * (HEAD - 1) + OF_QUERY * OF_KEY) * (QUERY * KEY) ** 2,
            at_sizes(_units, *((head,) for head in (1, 2, 3, 4))),
        )
        .then(
            "Divide by the square of the mean square.",
            3 + (OF_QUERY * OF_KEY - 3) / HEAD,
            lambda before, now: equal(before / (HEAD * QUERY * KEY) ** 2, now),
        )
    )


@cache
def entry_kurtosis() -> Derivation:
    """Derive the kurtosis of one entry w.x of a query from that of the weights."""
    product = sp.Symbol(r"w^{T}x", real=True)

    def row(width: int) -> WrittenOut:
        (x,) = _tokens(width, "x")
        weights, groups = matrix("w", 1, width, symmetric(sp.S.One, OF_WEIGHTS))
        fourth = sp.Add(*(entry**4 for entry in x))
        return WrittenOut({product: weights.dot(x), RATIO: fourth / x.dot(x) ** 2, FIRST: x.dot(x)}, groups)

    return (
        Derivation.begin(
            "Kurtosis of an entry of the query", "The fourth power of w.x; the weights have variance 1.", product**4
        )
        .then(
            "Average over the weights, of kurtosis kappa.",
            (3 + (OF_WEIGHTS - 3) * RATIO) * FIRST**2,
            at_sizes(row, (1,), (2,), (3,)),
        )
        .then(
            "Divide by the square of the variance.",
            3 + (OF_WEIGHTS - 3) * RATIO,
            lambda before, now: equal(before / FIRST**2, now),
        )
    )


@cache
def laplace() -> Derivation:
    """Derive the distribution function of a positive logit in a head of width 2, in units of its scale."""
    u, r, t = sp.Symbol("u", positive=True), sp.Symbol("r", positive=True), sp.Symbol("t", positive=True)
    return (
        Derivation.begin(
            "Law of a logit in a head of width 2",
            "Given the key the logit is normal with variance ||k||^2, and ||k|| is Rayleigh: average the normal "
            "density at t > 0 (all scales 1).",
            sp.Integral(
                sp.exp(-(t**2) / (2 * r**2)) / (sp.sqrt(2 * sp.pi) * r) * r * sp.exp(-(r**2) / 2), (r, 0, sp.oo)
            ),
        )
        .then("Integrate: Laplace's density.", sp.exp(-t) / 2)
        .then(
            "The distribution function at t is 1 less the integral beyond.",
            1 - sp.exp(-t) / 2,
            lambda before, now: equal(1 - sp.integrate(before.subs(t, u), (u, t, sp.oo)), now),
        )
    )


@cache
def normal_limit() -> Derivation:
    """Derive that the kurtosis of a logit is a normal one in wide heads."""
    return Derivation.begin(
        "Wide heads", "The kurtosis of a logit under a Gaussian law, k_q = k_k = 3.", kurtosis().at(k_q=3, k_k=3)
    ).then("Let the head grow.", sp.Integer(3), limit(HEAD, sp.oo))


def mean_square(head: Value, query: Value, key: Value, first: Value, second: Value) -> sp.Expr:
    """Return E (q.k)^2 for variances `query` and `key` of the weights and tokens of square norms `first`, `second`.

    Exact, over independent W_Q and W_K with independent entries of mean 0.

    Raises
    ------
    ValueError
        If `head` is not a positive integer or one of the others is not positive.
    """
    named = {"query": query, "key": key, "first": first, "second": second}
    query, key, first, second = (positive(name, value) for name, value in named.items())
    values = {HEAD: positive_integer("head", head), QUERY: query, KEY: key, FIRST: first, SECOND: second}
    return second_moment().at(values)


def logit_kurtosis(head: Value, of_query: Value, of_key: Value) -> sp.Expr:
    """Return E (q.k)^4 / (E (q.k)^2)^2 for entries of q and k of these kurtoses. Exact."""
    head = positive_integer("head", head)
    return kurtosis().at(d_k=head, k_q=positive("of_query", of_query), k_k=positive("of_key", of_key))


def query_kurtosis(weights: Value, ratio: Value) -> sp.Expr:
    """Return the kurtosis of an entry w.x, of weights of kurtosis `weights`; `ratio` is sum x_i^4 / ||x||^4. Exact."""
    return entry_kurtosis().at({OF_WEIGHTS: positive("weights", weights), RATIO: positive("ratio", ratio)})


def mean_product(head: Value, query: Value, key: Value, queries: Value, keys: Value) -> sp.Expr:
    """Return E (q.k)(q'.k'), `queries` and `keys` being the inner products of the tokens. Exact."""
    values = {
        HEAD: positive_integer("head", head), QUERY: positive("query", query), KEY: positive("key", key),
        QUERIES: real("queries", queries), KEYS: real("keys", keys),
    }  # fmt: skip
    return covariance().at(values)


def laplace_cdf(logit: Value) -> sp.Expr:
    """Return P(q.k <= logit) in a head of width 2 with Gaussian weights, in units of s_q s_k ||x|| ||y||. Exact."""
    logit = real("logit", logit)
    above = laplace().at(t=sp.Abs(logit))
    return above if logit.is_nonnegative else 1 - above


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    second_moment, covariance, tied_mean, tied_square, kurtosis, entry_kurtosis, laplace, normal_limit,
)  # fmt: skip
