"""Attention weights at initialisation: how many keys a query sees, and what masks and softmax do to them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.attention.heads import VASWANI, head, tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, MeanTest, all_of, identity
from simulations.attention import masks
from simulations.attention.attend import products, split
from simulations.attention.masks import Mask
from simulations.attention.softmax import softmax
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.attention import weights as theory
from theory.domain import number

KEYS, SETTINGS = 16, (0.5, 1.0, 3.0)
"""How many keys a query sees, and deviations of its logits."""
POSITIONS = 6
Number = Callable[[int, float], float]


def _logits(run: Run, draws: int) -> Array:
    """Logits of a drawn query at orthonormal keys, so that they are independent: (draws, KEYS), of deviation 1."""
    layer = head(KEYS, 1, width=2)
    query, *_ = layer.parts
    x = tokens(run, "query", draws, 1, 2)
    x *= math.sqrt(2) / np.linalg.norm(x, axis=2, keepdims=True)
    queries, _ = query.forward(layer.draw(run.rng("weights"), draws), x)
    keys = np.broadcast_to(np.eye(KEYS), (draws, KEYS, KEYS))
    return products(split(queries, 1, 1), split(keys, 1, 1))[0][:, 0, 0, 0]


def _weights(run: Run, deviation: float, draws: int) -> Array:
    return softmax(deviation * run.once(_logits, draws))[0]


def _bounded(run: Run, told: float, low: float, high: float, error: float, unit: float | None = None) -> MeanTest:
    """Plan the mean of a variable between two numbers: its variance is at most (high - mean)(mean - low)."""
    return run.mean(told, variance=(high - told) * (told - low), error=error, at_most=0.15, unit=unit)


@claim(
    "Q6",
    paper=VASWANI,
    where="section 3.2.1; derived here",
    states=r"T\,\mathbb E\|a\|^2=T\Bigl(1-\frac{\mathbb E\,a^{\mathsf T}\ell}{s^2}\Bigr),\qquad"
    r"\mathbb E\,H(a)=\mathbb E\log\sum_je^{\ell_j}-s^2\bigl(1-\mathbb E\|a\|^2\bigr)",
    derivation=[theory.entropy, theory.small_logits, theory.many_keys],
    mutants=[
        mutant(
            "uniform weights",
            "Logits of deviation 1 are not small: the query sees fewer keys than there are.",
            participation=lambda keys, deviation: 1.0,
        ),
        mutant(
            "many keys",
            "exp(s^2) is the limit of many keys, which 16 are not at s = 3.",
            participation=lambda keys, deviation: number(theory.participation_of_many(deviation)),
        ),
        mutant(
            "small logits",
            "1 + s^2 (1 - 1/T) is the beginning of a series in s^2.",
            participation=lambda keys, deviation: number(theory.small_participation(keys, deviation)),
        ),
        mutant(
            "the largest entropy",
            "log T, as of uniform weights.",
            entropy=lambda keys, deviation: math.log(keys),
        ),
    ],
)
def a_query_sees_fewer_keys_than_there_are(
    run: Run, *, participation: Number = theory.participation, entropy: Number = theory.mean_entropy
) -> Finding:
    """Weights over 16 keys with independent normal logits have a T E||a||^2 and a mean entropy that one integral gives.

    Averages over Gaussian weights of the query, at orthonormal keys, which make its logits independent; exact at any T
    and s. Tested at s = 0.5, 1 and 3; at s = 1 the query sees 7.5 of its keys, T over T E||a||^2.
    """
    run, findings = run.share(2 * len(SETTINGS)), []
    for deviation in SETTINGS:
        truth, mean_entropy = theory.participation(KEYS, deviation), theory.mean_entropy(KEYS, deviation)
        squares = _bounded(run, truth, 1, KEYS, 0.08)
        entropies = _bounded(run, mean_entropy, 0, math.log(KEYS), 0.03)
        found = run.once(_weights, deviation, max(squares.draws, entropies.draws))
        squared = KEYS * np.square(found).sum(axis=1)
        findings.append(squares(squared[: squares.draws], expected=participation(KEYS, deviation)))
        surprise = -(found * np.log(np.maximum(found, np.finfo(float).tiny))).sum(axis=1)
        findings.append(entropies(surprise[: entropies.draws], expected=entropy(KEYS, deviation)))
    return all_of(findings)


def _shares(run: Run, mask: Mask, draws: int) -> Array:
    """Weights on each key, averaged over the queries, of one head at exchangeable tokens: (draws, POSITIONS)."""
    layer = head(2, POSITIONS)
    query, key, *_ = layer.parts
    parameters, x = layer.draw(run.rng("weights"), draws), tokens(run, "causal", draws, POSITIONS)
    vectors = [split(part.forward(parameters, x)[0], 1, 1) for part in (query, key)]
    logits, _ = products(vectors[0], vectors[1], 1 / math.sqrt(2))
    return np.asarray(softmax(logits, mask)[0][:, 0, 0].mean(axis=1))


def _causal(keys: int, number_of_key: int) -> sp.Expr:
    return theory.causal_weight(keys, number_of_key)


def _mask(causal: bool) -> Mask:
    return masks.causal(POSITIONS) if causal else np.ones((POSITIONS, POSITIONS), bool)


@claim(
    "Q7",
    paper=VASWANI,
    where="section 3.2.3; derived here",
    states=r"\frac1T\sum_i\mathbb E\,a_{ij}=\frac{H_T-H_{j-1}}{T}\quad\text{under a causal mask}",
    derivation=theory.causal_share,
    mutants=[
        mutant(
            "1/T for every key", "Later keys are seen by fewer queries.", share=lambda keys, key: sp.Integer(1) / keys
        ),
        mutant(
            "its own query left out",
            "A query sees its own key too: the sum over queries begins with j.",
            share=lambda keys, key: _causal(keys, min(key + 1, keys)),
        ),
        mutant("no mask", "The simulated head sees all keys.", causal=False),
    ],
)
def causal_heads_look_at_early_keys(
    run: Run, *, share: Callable[[int, int], sp.Expr] = _causal, causal: bool = True
) -> Finding:
    """Under a causal mask key j of T gets the share (H_T - H_(j-1)) / T of all queries' weight in mean.

    Averages over weights and over exchangeable tokens (here real rows, drawn independently); exact at every width.
    The first of 6 keys gets 0.408, the last 0.028.
    """
    run, findings = run.share(POSITIONS), []
    for key in range(1, POSITIONS + 1):
        truth, most = number(_causal(POSITIONS, key)), (POSITIONS + 1 - key) / POSITIONS
        test = _bounded(run, truth, 0, most, 0.12, unit=1.0 / POSITIONS)
        found = run.once(_shares_of, causal, test.draws)
        findings.append(test(found[:, key - 1], expected=share(POSITIONS, key)))
    return all_of(findings)


def _shares_of(run: Run, causal: bool, draws: int) -> Array:
    return _shares(run, _mask(causal), draws)


@claim(
    "Q8",
    paper=VASWANI,
    where="section 3.2.1; derived here",
    states=r"\operatorname{tr}\frac{\partial a}{\partial\ell}=1-\|a\|^2,\qquad"
    r"\sum_j\frac{\partial C}{\partial\ell_j}=0",
    derivation=theory.jacobian_trace,
    mutants=[
        mutant(
            "1 - 1/T",
            "That of uniform weights: a query that has chosen its key has a Jacobian of 0.",
            trace=lambda squares, keys: np.full_like(squares, 1 - 1 / keys),
        ),
        mutant(
            "of one entry",
            "a_1 (1 - a_1) alone is the slope of one weight in its own logit, not of all.",
            trace=lambda squares, keys: (1 - squares) / keys,
        ),
    ],
)
def softmax_passes_back_what_is_undecided(
    run: Run, *, trace: Callable[[Array, int], Array] = lambda squares, keys: 1 - squares
) -> Finding:
    """The Jacobian of softmax has the trace 1 - ||a||^2, and its cotangents add up to 0 over the keys.

    No average: every draw, for any logits; drawn at deviations 0.5 to 3.
    """
    draws, findings = 128, []
    for deviation in SETTINGS:
        weights, pullback = softmax(deviation * run.once(_logits, draws))
        columns = [pullback(np.broadcast_to(unit, weights.shape).copy()) for unit in np.eye(KEYS)]
        own = sum((column[:, j] for j, column in enumerate(columns)), np.zeros(draws))
        told = trace(np.square(weights).sum(axis=1), KEYS)
        findings.append(identity(own, told, rounding=64 * KEYS * EPS))
        sums = np.abs(np.stack([column.sum(axis=1) for column in columns], axis=1))
        findings.append(identity(sums, 0.0, rounding=64 * KEYS * EPS))
    return all_of(findings)
