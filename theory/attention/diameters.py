r"""How far apart tokens can be behind attention without a skip, and how little W_Q and W_K then hear: bounds.

D is the diameter of the tokens, the largest distance between two of them; norms of matrices are their largest singular
values; B = W_Q W_K^T / sqrt(d_k). No average: everything holds for every draw, at every width and any number of keys.

- The weights of two queries have a log ratio that ranges over the keys by at most ||B|| D^2 (`log_ratio`), so they
  differ in total variation by at most tanh(||B|| D^2 / 4) (`variation`), and the outputs of the head by at most
  D' = ||W_V|| D tanh(||B|| D^2 / 4) (`diameter`). Two tokens of one feature, opposite to each other, attain it.
- As tanh z <= z, D' is at most ||W_V|| ||B|| D^3 / 4. With ||W_V|| ||B|| / 4 <= c in L layers, log(sqrt(c) D) is
  multiplied by 3 or more in each where it is negative: sqrt(c) D_L <= (sqrt(c) D_0)^(3^L) (`layers`).
- The slope of a loss in one query is a covariance over its weights, of the slopes in them and of the keys, at most
  (1 - ||a||^2) / 2 times ||g|| ||W_V|| ||W_K|| D^2 / sqrt(d_k), g the cotangent of its output (`query_slope`). So where
  tokens come together, gradients of W_Q and W_K vanish with the square of their distance; that of W_V need not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import nonnegative, positive, positive_integer
from theory.rules import DerivationError, equal, recursion, substituting
from theory.symbols import L
from theory.written_out import WrittenOut, at_sizes

DIAMETER, VALUE, BOTH, KEY = sp.symbols(r"D \|W_V\| \|B\| \|W_K\|", positive=True)
HEAD = sp.Symbol("d_k", integer=True, positive=True)
SPAN, PREFERRED = sp.symbols("Delta Q", positive=True)
"""The range of a log ratio, and the weight that one query gives to the keys that another prefers to it."""
COTANGENT, UNDECIDED = sp.symbols(r"\|g\| 1-\|a\|^2", nonnegative=True)
CONSTANT, START = sp.Symbol("c", positive=True), sp.Symbol("u_0", real=True)
LOG_RATIO, PRODUCT, OUTPUTS, SLOPE, PAIRS, FIRST, SECOND = sp.symbols(
    r"\log{r} (x_i-x_k)^{T}B(x_j-x_m) o_i-o_k \partial{\ell}/\partial{q} \sum_{jm} \|x_i-x_k\| \|x_j-x_m\|",
    real=True,
)
VARIATION = sp.Symbol(r"\|a_i-a_k\|", positive=True)


def _vectors(name: str, count: int, width: int) -> list[sp.Matrix]:
    return [sp.Matrix(width, 1, lambda j, _, i=i: sp.Symbol(f"{name}_{i}{j}", real=True)) for i in range(count)]


def _two_queries(keys: int, width: int) -> WrittenOut:
    """Write out the log ratio of two queries' weights on two of the keys."""
    x, both = _vectors("x", keys, width), sp.Matrix(width, width, lambda i, j: sp.Symbol(f"b_{i}{j}", real=True))
    logits = [[(x[i].T * both * x[j])[0] for j in range(keys)] for i in (0, 1)]
    shares = [[logit - sp.log(sum(map(sp.exp, row))) for logit in row] for row in logits]
    told = ((x[0] - x[1]).T * both * (x[0] - x[-1]))[0]
    return WrittenOut({LOG_RATIO: shares[0][0] - shares[1][0] - shares[0][-1] + shares[1][-1], PRODUCT: told}, ())


@cache
def log_ratio() -> Derivation:
    """Derive by how much two queries' ratio of weights can differ between two keys."""
    return (
        Derivation.begin("Two queries of one head", "The ratio of their weights on one key, by that on another, in "
                         "logarithms.", LOG_RATIO)
        .then("What is common to a query's logits cancels, and so does what is common to a key's.", PRODUCT,
              at_sizes(_two_queries, (2, 1), (2, 2), (3, 1)))
        .then("At most this, as the norm of B is defined.", BOTH * FIRST * SECOND,
              substituting({PRODUCT: BOTH * FIRST * SECOND}))
        .then("No two tokens are further apart than D.", BOTH * DIAMETER**2,
              substituting({FIRST: DIAMETER, SECOND: DIAMETER}))
    )  # fmt: skip


@cache
def variation() -> Derivation:
    """Derive how far two sets of weights can be apart whose log ratio ranges over Delta."""
    preferred = PREFERRED * sp.exp(SPAN) / (1 - PREFERRED + PREFERRED * sp.exp(SPAN))

    def at_the_top(before: sp.Basic, now: sp.Basic) -> str:
        top = {PREFERRED: 1 / (1 + sp.exp(SPAN / 2))}
        equal(sp.diff(before, PREFERRED).subs(top), sp.S.Zero)
        whole = 1 - PREFERRED + PREFERRED * sp.exp(SPAN)  # positive: the curvature has the sign of 1 - exp(Delta)
        equal(sp.diff(before, PREFERRED, 2) * whole**3, 2 * sp.exp(SPAN) * (1 - sp.exp(SPAN)))
        return equal(before.subs(top), now)

    return Derivation.begin(
        "Total variation of two queries' weights",
        "The keys that the first prefers have the weight Q from the second, and odds of at most exp(Delta) times as "
        "much from the first: the weight of the first less Q.",
        preferred - PREFERRED,
    ).then(
        "It is largest where Q = 1 / (1 + exp(Delta / 2)): its slope in Q is 0 there, and falls everywhere.",
        sp.tanh(SPAN / 4),
        at_the_top,
    )


def _two_outputs(more: int, fewer: int) -> WrittenOut:
    """Write out two queries' outputs of one feature; the first gives `more` keys more weight, `fewer` less."""
    gains, losses = ([sp.Symbol(f"{name}_{i}", positive=True) for i in range(count)]
                     for name, count in (("p", more), ("q", fewer)))  # fmt: skip
    losses[-1] = sum(gains) - sum(losses[:-1])  # as weights add up to 1
    there, here = ([sp.Symbol(f"{name}_{i}", real=True) for i in range(count)]
                   for name, count in (("v", more), ("w", fewer)))  # fmt: skip
    outputs = sum(p * v for p, v in zip(gains, there, strict=True)) - sum(
        q * w for q, w in zip(losses, here, strict=True)
    )
    pairs = sum(p * q * (v - w) for p, v in zip(gains, there, strict=True) for q, w in zip(losses, here, strict=True))
    return WrittenOut({OUTPUTS: outputs, PAIRS: pairs, VARIATION: sum(gains)}, ())


@cache
def diameter() -> Derivation:
    """Derive the bound of the distance between outputs of one head without a skip."""
    return (
        Derivation.begin(
            "Diameter of the outputs of a head",
            "The outputs of two queries: values, by the differences of their weights.",
            OUTPUTS,
        )
        .then(
            "What one gives more to some keys the other gives to others: a sum over pairs of p_j q_m (v_j - v_m), in "
            "which p and q, the differences of either sign, add up to the total variation each.",
            PAIRS / VARIATION,
            at_sizes(_two_outputs, (1, 1), (2, 1), (1, 2), (2, 2), (3, 2)),
        )
        .then(
            "No two values are further apart than ||W_V|| D.",
            VARIATION * VALUE * DIAMETER,
            substituting({PAIRS: VARIATION**2 * VALUE * DIAMETER}),
        )
        .then(
            "The variation is at most tanh(Delta / 4).",
            sp.tanh(SPAN / 4) * VALUE * DIAMETER,
            substituting({VARIATION: variation().result}),
        )
        .then(
            "The range Delta is at most ||B|| D^2.",
            VALUE * DIAMETER * sp.tanh(BOTH * DIAMETER**2 / 4),
            substituting({SPAN: log_ratio().result}),
        )
    )


def _tanh_at_most(before: sp.Basic, now: sp.Basic) -> str:
    """Check that the hyperbolic tangent is left out: tanh z and z are equal at 0, and the slope of tanh is smaller."""
    if sp.tanh(0) != 0 or not (sp.diff(sp.tanh(SPAN), SPAN) - 1).is_nonpositive:
        raise DerivationError("tanh z is not at most z")
    return equal(before.replace(sp.tanh, lambda of: of), now)


@cache
def layers() -> Derivation:
    """Derive the bound for several layers, from the cubic one for each."""
    u = sp.Function("u", real=True)
    cubed = CONSTANT * DIAMETER**3

    def logarithm(before: sp.Basic, now: sp.Basic) -> str:
        after = sp.sqrt(CONSTANT) * before.subs(DIAMETER, sp.exp(u(L)) / sp.sqrt(CONSTANT))
        return equal(sp.Eq(u(L + 1), sp.log(after)), now)

    return (
        Derivation.begin("Diameter behind L layers of attention", "The bound of one layer.", diameter().result)
        .then("tanh z is at most z.", VALUE * BOTH * DIAMETER**3 / 4, _tanh_at_most)
        .then("In no layer is ||W_V|| ||B|| above 4 c.", cubed, substituting({VALUE: 4 * CONSTANT / BOTH}))
        .then("Take u = log(sqrt(c) D).", sp.Eq(u(L + 1), 3 * u(L)), logarithm)
        .then("Solve.", sp.Eq(u(L), 3**L * START), recursion(L, START))
    )


def _query(keys: int, width: int) -> WrittenOut:
    """Write out the slope in the first entry of a query, of the values' mean in the direction of the cotangent."""
    query, vectors = _vectors("q", 1, width)[0], _vectors("k", keys, width)
    values = [sp.Symbol(f"u_{j}", real=True) for j in range(keys)]
    powers = [sp.exp((query.T * vector)[0]) for vector in vectors]
    shares = [power / sum(powers) for power in powers]
    mean = sum(share * value for share, value in zip(shares, values, strict=True))
    pairs = sum(
        shares[j] * shares[m] * (values[j] - values[m]) * (vectors[j][0] - vectors[m][0])
        for j, m in combinations(range(keys), 2)
    )
    return WrittenOut(
        {SLOPE: sp.diff(mean, query[0]), PAIRS: pairs, UNDECIDED: 1 - sum(share**2 for share in shares)}, ()
    )


def _all_pairs(keys: int) -> WrittenOut:
    """Write out the weights of all pairs of keys."""
    shares = [sp.Symbol(f"a_{j}", positive=True) for j in range(keys)]
    shares[-1] = 1 - sum(shares[:-1])
    pairs = sum(one * other for one, other in combinations(shares, 2))
    return WrittenOut({PAIRS: pairs, UNDECIDED: 1 - sum(share**2 for share in shares)}, ())


@cache
def query_slope() -> Derivation:
    """Derive the bound of the slope of a loss in one query."""
    largest = COTANGENT * VALUE * KEY * DIAMETER**2 / sp.sqrt(HEAD)
    return (
        Derivation.begin(
            "Slope in a query",
            "Differentiate the values in the direction of the cotangent, u_j = g.v_j, averaged with the weights.",
            SLOPE,
        )
        .then(
            "A covariance: a sum over pairs of keys of a_j a_m (u_j - u_m) (k_j - k_m).",
            PAIRS,
            at_sizes(_query, (2, 1), (2, 2), (3, 1)),
        )
        .then(
            "Values differ by at most ||g|| ||W_V|| D in the direction of g, keys by ||W_K|| D; divide by sqrt(d_k).",
            PAIRS * largest,
            lambda before, now: equal(before * COTANGENT * (VALUE * DIAMETER) * (KEY * DIAMETER) / sp.sqrt(HEAD), now),
        )
        .then(
            "All pairs together have the weight (1 - ||a||^2) / 2.",
            UNDECIDED / 2 * largest,
            at_sizes(_all_pairs, (2,), (3,), (4,)),
        )
    )


def largest_diameter(diameter_before: Value, value: Value, both: Value) -> sp.Expr:
    """Return ||W_V|| D tanh(||B|| D^2 / 4), which no two outputs of a head are further apart than. For every draw."""
    at = {DIAMETER: nonnegative("diameter_before", diameter_before), VALUE: positive("value", value)}
    return diameter().at(at | {BOTH: positive("both", both)})


def largest_diameter_behind(layers_passed: Value, diameter_before: Value, constant: Value) -> sp.Expr:
    """Return (sqrt(c) D)^(3^L) / sqrt(c), a bound of the diameter behind L layers; `constant` is c. For every draw."""
    root = sp.sqrt(positive("constant", constant))
    start = sp.log(root * positive("diameter_before", diameter_before))
    return sp.exp(layers().at({L: positive_integer("layers_passed", layers_passed, least=0), START: start})) / root


def largest_query_slope(
    undecided: Value, cotangent: Value, diameter_before: Value, value: Value, key: Value, head: Value
) -> sp.Expr:
    """Return the bound of the norm of a loss's slope in one query; `undecided` is 1 - ||a||^2. For every draw."""
    at = {UNDECIDED: nonnegative("undecided", undecided), COTANGENT: nonnegative("cotangent", cotangent)}
    at |= {DIAMETER: nonnegative("diameter_before", diameter_before), HEAD: positive_integer("head", head)}
    return query_slope().at(at | {VALUE: positive("value", value), KEY: positive("key", key)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (log_ratio, variation, diameter, layers, query_slope)
