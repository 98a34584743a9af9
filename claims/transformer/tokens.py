"""Tokens of causal attention: the first, which sees itself alone, with and without norms; and those behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from claims.transformer.streams import XIONG, real_row
from evidence import Finding, all_of, inequality
from simulations.attention.attend import attend
from simulations.attention.masks import causal
from simulations.layers.losses import EPS
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import NONE, PRE, Recipe
from simulations.transformer.stack import transformer
from theory.domain import number
from theory.transformer import random_walk, tokens

WIDTH, HIDDEN, TOKENS, DEPTH = 6, 10, 4, 2
PLAIN = replace(PRE, affine=False, eps=0.0)


def _rows(run: Run) -> Array:
    """A real row of the mean square 1 and its opposite by turns, as tokens: averages of them are small, (1, 4, 6)."""
    return real_row(run, WIDTH) * (-1.0) ** np.arange(TOKENS)[:, None]


def _norms(run: Run, recipe: Recipe, masked: bool, draws: int) -> Array:
    """Square norms of the tokens behind the stack, before a last norm, (draws, TOKENS)."""
    network = transformer(WIDTH, DEPTH, recipe, hidden=HIDDEN, positions=TOKENS, causal=masked)
    x = np.repeat(_rows(run), draws, axis=0)
    states = network.run(network.draw(run.rng("weights"), draws), x).states
    squares: Array = np.square(states[2 * DEPTH]).sum(axis=2)
    return squares


def _averaged(run: Run, draws: int) -> Array:
    """Square norms of averages of normalised tokens by weights of causal attention, over d, (draws, TOKENS)."""
    rng = run.rng("averages")
    y = LayerNorm("norm", WIDTH, 0.0).forward({}, np.repeat(_rows(run), draws, axis=0))[0][:, None, None]
    queries, keys = rng.normal(size=(2, *y.shape))
    average, _, _ = attend(queries, keys, y, causal(TOKENS, TOKENS))
    squares: Array = np.square(average).sum(axis=4)[:, 0, 0] / WIDTH
    return squares


MOVED = 2 / WIDTH + 5 / HIDDEN
"""The variance of a branch's mean square: that of an attention over one key, and that of a perceptron."""


@claim(
    "V2",
    paper=XIONG,
    where="section 3.3, the pre-LN stream with attention; the first token exactly, derived here",
    states=r"\mathbb E\|x^{(1)}_{N}\|^2=\|x_0\|^2+2N\,d\ \text{(the first token)},\qquad a^{\mathsf T}Ga\le d\ "
    r"\text{(what attention adds at any token)}",
    derivation=[tokens.first_token, tokens.layers, tokens.later_token, random_walk.over_sizes],
    mutants=[
        mutant(
            "one branch a layer",
            "N d: attention is a branch as well as the perceptron.",
            norm=lambda start, width, depth: start + depth * width,
        ),
        mutant(
            "attention averages it away",
            "1/T of a value's square, the share of T orthogonal values with equal weights: the first token sees one.",
            norm=lambda start, width, depth: start + depth * (width + sp.Rational(width, TOKENS)),
        ),
        mutant(
            "doubling",
            "The law without norms: a branch as large as its stream.",
            norm=lambda start, width, depth: start * 4**depth,
        ),
        mutant("the same for all tokens", "The last token is measured, which averages four values.", token=-1),
        mutant("no mask", "The simulated first token sees all others.", masked=False),
        mutant(
            "sums for averages",
            "a^T G a taken for orthogonal tokens, ||a||^2 d, as a bound: equal tokens lose nothing.",
            most=lambda averages: np.full_like(averages, 0.5),
        ),
    ],
)
def first_tokens_see_themselves(
    run: Run,
    *,
    norm: Callable[[float, int, int], sp.Expr] = tokens.first_token_norm,
    token: int = 0,
    masked: bool = True,
    most: Callable[[Array], Array] = np.ones_like,
) -> Finding:
    """In a causal pre-LN stack the first token's square norm grows by exactly 2d a layer, and later ones' by less.

    The first has one key, so its softmax is 1: an average over Gaussian weights (values and outputs LeCun, perceptrons
    He, then LeCun) at a real row, of which later tokens are the opposite by turns; exact at every width, depth and
    number of tokens, epsilon 0. That averages of vectors of square norm d have no more is a theorem, seen for every
    draw of queries and keys. Two layers of width 6; the variance is exact.
    """
    start = float(np.square(_rows(run)[0, 0]).sum())
    truth = number(tokens.first_token_norm(start, WIDTH, DEPTH))
    variance = random_walk.norm_variance(start, WIDTH, 2 * DEPTH, DEPTH * MOVED)
    test = run.mean(truth, variance=variance, error=0.042, at_most=0.042)
    seen = run.once(_norms, PLAIN, masked, test.draws)
    averages = run.once(_averaged, 200)
    return all_of(
        [
            test(seen[:, token], expected=norm(start, WIDTH, DEPTH)),
            inequality(most(averages), averages, rounding=32 * WIDTH * TOKENS * EPS),
        ]
    )


@claim(
    "V8",
    paper="Vaswani et al. 2017 (Attention Is All You Need)",
    where="section 3.1, the stack, here causal and with its norms left out; derived here",
    states=r"\mathbb E\|x^{(1)}_N\|^2=4^N\|x_0\|^2",
    derivation=[tokens.unnormalised, random_walk.over_sizes],
    mutants=[
        mutant(
            "2^N",
            "A layer counted as one branch; attention adds as much as the perceptron.",
            growth=lambda depth: sp.Integer(2) ** depth,
        ),
        mutant(
            "3^N",
            "Both branches said to see the layer's input: the perceptron sees what attention has added.",
            growth=lambda depth: sp.Integer(3) ** depth,
        ),
        mutant("linear growth", "The law with norms before the branches.", growth=lambda depth: 1 + 2 * depth),
        mutant("the same for all tokens", "The last token is measured, which averages four values.", token=-1),
        mutant("norms before the branches", "The simulated stack is pre-LN.", recipe=PLAIN),
        mutant("no mask", "The simulated first token sees all others.", masked=False),
    ],
)
def without_norms_a_layer_quadruples(
    run: Run,
    *,
    growth: Callable[[int], sp.Expr] = tokens.unnormalised_growth,
    token: int = 0,
    recipe: Recipe = NONE,
    masked: bool = True,
) -> Finding:
    """Without norms each Transformer layer quadruples the first token's square norm: two branches, each doubling it.

    Averages over Gaussian weights (values and outputs LeCun, perceptrons He, then LeCun) at a real row, of which later
    tokens are the opposite by turns; exact at every width and depth. Later tokens average values, which adds less: two
    to four times the square norm in a first layer of tokens of one norm. Two layers of width 6; branches multiply the
    norm by independent factors, so the variance is exact.
    """
    start = float(np.square(_rows(run)[0, 0]).sum())
    second = 1.0
    for moved in (2 / WIDTH, 5 / HIDDEN):
        variance = number(random_walk.norm_variance(1, WIDTH, 1 / WIDTH, moved / WIDTH**2))
        second *= 4 + variance
    truth = number(tokens.unnormalised_growth(DEPTH))
    test = run.mean(truth, variance=second**DEPTH - truth**2, error=0.07, at_most=0.07)
    seen = run.once(_norms, recipe, masked, test.draws)
    return test(seen[:, token] / start, expected=growth(DEPTH))
