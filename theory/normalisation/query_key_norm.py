r"""Logits of queries and keys that are normalised first (QK-norm), with the gain g: l = q.k / sqrt(d_k).

q and k are g times what RMSNorm, or LayerNorm, makes of W_Q x and W_K y in a head of width d_k; epsilon is 0.

- |l| <= g^2 sqrt(d_k), whatever the weights and the tokens (`bound`), so that none of T keys gets more weight than
  1 / (1 + (T - 1) exp(-2 g^2 sqrt d_k)) (`largest_weight`). For every draw; q = k attains it.
- For independent Gaussian W_Q and W_K, l^2 is g^4 d_k times the share of one squared normal in the sum of n, n = d_k
  for RMSNorm and d_k - 1 for LayerNorm: the law Beta(1/2, (n - 1)/2) of
  `theory.normalisation.layer_norm.share`, whatever the variances of the weights and the tokens.
  So E l^2 = g^4 d_k / n (`mean_square`): g^4 for RMSNorm. Exact at every width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import combinations

import sympy as sp

from theory.derivation import Derivation, Value
from theory.domain import positive, positive_integer
from theory.normalisation.layer_norm import DEGREES, FREE, free_directions, share_moment
from theory.rules import DerivationError, at_most, dropping, equal, substituting
from theory.symbols import ORDER
from theory.written_out import WrittenOut, at_sizes

HEAD = sp.Symbol("d_k", integer=True, positive=True)
"""The number of entries of a query and of a key."""
GAIN = sp.Symbol("g", positive=True)
PRODUCT = sp.Symbol("q^{T}k", real=True)
QUERY, KEY, AREA, OTHERS = sp.symbols(r"\|q\|^2 \|k\|^2 \sum_{i<j}(q_ik_j-q_jk_i)^2 M", nonnegative=True)
KEYS = sp.Symbol("T", integer=True, positive=True)
LARGEST = sp.Symbol(r"l_{max}", positive=True)


def _written(head: int) -> WrittenOut:
    q, k = (sp.symbols(f"{name}_1:{head + 1}", real=True) for name in "qk")
    pairs = combinations(range(head), 2)
    stands_for = {
        PRODUCT: sp.Add(*(a * b for a, b in zip(q, k, strict=True))),
        QUERY: sp.Add(*(a**2 for a in q)), KEY: sp.Add(*(b**2 for b in k)),
        AREA: sp.Add(*((q[i] * k[j] - q[j] * k[i]) ** 2 for i, j in pairs)),
    }  # fmt: skip
    return WrittenOut(stands_for, ())


@cache
def bound() -> Derivation:
    """Derive the bound of a squared logit."""
    return (
        Derivation.begin("Bound of a logit behind QK-norm", "The square of q.k.", PRODUCT**2)
        .then(
            "Lagrange's identity.", QUERY * KEY - AREA, at_sizes(_written, (1,), (2,), (3,))
        )
        .then("A sum of squares is not negative.", at_most(QUERY * KEY - AREA, QUERY * KEY), dropping(-AREA))
        .then(
            "Both norms leave vectors of square norm g^2 d_k; divide by d_k, the square of the divisor.",
            at_most((QUERY * KEY - AREA) / HEAD, GAIN**4 * HEAD),
            _normalised,
        )
    )  # fmt: skip


def _normalised(before: sp.Basic, now: sp.Basic) -> str:
    after = {QUERY: GAIN**2 * HEAD, KEY: GAIN**2 * HEAD}
    return equal(at_most(before.lhs / HEAD, before.rhs.subs(after) / HEAD), now)


@cache
def largest_weight() -> Derivation:
    """Derive the largest weight that softmax gives to one of T keys whose logits lie between -l_max and l_max."""
    weight = 1 / (1 + (KEYS - 1) * OTHERS)

    def at_the_end(before: sp.Basic, now: sp.Basic) -> str:
        least = sp.exp(-2 * LARGEST)
        if not sp.factor(sp.diff(1 / before, OTHERS)).subs(KEYS, KEYS + 1).is_nonnegative:
            raise DerivationError(f"{before} does not fall with {OTHERS}")
        return equal(before.subs(OTHERS, least), now)

    return (
        Derivation.begin(
            "Largest weight behind QK-norm",
            "Softmax divides by the key's own exponential: M is the mean of exp(l_j - l_i) over the other keys.",
            weight,
        )
        .then(
            "It falls with M, which is at least exp(-2 l_max).", weight.subs(OTHERS, sp.exp(-2 * LARGEST)), at_the_end
        )
        .then(
            "The largest logit is g^2 sqrt(d_k).",
            1 / (1 + (KEYS - 1) * sp.exp(-2 * GAIN**2 * sp.sqrt(HEAD))),
            substituting({LARGEST: sp.sqrt(bound().result)}),
        )
    )


@cache
def mean_square() -> Derivation:
    """Derive the mean square of a logit over Gaussian weights."""
    return (
        Derivation.begin(
            "Mean square of a logit behind QK-norm",
            "Turn the head so that k lies along the first axis: q is g sqrt(d_k) times a direction that is uniform in "
            "n dimensions, and the squared cosine is a share of n.",
            share_moment().at({ORDER: 1, DEGREES: FREE}),
        )
        .then("Its mean is one n-th.", 1 / FREE, lambda before, now: equal(sp.gammasimp(before), now))
        .then(
            "Both vectors have the square norm g^2 d_k; divide by d_k.",
            GAIN**4 * HEAD / FREE,
            lambda before, now: equal(before * (GAIN**2 * HEAD) ** 2 / HEAD, now),
        )
    )


def largest_logit(head: Value, gain: Value = 1) -> sp.Expr:
    """Return g^2 sqrt(d_k), which no logit exceeds in size. Exact, for every draw."""
    return sp.sqrt(bound().at({HEAD: positive_integer("head", head), GAIN: positive("gain", gain)}))


def largest_attention(keys: Value, head: Value, gain: Value = 1) -> sp.Expr:
    """Return the weight that no one of `keys` keys exceeds. Exact, for every draw."""
    values = {KEYS: positive_integer("keys", keys), HEAD: positive_integer("head", head)}
    return largest_weight().at(values | {GAIN: positive("gain", gain)})


def logit_mean_square(head: Value, takes_mean: bool, gain: Value = 1) -> sp.Expr:
    """Return E l^2 over independent Gaussian W_Q and W_K, behind LayerNorm (`takes_mean`) or RMSNorm. Exact."""
    values = {HEAD: positive_integer("head", head, least=2), FREE: free_directions(head, takes_mean)}
    return mean_square().at(values | {GAIN: positive("gain", gain)})


DERIVATIONS: tuple[Callable[[], Derivation], ...] = (bound, largest_weight, mean_square)
