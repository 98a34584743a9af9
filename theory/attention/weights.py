r"""Attention weights a = softmax(l) over T keys at initialisation.

Logits are independent N(0, s^2) where a statement averages over them; otherwise it holds for every draw.

- The entropy is H = log sum exp(l) - a^T l, in mean E log sum exp(l) - s^2 (1 - E||a||^2) (`entropy`). Both means are
  integrals that `theory.homogeneity.gaussian_logits` computes, so `mean_entropy` and `participation`, T E||a||^2, are
  exact at every T and s.
- T E||a||^2 = 1 + s^2 (1 - 1/T) + O(s^4) for small logits (`small_logits`), and exp(s^2) for many keys at a fixed s
  (`many_keys`): a head at s = 1 sees T/e of its keys, not all of them.
- Exchangeable keys have E a_j = 1/T each. Under a causal mask key j then gets (H_T - H_(j-1)) / T in mean over the
  queries, H_T the T-th harmonic number (`causal_share`).
- The Jacobian da/dl has the trace 1 - ||a||^2 (`jacobian_trace`).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.expectation import gaussian
from theory.homogeneity import gaussian_logits, softmax
from theory.rules import equal, substituting
from theory.symbols import T as NORMAL
from theory.written_out import WrittenOut, at_sizes, matrix, normal

POSITIONS = sp.Symbol("T", integer=True, positive=True)
"""The number of keys that a query sees."""
DEVIATION = sp.Symbol("s", positive=True)
"""Standard deviation of the logits."""
KEY = sp.Symbol("j", integer=True, positive=True)
SQUARES = sp.Symbol(r"E\|p\|^2", positive=True)
LOG_SUM = sp.Symbol(r"\log\sum{e^l}", real=True)
WEIGHTED, OF_SQUARES, TRACE = sp.symbols(r"a^{T}l \|a\|^2 tr", real=True)


@cache
def entropy() -> Derivation:
    """Derive the mean entropy of the weights, here with three keys; more keys add terms of the same kind."""
    weights, logits = softmax.PROBABILITY, softmax.LOGIT
    rest = {weights[2]: 1 - weights[0] - weights[1]}
    weighted = sum(a * z for a, z in zip(weights, logits, strict=True))
    return (
        Derivation.begin(
            "Mean entropy of attention weights",
            "The entropy of the weights p, the softmax of the logits z.",
            sum(-a * sp.log(a) for a in weights),
        )
        .then(
            "The logarithm of a weight is its logit less log sum exp of all.",
            sum(-a * (z - LOG_SUM) for a, z in zip(weights, logits, strict=True)),
            substituting({sp.log(a): z - LOG_SUM for a, z in zip(weights, logits, strict=True)}),
        )
        .then(
            "The weights add up to 1.",
            LOG_SUM - weighted,
            lambda before, now: equal(before.subs(rest), now.subs(rest)),
        )
        .then(
            "Average: Stein's identity gives p^T z the mean s^2 (1 - E||p||^2).",
            LOG_SUM - DEVIATION**2 * (1 - SQUARES),
            lambda before, now: equal(before + weighted - softmax.gaussian_logits().result, now),
        )
    )


def _logits(keys: int) -> WrittenOut:
    """Write out ||a||^2 up to the second order in s, the logits being s times standard normal entries."""
    entries, groups = matrix("z", keys, 1, normal(sp.S.One))
    powers = [sp.exp(DEVIATION * entry) for entry in entries]
    squares = sp.Add(*(power**2 for power in powers)) / sp.Add(*powers) ** 2
    start = [sp.diff(squares, DEVIATION, order).subs(DEVIATION, 0) / sp.factorial(order) for order in (0, 1, 2)]
    expanded = sp.expand(sum(term * DEVIATION**order for order, term in enumerate(start)))
    return WrittenOut({OF_SQUARES: expanded, POSITIONS: sp.Integer(keys)}, groups)


@cache
def small_logits() -> Derivation:
    """Derive T E||a||^2 to the second order in the deviation of the logits."""
    return (
        Derivation.begin(
            "Attention weights of small logits", "||a||^2 to the second order in s, for logits s z.", OF_SQUARES
        )
        .then(
            "Average over standard normal z.",
            (1 + DEVIATION**2 * (1 - 1 / POSITIONS)) / POSITIONS,
            at_sizes(_logits, (1,), (2,), (3,), (4,), (5,)),
        )
        .then(
            "Multiply by T.",
            1 + DEVIATION**2 * (1 - 1 / POSITIONS),
            lambda before, now: equal(POSITIONS * before, now),
        )
    )


@cache
def many_keys() -> Derivation:
    """Derive the limit of T ||a||^2 for many keys."""
    once, twice = (gaussian(sp.exp(power * DEVIATION * NORMAL), NORMAL) for power in (1, 2))
    return Derivation.begin(
        "Attention weights over many keys",
        "T ||a||^2 is the mean of exp(2l) over the keys by the square of the mean of exp(l); by the law of large "
        "numbers both tend to their expectations.",
        twice / once**2,
    ).then("Integrate.", sp.exp(DEVIATION**2))


@cache
def causal_share() -> Derivation:
    """Derive the mean weight on a key over all queries, under a causal mask."""
    query = sp.Symbol("i", integer=True, positive=True)
    return Derivation.begin(
        "Share of a key under a causal mask",
        "Query i sees the keys 1 to i, each with 1/i in mean: average over the T queries, of which those before key j "
        "give it nothing.",
        sp.Sum(1 / query, (query, KEY, POSITIONS)) / POSITIONS,
    ).then(
        "Harmonic numbers add 1/i up.",
        (sp.harmonic(POSITIONS) - sp.harmonic(KEY - 1)) / POSITIONS,
        _at_keys,
    )


def _at_keys(before: sp.Basic, now: sp.Basic) -> str:
    """Compare the sums written out for all keys of up to five."""
    for positions in range(1, 6):
        for key in range(1, positions + 1):
            at = {POSITIONS: positions, KEY: key}
            equal(before.subs(at).doit(), now.subs(at).doit())
    return "15 sizes"


def _jacobian(keys: int) -> WrittenOut:
    logits = sp.symbols(f"l_1:{keys + 1}", real=True)
    total = sp.Add(*map(sp.exp, logits))
    weights = [sp.exp(logit) / total for logit in logits]
    trace = sp.Add(*(sp.diff(weight, logit) for weight, logit in zip(weights, logits, strict=True)))
    return WrittenOut({TRACE: trace, OF_SQUARES: sp.Add(*(weight**2 for weight in weights))}, ())


@cache
def jacobian_trace() -> Derivation:
    """Derive the trace of the Jacobian of softmax."""
    return Derivation.begin(
        "Trace of the Jacobian of softmax", "Add the derivatives of each weight in its own logit.", TRACE
    ).then("The derivative of a_j in l_j is a_j (1 - a_j).", 1 - OF_SQUARES, at_sizes(_jacobian, (1,), (2,), (3,)))


def mean_entropy(keys: Value, deviation: Value) -> float:
    """Return E H of softmax weights over independent N(0, deviation^2) logits, in nats; exact, by quadrature."""
    keys, deviation = int(positive_integer("keys", keys)), float(positive("deviation", deviation))
    loss = gaussian_logits.expected_loss(keys, deviation)
    return loss - gaussian_logits.expected_loss_minus_entropy(keys, deviation)


def participation(keys: Value, deviation: Value) -> float:
    """Return T E||a||^2 for independent N(0, deviation^2) logits over T keys; exact, by quadrature.

    It is 1 for uniform weights and T where one key has all the weight; T over it is the number of keys that a query
    sees in effect.
    """
    keys, deviation = int(positive_integer("keys", keys)), float(positive("deviation", deviation))
    return keys * (1 - gaussian_logits.expected_loss_minus_entropy(keys, deviation) / deviation**2)


def small_participation(keys: Value, deviation: Value) -> sp.Expr:
    """Return T E||a||^2 to the second order in the deviation of the logits."""
    return small_logits().at(T=positive_integer("keys", keys), s=positive("deviation", deviation))


def participation_of_many(deviation: Value) -> sp.Expr:
    """Return the limit exp(deviation^2) of T ||a||^2 for many keys."""
    return many_keys().at(s=positive("deviation", deviation))


def causal_weight(keys: Value, key: Value) -> sp.Expr:
    """Return the mean weight on key number `key`, from 1, over all queries of a causal head. Exact.

    Raises
    ------
    ValueError
        If there are fewer keys than that.
    """
    keys, key = positive_integer("keys", keys), positive_integer("key", key)
    if (keys - key).is_negative:
        raise ValueError(f"key {key} of {keys}; expected a number from 1 to {keys}")
    return causal_share().at(T=keys, j=key)


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (
    entropy, small_logits, many_keys, causal_share, jacobian_trace,
)  # fmt: skip
