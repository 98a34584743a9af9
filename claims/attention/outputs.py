"""What a head of attention makes of its values, forwards, under dropout, and backwards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.attention.heads import VASWANI, WIDTH, head, unlike
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding
from simulations.attention.attend import attend, split
from simulations.numbers.arrays import Array
from theory.attention import outputs as theory
from theory.domain import number

POSITIONS, HEAD, KEEP = 4, 3, 0.7
VALUE = 1 / WIDTH
"""LeCun's variance of the entries of W_V."""


@dataclass(frozen=True)
class Pass:
    """Tokens (draws, positions, width), weights (draws, queries, keys), values and outputs of one head, and back."""

    tokens: Array
    weights: Array
    values: Array
    outputs: Array
    cotangents: Array
    """Of the values, for cotangents of the outputs with standard normal entries."""


def _vectors(run: Run, draws: int) -> tuple[Array, list[Array]]:
    """Tokens, and the queries, keys and values of one head."""
    layer = head(HEAD, POSITIONS)
    parameters, x = layer.draw(run.rng("weights"), draws), unlike(run, "outputs", draws, POSITIONS)
    return x, [split(part.forward(parameters, x)[0], 1, 1) for part in layer.parts[:3]]


def _pass(run: Run, draws: int) -> Pass:
    x, vectors = _vectors(run, draws)
    outputs, weights, pullback = attend(vectors[0], vectors[1], vectors[2])
    _, _, back = pullback(run.rng("cotangents").standard_normal(outputs.shape))
    return Pass(x, weights[:, 0, 0], vectors[2][:, 0, 0], outputs[:, 0, 0], back[:, 0, 0])


def _gram(of: Pass) -> Array:
    """a^T G a of the first query."""
    mixed = (of.weights[:, :1] @ of.tokens)[:, 0]
    return np.asarray(np.vecdot(mixed, mixed))


def _mean_square(of: Pass) -> Array:
    return np.asarray(number(theory.mean_square(HEAD, VALUE, 1)) * _gram(of))


def _of_lengths(of: Pass) -> Array:
    """The mean square of a value, averaged over the tokens."""
    return np.asarray(number(theory.mean_square(HEAD, VALUE, 1)) * np.square(of.tokens).sum(axis=2).mean(axis=1))


@claim(
    "Q9",
    paper=VASWANI,
    where="section 3.2.1; derived here",
    states=r"\mathbb E\|o\|^2=d_v\,\sigma_v^2\,a^{\mathsf T}G\,a,\qquad G_{ij}=x_i^{\mathsf T}x_j",
    derivation=[theory.output, theory.correlated],
    mutants=[
        mutant(
            "1/T of a value",
            "The mean of T independent values; tokens that are alike lose less, and weights are not uniform.",
            square=lambda of: _of_lengths(of) / POSITIONS,
        ),
        mutant(
            "as large as a value",
            "A mean of vectors is as large as they are only if they are equal.",
            square=_of_lengths,
        ),
        mutant(
            "the squared weights alone",
            "||a||^2 of a value is what orthogonal tokens leave.",
            square=lambda of: _of_lengths(of) * np.square(of.weights[:, 0]).sum(axis=1),
        ),
    ],
)
def outputs_are_means_of_tokens(run: Run, *, square: Callable[[Pass], Array] = _mean_square) -> Finding:
    """A head's output is as large as the mean of its tokens, by the attention weights: a^T G a times d_v s_v^2.

    Averages over W_V at given tokens and given W_Q and W_K; exact at every width. The law is tested: for Gaussian W_V a
    multiple of chi-square with d_v degrees.
    """
    test = run.chi_square(HEAD, error=0.05, at_most=0.1)
    found = run.once(_pass, test.draws)
    return test(np.square(found.outputs[:, 0]).sum(axis=1) / square(found) * HEAD)


def _dropped(run: Run, draws: int) -> tuple[Array, Array, Array]:
    """For one pass: square norms of outputs under dropout of the weights (draws,), without, and sum a_j^2 |v_j|^2."""
    one = run.once(_pass, 1)
    kept = (run.rng("dropout").random((draws, POSITIONS)) < KEEP) / KEEP
    shape = (draws, 1, 1, POSITIONS, POSITIONS)
    vectors = [np.broadcast_to(v, (draws, 1, 1, POSITIONS, HEAD)) for v in _vectors(run, 1)[1]]
    outputs, _, _ = attend(vectors[0], vectors[1], vectors[2], kept=np.broadcast_to(kept[:, None, None, None], shape))
    squares = np.square(one.weights[:, 0]) @ np.square(one.values).sum(axis=2)[0]
    return np.square(outputs[:, 0, 0, 0]).sum(axis=1), np.square(one.outputs[:, 0]).sum(axis=1), squares


@claim(
    "Q10",
    paper=VASWANI,
    where="section 5.4; derived here",
    states=r"\mathbb E\|o'\|^2=\|o\|^2+\Bigl(\frac1k-1\Bigr)\sum_ja_j^2\|v_j\|^2",
    derivation=theory.dropout,
    mutants=[
        mutant(
            "1/k times",
            "The factor of one unit that is kept or not: values that are added share the loss.",
            square=lambda whole, squares, kept: sp.sympify(whole) / kept,
        ),
        mutant(
            "no change",
            "Dividing by k keeps the mean of the output, not its mean square.",
            square=lambda whole, squares, kept: sp.sympify(whole),
        ),
    ],
)
def dropout_of_weights_adds_to_the_square(
    run: Run, *, square: Callable[[float, float, float], sp.Expr] = theory.dropped_square
) -> Finding:
    """Dropout that keeps a share k of the attention weights adds (1/k - 1) sum a_j^2 ||v_j||^2 to the mean square.

    Averages over what is kept, at given weights and values; exact. Of one head at real tokens, with k = 0.7.
    """
    one = run.once(_pass, 1)
    whole = float(np.square(one.outputs[0, 0]).sum())
    squares = float(np.square(one.weights[0, 0]) @ np.square(one.values[0]).sum(axis=1))
    truth = number(theory.dropped_square(whole, squares, KEEP))
    most = float((one.weights[0, 0] @ np.linalg.norm(one.values[0], axis=1)) ** 2) / KEEP**2
    test = run.mean(truth, variance=truth * (most - truth), error=0.03, at_most=0.05)
    found, _, _ = run.once(_dropped, test.draws)
    return test(found, expected=square(whole, squares, KEEP))


def _frobenius(weights: Array) -> Array:
    return np.asarray(np.square(weights).sum(axis=(1, 2)))


@claim(
    "Q11",
    paper=VASWANI,
    where="section 3.2.1; derived here",
    states=r"\sum_j\mathbb E\|\delta v_j\|^2=\|A\|_F^2\;\mathbb E\|g\|^2",
    derivation=theory.backward,
    mutants=[
        mutant(
            "as forwards",
            "For orthogonal tokens of one norm an output has ||a||^2 of a value; backwards all queries add up.",
            size=lambda weights: np.square(weights[:, 0]).sum(axis=1),
        ),
        mutant(
            "the sum of the weights",
            "Every row of A adds up to 1: that is the sum of the cotangents, not of their squares.",
            size=lambda weights: np.full(len(weights), float(POSITIONS)),
        ),
    ],
)
def values_get_the_squares_of_all_weights(run: Run, *, size: Callable[[Array], Array] = _frobenius) -> Finding:
    """Uncorrelated cotangents of the outputs reach the values with the squared weights of all queries, ||A||_F^2.

    Averages over cotangents (here standard normal) at given weights; exact at every width.
    """
    test = run.mean(1, variance=2 / HEAD, error=0.05)  # ||A A^T||_F^2 is at most ||A||_F^4
    found = run.once(_pass, test.draws)
    told = number(theory.backward_square(1, HEAD)) * size(found.weights)
    return test(np.square(found.cotangents).sum(axis=(1, 2)) / told)
