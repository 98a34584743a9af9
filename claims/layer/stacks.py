"""Blocks that are stored as one matrix, queries, keys and values or gates of a cell, and what rules make of them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from claims.layer.fans import COARSEST, CONVENTIONS
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import Initialiser, glorot, rademacher
from simulations.layers.dense import Dense
from simulations.numbers.arrays import Array
from simulations.weights.orthogonal import haar
from theory.domain import number
from theory.layer import conventions, fans, products

D, BLOCKS = 6, 3


def _stack(run: Run, init: Initialiser, outputs: int, draws: int) -> tuple[Array, Array, Array]:
    """Square norms of queries, squared logits, and square norms of the cotangent of x, at rows of mean square 1."""
    rng, rows = run.rng("stack"), run.inputs.narrowed(D)
    rows = rows / np.sqrt(np.mean(np.square(rows), axis=1, keepdims=True))
    x, y = (rows[rng.integers(len(rows), size=draws)][:, None, :] for _ in range(2))
    layer = Dense("in_proj", D, BLOCKS * D, Initialiser(lambda fan_in, fan_out: init.variance(fan_in, outputs)))
    parameters = layer.draw(rng, draws)
    projected, pullback = layer.forward(parameters, x)
    other, _ = layer.forward(parameters, y)
    query, key = projected[:, 0, :D], other[:, 0, D : 2 * D]
    dx = pullback(rademacher(rng, projected.shape), None)
    return np.square(query).sum(axis=1), np.vecdot(query, key) ** 2, np.square(dx[:, 0]).sum(axis=1)


def _share() -> float:
    return number(conventions.fused_share(D, D, BLOCKS))


def _logit_share() -> float:
    return number(conventions.fused_logit_share(D, D, BLOCKS))


def _backwards() -> float:
    told = conventions.pytorch((BLOCKS * D, D))
    return number(conventions.backward_factor(fans.dense(D, BLOCKS * D), told, "fan_avg"))


@claim(
    "A12",
    paper=CONVENTIONS,
    where="torch.nn.MultiheadAttention: Glorot's rule for q, k and v as one matrix",
    states=r"\sigma^2=\frac2{d+3d}:\quad\mathbb E\,q_i^2=\tfrac12\,\overline{x^2},\quad\mathbb E(q\cdot k)^2="
    r"\tfrac14\cdot d\,\overline{x^2}\,\overline{y^2},\quad\mathbb E\,dx^2=\tfrac32\,\overline{dy^2}",
    derivation=[conventions.fused, conventions.logits, products.kernel_forwards, products.kernel_backwards],
    mutants=[
        mutant("three matrices", "By itself each block would have Glorot's 1/d.", share=lambda: 1.0),
        mutant(
            "a third",
            "The fan-out is three times that of a block, but half of the average is the fan-in.",
            share=lambda: 1 / BLOCKS,
        ),
        mutant("half for logits too", "A logit has a query and a key, both too small.", logit=_share),
        mutant(
            "half backwards too",
            "The stack's fan-out is right for what it is: cotangents of all three add up.",
            backwards=_share,
        ),
        mutant("blocks drawn apart", "The simulated variance is 2/(d + d).", outputs=D),
    ],
)
def fused_blocks_share_one_fan_out(
    run: Run,
    *,
    share: Callable[[], float] = _share,
    logit: Callable[[], float] = _logit_share,
    backwards: Callable[[], float] = _backwards,
    outputs: int = BLOCKS * D,
) -> Finding:
    """Glorot's rule for q, k and v as one matrix gives each half of its own variance, and logits a quarter.

    Averages over Gaussian weights at fixed inputs of mean square 1, for one head, with cotangents that are signs; exact
    at any width. Square norms are multiples of chi-square variables; at fixed k the logit is normal, so its square has
    relative second moment 3 (1 + 2/d).
    """
    run = run.share(3)
    square = run.chi_square(D, error=0.1, at_most=COARSEST)
    mean = run.mean(_logit_share(), variance=_logit_share() ** 2 * (3 * (1 + 2 / D) - 1), error=0.1, at_most=COARSEST)
    queries, logits, cotangents = run.once(_stack, glorot, outputs, max(square.draws, mean.draws))
    return all_of(
        [
            square(queries[: square.draws] / share()),
            mean(logits[: mean.draws] / D, expected=logit()),
            square(cotangents[: square.draws] / backwards()),
        ]
    )


UNITS, GATES = 2, {"GRU": 3, "LSTM": 4}


def _gate(run: Run, gates: int, stacked: bool, draws: int) -> Array:
    """Square norm of what one gate makes of a unit vector."""
    rng = run.rng("gates", gates)
    rows = (gates if stacked else 1) * UNITS
    block = haar(rng, (draws, rows, rows))[:, :UNITS, :UNITS] / math.sqrt(rows)
    x = rng.standard_normal((draws, UNITS))
    y = np.einsum("rij,rj->ri", block, x / np.linalg.norm(x, axis=1, keepdims=True))
    squares: Array = np.square(y).sum(axis=1)
    return squares


@claim(
    "A13",
    paper=CONVENTIONS,
    where="orthogonal initialisation of an LSTM's or a GRU's stacked gates",
    states=r"W^\top W=I,\ W\in\mathbb R^{mn\times n}:\quad\mathbb E\|W_{\text{gate}}x\|^2=\frac{\|x\|^2}m:\quad"
    r"\tfrac14\ \text{(LSTM)},\ \tfrac13\ \text{(GRU)}",
    derivation=[conventions.stacked],
    mutants=[
        mutant(
            "every gate is orthogonal",
            "The stack keeps lengths, and its gates share them.",
            share=lambda gates: 1.0,
        ),
        mutant("the root", "1/sqrt m is the factor on entries.", share=lambda gates: 1 / math.sqrt(gates)),
        mutant("gates drawn apart", "The simulated gates are orthogonal one by one.", stacked=False),
    ],
)
def stacked_gates_share_one_length(
    run: Run,
    *,
    share: Callable[[int], float] = lambda gates: number(conventions.stacked_share(gates)),
    stacked: bool = True,
) -> Finding:
    """Gates stacked in one orthogonal matrix keep 1/m of a square norm each: a quarter in an LSTM, a third in a GRU.

    Averages over Haar-distributed weights at fixed inputs; exact at any width. What a gate of n = 2 units keeps is a
    Beta(n/2, (m-1)n/2) variable, whose relative variance is (m-1)/(m n/2 + 1).
    """
    run, findings = run.share(len(GATES)), []
    for gates in GATES.values():
        truth = number(conventions.stacked_share(gates))
        variance = truth**2 * (gates - 1) / (gates * UNITS / 2 + 1)
        test = run.mean(truth, variance=variance, error=0.1, at_most=COARSEST)
        findings.append(test(run.once(_gate, gates, stacked, test.draws), expected=share(gates)))
    return all_of(findings)
