"""How large a rate may be at the start of a net of vectors, by depth: behind zeros it is that of one wide layer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity, inequality
from simulations import Initialiser, Network, he, lecun, residual_mlp, zero
from simulations.layers.dense import Parameters
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.domain import number
from theory.fixup import scale as fixup
from theory.fixup import start_kernel

WIDTH, HIDDEN, OUTPUTS, ROWS, DRAWS = 4, 6, 2, 3, 40
BLOCKS, DEPTHS = 3, (4, 16)
AWAY, STEPS = 1e-6, 6
"""How far outputs are from their targets at first, and how many steps of descent follow."""
OF_READOUT, OF_GRAM, CURVATURE = sp.symbols("alpha gamma lambda", positive=True)
Scale = Callable[[int], float]
Mean = Callable[[int, int, int, float], sp.Expr]
Product = Callable[[sp.Expr, sp.Expr], sp.Expr]


@cache
def _fixup(blocks: int) -> float:
    return number(fixup.fixup_scale(blocks, 2))


def _one(blocks: int) -> float:
    return 1.0


@cache
def _law(blocks: int, scale: float) -> tuple[sp.Expr, sp.Expr]:
    """Mean and variance of lambda of one output and one input."""
    mean = start_kernel.mean_curvature(blocks, WIDTH, HIDDEN, scale)
    return mean, start_kernel.relative_variance(blocks, HIDDEN) * mean**2


def _net(blocks: int, scale: float, outputs: int, last: Initialiser) -> Network:
    return residual_mlp(WIDTH, blocks, hidden=HIDDEN, init=he.scaled(scale), last_layer=last, classes=outputs)


def _rows(run: Run, draws: int, count: int, *address: str | int) -> Array:
    """Real rows of few features, of length 1."""
    narrow, rng = run.inputs.narrowed(WIDTH), run.rng("rows", *address)
    x = narrow[rng.integers(len(narrow), size=(draws, count))]
    unit: Array = x / np.linalg.norm(x, axis=-1, keepdims=True)
    return unit


def _hidden(parameters: Parameters, x: Array, blocks: int) -> Array:
    """The hidden units of all blocks at x itself, (draws, rows, blocks * HIDDEN)."""
    return np.concatenate([np.maximum(x @ parameters[f"block{b}.layer0.weight"], 0) for b in range(blocks)], axis=-1)


@dataclass(frozen=True)
class Kernels:
    """Of each draw: largest eigenvalues of V V^T, of the Gram matrix and of the measured kernel; what is left."""

    of_readout: Array
    of_gram: Array
    measured: Array
    traces: Array
    left: dict[float, Array]
    """By rate over 2 / lambda: the way that is left after some steps, over that at first."""


def _descended(run: Run, scale: Scale, last: Initialiser, blocks: int, rate: float) -> Kernels:
    """Measure the kernel by the way back, then descend from outputs that are off along its first eigenvector."""
    network = _net(blocks, scale(blocks), OUTPUTS, last)
    parameters = network.draw(run.rng("weights", blocks), DRAWS)
    x = _rows(run, DRAWS, ROWS, "kernel", blocks)
    branches = [name for name in parameters if name.startswith("block")]
    seen, slopes = network.run(parameters, x), []
    for unit in np.eye(ROWS * OUTPUTS).reshape(-1, ROWS, OUTPUTS):
        gradients = seen.gradients(np.broadcast_to(unit, seen.output.shape))
        slopes.append(np.concatenate([gradients[name].reshape(DRAWS, -1) for name in branches], axis=1))
    jacobian = np.stack(slopes, axis=1)
    values, vectors = np.linalg.eigh(jacobian @ jacobian.mT)
    readout, hidden = parameters["readout.weight"], _hidden(parameters, x, blocks)
    way = AWAY * vectors[..., -1].reshape(DRAWS, ROWS, OUTPUTS)
    left = {}
    for share in (0.9, 1.1):
        eta = share * rate / values[:, -1, None, None]
        now, target = dict(parameters), seen.output + way
        for _ in range(STEPS):
            at = network.run(now, x)
            gradients = at.gradients(at.output - target)
            now = now | {name: now[name] - eta * gradients[name] for name in branches}
        left[share] = np.linalg.norm(network.run(now, x).output - target, axis=(1, 2)) / AWAY
    return Kernels(
        np.asarray(np.linalg.eigvalsh(readout.mT @ readout)[:, -1], np.float64),
        np.asarray(np.linalg.eigvalsh(hidden @ hidden.mT)[:, -1], np.float64),
        values[:, -1],
        values.sum(axis=1),
        left,
    )


def _of_one(run: Run, scale: Scale, last: Initialiser, blocks: int, draws: int) -> Array:
    """The squared slopes of one output over ||v||^2 ||x||^2 at one row, (draws,)."""
    network = _net(blocks, scale(blocks), 1, last)
    parameters = network.draw(run.rng("one", blocks), draws)
    seen = network.run(parameters, _rows(run, draws, 1, "one", blocks))
    gradients = seen.gradients(np.ones_like(seen.output))
    squares = [np.square(one).sum(axis=(1, 2)) for name, one in gradients.items() if name.startswith("block")]
    ratios: Array = np.sum(squares, axis=0) / np.square(parameters["readout.weight"]).sum(axis=(1, 2))
    return ratios


@claim(
    "F22",
    paper=FIXUP,
    where="section 3, what the scale is for, in nets of vectors; derived here",
    states=r"W_2=0:\ K=VV^{\mathsf T}\otimes G,\quad \eta<\frac2{\sigma_{\max}(V)^2\lambda_{\max}(G)};\qquad "
    r"\lambda\sim\tfrac{2a^2}n\chi^2_{K}\|v\|^2\|x\|^2,\ K\sim\mathrm{Bin}(Lh,\tfrac12),\quad \mathbb E\lambda\propto"
    r"\tfrac{a^2Lh}n=\tfrac hn\text{ (Fixup)}",
    derivation=start_kernel.DERIVATIONS,
    mutants=[
        mutant(
            "all outputs together",
            "The trace of V V^T for its largest eigenvalue: that rate is safe, but up to c times too small.",
            product=lambda outputs, gram: start_kernel.curvature(OUTPUTS * outputs, gram),
        ),
        mutant(
            "zeros are enough",
            "A branch is 0 in either case, but L of them move together: without the scale lambda grows like L.",
            mean=lambda blocks, n, h, scale: start_kernel.mean_curvature(1, n, h, 1),
        ),
        mutant(
            "every hidden unit counts",
            "Half of them are inactive at an input.",
            mean=lambda blocks, n, h, scale: 2 * start_kernel.mean_curvature(blocks, n, h, scale),
        ),
        mutant(
            "1 / lambda",
            "A step at 1 / lambda lands on the target; at 1.1 / lambda descent is as stable as can be.",
            rate=lambda curvature: start_kernel.largest_rate(curvature) / 2,
        ),
        mutant(
            "1/L on each layer",
            "The simulated scale: the product of a branch's scales is meant to be 1/sqrt L, not 1/L.",
            scale=lambda blocks: 1 / blocks,
        ),
        mutant("last layers of LeCun", "The simulated branches are not 0, so blocks see more than x_0.", last=lecun),
    ],
)
def zeros_leave_the_rate_of_one_layer(
    run: Run,
    *,
    product: Product = start_kernel.curvature,
    mean: Mean = start_kernel.mean_curvature,
    rate: Callable[[sp.Expr], sp.Expr] = start_kernel.largest_rate,
    scale: Scale = _fixup,
    last: Initialiser = zero,
) -> Finding:
    """Behind Fixup's zeros the largest stable rate of L blocks is that of one layer of L h units, scaled alike.

    Exact at any width, for branches' weights and a readout that is not 0. With several outputs and inputs lambda is
    measured by the way back; six steps at 0.9 times 2 / lambda come closer, at 1.1 times not. With one of each, over
    Gaussian weights lambda has the mean h / n under Fixup, at any depth, and L h / n with the zeros alone, in units of
    ||v||^2 ||x||^2, and a relative variance of 5 / (L h). (He then LeCun: L 2^(L-1) (h/n + 1/2), F8.)
    """
    to_curvature = sp.lambdify([OF_READOUT, OF_GRAM], product(OF_READOUT, OF_GRAM))
    over_lambda = number(rate(CURVATURE) * CURVATURE)
    seen = run.once(_descended, scale, last, BLOCKS, over_lambda)
    told = to_curvature(seen.of_readout, seen.of_gram)
    findings = [
        identity(seen.measured, told, rounding=64 * (ROWS * OUTPUTS + WIDTH) * EPS * seen.traces),
        inequality(1.0, seen.left[0.9], rounding=0.0),
        inequality(seen.left[1.1], 1.0, rounding=0.0),
    ]
    run = run.share(2 * len(DEPTHS))
    for blocks in DEPTHS:
        for simulated, true in ((scale, blocks**-0.5), (_one, 1.0)):
            truth, variance = _law(blocks, true)
            test = run.mean(truth, variance=variance, error=0.12, at_most=0.15)
            values = run.once(_of_one, simulated, last, blocks, test.draws)
            findings.append(test(values, expected=number(mean(blocks, WIDTH, HIDDEN, true))))
    return all_of(findings)
