"""Logits of attention at initialisation: their mean square, their law, and how those of one head hang together."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import sympy as sp
from scipy import stats

from claims.attention.heads import HEAD, VASWANI, WIDTH, compared, drawn, head, logits, tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, law
from simulations import gaussian, rademacher, uniform
from simulations.numbers.arrays import Array
from theory.attention import logits as theory
from theory.domain import number

ENTRY = 1 / WIDTH
"""LeCun's variance of the entries of W_Q and W_K."""
COSINES = (0.5, -0.6)
"""Of the tokens of two queries, and of two keys."""
Square = Callable[[int, float, float, Array, Array], Array]


def _square(head: int, query: float, key: float, first: Array, second: Array) -> Array:
    """The mean square of a logit for tokens of these square norms; a mutant may look at them in another way."""
    return number(theory.mean_square(head, query, key, 1, 1)) * first * second


def _unit_entries(head: int, query: float, key: float, first: Array, second: Array) -> Array:
    return np.full_like(first, head)


def _width_for_head(head: int, query: float, key: float, first: Array, second: Array) -> Array:
    return _square(WIDTH, query, key, first, second)


def _deviations(head: int, query: float, key: float, first: Array, second: Array) -> Array:
    return _square(head, math.sqrt(query), math.sqrt(key), first, second)


@claim(
    "Q1",
    paper=VASWANI,
    where="section 3.2.1, footnote 4",
    states=r"\mathbb E\,(q^{\mathsf T}k)^2=d_k\,\sigma_q^2\,\sigma_k^2\,\|x\|^2\,\|y\|^2,\qquad"
    r"\mathbb E\,q^{\mathsf T}k=0",
    derivation=[theory.second_moment, theory.kurtosis, theory.entry_kurtosis],
    mutants=[
        mutant(
            "the width for the head's",
            "The sum runs over the d_k units of one head, not over the d features of a token.",
            square=_width_for_head,
        ),
        mutant(
            "entries of variance 1",
            "The footnote takes the entries of q and k to have variance 1; they have that of x times the weights'.",
            square=_unit_entries,
        ),
        mutant("standard deviation for variance", "Both matrices enter squared.", square=_deviations),
        mutant(
            "one matrix for queries and keys",
            "The simulated W_Q and W_K are one: a logit then has the mean d_k s^2 x^T y.",
            tied=True,
        ),
    ],
)
def logits_grow_with_the_head(run: Run, *, square: Square = _square, tied: bool = False) -> Finding:
    """A logit of independent queries and keys has mean 0 and mean square d_k times both tokens' norms and variances.

    Averages over weights at fixed tokens, the same or different; exact at every width, for every entry law with mean 0.
    So 1/sqrt(d_k) keeps it at every head width. The variance of the test is that of Gaussian weights, a bound for laws
    of smaller kurtosis.
    """
    run, findings = run.share(6), []
    spread = number(theory.logit_kurtosis(HEAD, 3, 3)) - 1
    squares, centre = (
        run.mean(1, variance=spread, error=0.1, at_most=0.15),
        run.mean(0, variance=1, error=0.05, unit=1.0),
    )
    for entries in (gaussian, uniform, rademacher):
        found, x = run.once(logits, HEAD, entries, tied, max(squares.draws, centre.draws))
        norms = np.square(x).sum(axis=2)
        told = square(HEAD, ENTRY, ENTRY, norms[:, 0], norms[:, 1])
        findings.append(squares((found[:, 0] ** 2 / told)[: squares.draws]))
        findings.append(centre((found[:, 0] / np.sqrt(told))[: centre.draws]))
    return all_of(findings)


def _cdf(scaled: Array) -> Array:
    """Laplace's distribution function, as `theory` derives it for positive logits."""
    above = sp.lambdify(sp.Symbol("t", positive=True), theory.laplace().result, "numpy")
    return np.asarray(np.where(scaled > 0, above(np.abs(scaled)), 1 - above(np.abs(scaled))))


def _normal_cdf(scaled: Array) -> Array:
    """That of N(0, 2), the normal law of the same variance."""
    return np.asarray(stats.norm.cdf(scaled, scale=math.sqrt(2)))


def _distance(error: float) -> float:
    """The Kolmogorov distance between Laplace's law and the same (1 + error) times as wide."""
    scaled = np.linspace(0, 10, 1001)
    return float(np.max(np.abs(_cdf(scaled) - _cdf(scaled / (1 + error)))))


@claim(
    "Q2",
    paper=VASWANI,
    where="section 3.2.1, footnote 4; the law derived here",
    states=r"d_k=2:\ \frac{q^{\mathsf T}k}{\sigma_q\sigma_k\|x\|\|y\|}\sim\mathrm{Laplace}(1),\qquad"
    r"\operatorname{kurt}=3+\frac{6}{d_k}",
    derivation=[theory.laplace, theory.kurtosis, theory.normal_limit],
    mutants=[
        mutant(
            "a normal law",
            "The limit of wide heads: a sum of two products is not normal, its kurtosis is 6.",
            cdf=_normal_cdf,
        ),
        mutant("a head of three", "The simulated head has three units: the logit is wider, nearer to normal.", head=3),
        mutant(
            "one matrix for queries and keys",
            "The simulated W_Q and W_K are one: logits of tokens that are alike are then positive.",
            tied=True,
        ),
    ],
)
def logits_of_small_heads_are_laplace(
    run: Run, *, cdf: Callable[[Array], Array] = _cdf, head: int = HEAD, tied: bool = False
) -> Finding:
    """A logit of a head of two units has Laplace's law, with kurtosis 6; in general the kurtosis is 3 + 6 / d_k.

    Averages over Gaussian weights at fixed tokens; exact at every width. The law is tested, the kurtosis derived.
    """
    error = run.error(0.1, at_most=0.12)
    nats = math.sqrt(math.log(4 / run.alpha) / 2) + math.sqrt(math.log(4000) / 2)
    draws = math.ceil(1.1 * (nats / _distance(error)) ** 2)
    found, x = run.once(logits, head, gaussian, tied, draws)
    norms = np.linalg.norm(x, axis=2)
    scaled = found[:, 0] / (ENTRY * norms[:, 0] * norms[:, 1])
    measured = float(np.mean(scaled**2)) / 2
    return law(cdf(scaled), measured=measured, distance_of=_distance, error=error, alpha=run.alpha)


def _turned(x: Array, other: Array, cosine: float) -> Array:
    """Turn `other` (draws, width) in its plane with `x` until it has this cosine with `x`, and their norms are 1."""
    along = x / np.linalg.norm(x, axis=1, keepdims=True)
    across = other - np.vecdot(other, along)[:, None] * along
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    return np.asarray(cosine * along + math.sqrt(1 - cosine**2) * across)


def _pairs(run: Run, draws: int) -> Array:
    """Logits of (x, y) and (x', y') in units of the weights' deviations, for tokens of norm 1 and given cosines."""
    layer, x = head(HEAD, 4), tokens(run, "pairs", draws, 4) + run.rng("apart").standard_normal((draws, 4, WIDTH))
    x[:, :2] /= np.linalg.norm(x[:, :2], axis=2, keepdims=True)
    for position, cosine in enumerate(COSINES):
        x[:, position + 2] = _turned(x[:, position], x[:, position + 2], cosine)
    found = compared(layer, drawn(run, "pairs", layer, draws), x).logits / ENTRY
    return np.stack([found[:, 0, 1], found[:, 2, 3]], axis=1)


def _mean_product(queries: float, keys: float) -> float:
    """The mean product of two logits at tokens of norm 1 and these cosines."""
    return number(theory.mean_product(HEAD, 1, 1, queries, keys))


@claim(
    "Q3",
    paper=VASWANI,
    where="section 3.2.1; derived here",
    states=r"\mathbb E\,(q^{\mathsf T}k)(q'^{\mathsf T}k')=d_k\,\sigma_q^2\sigma_k^2\,"
    r"(x^{\mathsf T}x')(y^{\mathsf T}y')",
    derivation=theory.covariance,
    mutants=[
        mutant(
            "independent logits",
            "Logits of one head share W_Q and W_K: they are uncorrelated for orthogonal tokens only.",
            product=lambda queries, keys: 0.0,
        ),
        mutant(
            "one logit, twice",
            "Full correlation, as of equal tokens: the cosines of both pairs count.",
            product=lambda queries, keys: float(HEAD),
        ),
        mutant(
            "the queries alone",
            "Keys of one head are as alike as their tokens, no more.",
            product=lambda queries, keys: HEAD * queries,
        ),
    ],
)
def logits_of_a_head_are_correlated(run: Run, *, product: Callable[[float, float], float] = _mean_product) -> Finding:
    """Two logits of one head covary as their queries' tokens do, times as their keys' tokens do.

    Averages over weights at fixed tokens; exact at every width. Tokens of cosines 0.5 (queries) and -0.6 (keys).
    """
    # (q.k)^2 (q'.k')^2 is at most the mean of the fourth powers, in units of d_k^2 the kurtosis of a logit
    spread = HEAD**2 * number(theory.logit_kurtosis(HEAD, 3, 3))
    test = run.mean(_mean_product(*COSINES), variance=spread, error=0.05, at_most=0.1, unit=float(HEAD))
    pairs = run.once(_pairs, test.draws)
    return test(pairs[:, 0] * pairs[:, 1], expected=product(*COSINES))
