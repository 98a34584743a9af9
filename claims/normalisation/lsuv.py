"""LSUV: weights divided by what a batch makes of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import LeakyReLU, mlp, residual_mlp
from simulations.layers.losses import EPS
from simulations.networks.lsuv import Divisor, deviation, lsuv
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.normalisation import branches as normalised

LEAKY = LeakyReLU(0.3)  # no output is dead
WIDTHS, WIDTH, BATCH, BLOCKS, DRAWS, START = (5, 9, 4, 7), 4, 6, 3, 200, 0.1


def _batches(run: Run, width: int, draws: int) -> Array:
    """Batches of real rows, scaled to the variance START over their entries, (draws, BATCH, width)."""
    rng = run.rng("rows", width)
    rows = rng.permutation(np.unique(run.inputs.narrowed(width), axis=0))
    x = rows[(rng.integers(len(rows), size=draws)[:, None] + np.arange(BATCH)) % len(rows)]
    scaled: Array = x * np.sqrt(START / x.var(axis=(1, 2), keepdims=True))
    return scaled


def _layers(run: Run, divisor: Divisor, bias: float | None) -> tuple[Array, Array]:
    """Variances over batch and units of every layer's output, and bounds on their rounding, (draws, layers)."""
    network, x = mlp(WIDTHS, activation=LEAKY, bias_deviation=bias), _batches(run, WIDTHS[0], DRAWS)
    parameters = lsuv(network, network.draw(run.rng("layers"), DRAWS), x, iterations=1, divisor=divisor)
    variances, rounding = [], []
    for dense, state in zip(network.weights(), network.run(parameters, x).states, strict=False):
        output, _ = dense.forward(parameters, state)
        variances.append(output.var(axis=(1, 2)))
        # A product of fan_in terms rounds as often, relative to the sum of their sizes; the variance, once an entry.
        size = np.square(np.abs(state) @ np.abs(parameters[dense.weight])).mean(axis=(1, 2))
        rounding.append(8 * (dense.fan_in + BATCH * dense.fan_out + 8) * EPS * (size + 1))
    return np.stack(variances, axis=1), np.stack(rounding, axis=1)


def _stream(run: Run, draws: int) -> Array:
    """Variance of the residual stream over batch and units before and after every block, (draws, BLOCKS + 1)."""
    network, x = residual_mlp(WIDTH, BLOCKS, activation=LEAKY), _batches(run, WIDTH, draws)
    parameters = lsuv(network, network.draw(run.rng("stream"), draws), x, iterations=1)
    return np.stack([state.var(axis=(1, 2)) for state in network.run(parameters, x).states], axis=1)


def _variance(y: Array) -> Array:
    spread: Array = y.var(axis=(1, 2), keepdims=True)
    return spread


def _root_mean_square(y: Array) -> Array:
    size: Array = np.sqrt(np.square(y).mean(axis=(1, 2), keepdims=True))
    return size


def _one(y: Array) -> Array:
    return np.ones_like(y[:, :1, :1])


@claim(
    "O5",
    paper="Mishkin & Matas 2016 (LSUV)",
    where="algorithm 1; the stream derived here",
    states=r"W\leftarrow\frac{W}{\sqrt{\operatorname{Var}(xW)}}:\ \operatorname{Var}=1\text{ after one division};\qquad"
    r"\mathbb E\operatorname{Var}x_L=\operatorname{Var}x_0+L\ \text{in a residual net}",
    derivation=[normalised.division, normalised.stream],
    mutants=[
        mutant(
            "divided by the variance",
            "The output scales with the weights, its variance with their square: v becomes 1/v.",
            divisor=_variance,
        ),
        mutant(
            "divided by the root mean square",
            "Activations have a mean, so the second moment is not the variance.",
            divisor=_root_mean_square,
        ),
        mutant("orthonormal alone", "The simulated weights are never divided.", divisor=_one),
        mutant("with biases", "A bias is not divided, so the variance needs more than one division.", bias=0.5),
        mutant(
            "residual streams double",
            "That is the law of branches as large as their stream; LSUV gives all branches variance 1.",
            growth=lambda start, blocks: start * 2**blocks,
        ),
        mutant(
            "residual streams keep their variance",
            "LSUV sets what layers put out, not what shortcuts add.",
            growth=lambda start, blocks: sp.Integer(1),
        ),
    ],
)
def one_division_gives_unit_variance(
    run: Run,
    *,
    divisor: Divisor = deviation,
    bias: float | None = None,
    growth: Callable[[float, int], sp.Expr] = normalised.stream_variance,
) -> Finding:
    """Without biases one division gives every layer variance 1 on the batch; a residual stream then grows by 1 a block.

    The first is exact for every draw and batch of real rows, in sample: over batch and units, to rounding. The second
    averages over orthonormal weights at a fixed batch, exact at any width (here 4). A block adds 1 + 2 Cov(x, F); given
    the past the covariance has mean 0, by the sign of the last layer, and variance at most Var x.
    """
    variances, rounding = run.once(_layers, divisor, bias)
    findings = [identity(variances, number(normalised.division().result), rounding=rounding)]
    run = run.share(BLOCKS)
    truths = [number(normalised.stream_variance(START, block)) for block in range(BLOCKS + 1)]
    tests = {
        block: run.mean(truths[block], variance=4 * sum(truths[:block]), error=0.12) for block in range(1, BLOCKS + 1)
    }
    stream = run.once(_stream, max(test.draws for test in tests.values()))
    findings += [test(stream[:, block], expected=growth(START, block)) for block, test in tests.items()]
    return all_of(findings)
