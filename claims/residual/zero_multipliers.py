"""SkipInit and ReZero: a multiplier that starts at 0 behind every branch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import sympy as sp

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun
from simulations.layers.dense import Gradients, Layer
from simulations.layers.losses import EPS
from simulations.layers.scalars import ScalarMultiplier
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import rademacher
from theory.residual import rivals

WIDTH, HIDDEN = 4, 6
DEPTHS = (1, 4, 16)


def _branch(block: int) -> tuple[Layer, ...]:
    """He then LeCun: a branch that keeps the mean square."""
    name = f"block{block}.layer"
    return Dense(f"{name}0", WIDTH, HIDDEN, he), LeakyReLU(), Dense(f"{name}1", HIDDEN, WIDTH, lecun)


def _multipliers(run: Run, blocks: int, start: float, draws: int) -> dict[str, Array]:
    """States, cotangents and gradients of L blocks x + alpha f(x) that all start at `start`."""
    branches = [_branch(block) for block in range(blocks)]
    scalars = [ScalarMultiplier(f"block{block}.multiplier", start) for block in range(blocks)]
    network = Network(tuple(Residual(Sequential((*b, s))) for b, s in zip(branches, scalars, strict=True)))
    rows, rng = run.inputs.narrowed(WIDTH), run.rng("multipliers", blocks)
    x = rows[rng.integers(len(rows), size=draws)][:, None, :]
    parameters, cotangent = network.draw(rng, draws), rademacher(rng, x.shape)
    seen, gradients = network.run(parameters, x), Gradients()
    cotangents = seen.backward(cotangent, gradients)
    inner = np.stack([cotangent * Sequential(branch).forward(parameters, x)[0] for branch in branches], axis=1)
    return {
        "states": np.stack(seen.states, axis=1) - x[:, None],
        "cotangents": np.stack(cotangents, axis=1) - cotangent[:, None],
        "weights": np.stack([gradients[dense.weight].square_norm for dense in network.weights()], axis=1),
        "multipliers": np.stack([gradients[scalar.name].array[:, 0, 0] for scalar in scalars], axis=1),
        "inner": inner.sum(axis=(2, 3)),
        "rounding": 4 * WIDTH * EPS * np.abs(inner).sum(axis=(2, 3)),
        "size": np.square(x).sum(axis=(1, 2)) * np.square(cotangent).sum(axis=(1, 2)),
    }


@claim(
    "R15",
    paper="De & Smith 2020 (SkipInit); Bachlechner et al. 2020 (ReZero)",
    where="multipliers that start at 0; first step derived here",
    states=r"\alpha_l=0:\ J=I,\quad\frac{\partial C}{\partial W}=0,\quad\frac{\partial C}{\partial\alpha_l}=\langle g,"
    r"f_l(x)\rangle,\quad\mathbb E\sum_l\langle g,f_l\rangle^2=\frac Ln\|g\|^2\|x\|^2",
    derivation=[rivals.multiplier_step, rivals.multiplier_fourth_moment],
    mutants=[
        mutant(
            "free of depth",
            "That is Fixup's first step; here L multipliers move, and every one by as much.",
            update=lambda blocks, width: rivals.multiplier_update(1, width),
        ),
        mutant(
            "the root of the depth",
            "The terms are squares: they do not cancel.",
            update=lambda blocks, width: rivals.multiplier_update(1, width) * sp.sqrt(blocks),
        ),
        mutant(
            "norms for the inner product",
            "||g||^2 ||f||^2 is n times the mean of <g, f>^2.",
            update=lambda blocks, width: sp.Integer(blocks),
        ),
        mutant(
            "1 / sqrt L",
            "The simulated multipliers start at 1/sqrt L: no identity at all.",
            start=lambda blocks: blocks**-0.5,
        ),
        mutant(
            "1",
            "The simulated multipliers start at 1, as Fixup's do, whose zeros are in the layers.",
            start=lambda blocks: 1.0,
        ),
    ],
)
def zero_multipliers_move_in_step(
    run: Run,
    *,
    update: Callable[[int, int], sp.Expr] = rivals.multiplier_update,
    start: Callable[[int], float] = lambda blocks: 0.0,
) -> Finding:
    """With multipliers at 0 a net is the identity, only they have gradients, and the first step is of order eta L.

    States, cotangents and the branches' gradients are exact bit for bit, dC/d alpha_l = <g, f_l> to rounding. The sum
    of its squares, by which a step lowers the loss to first order, is averaged over Gaussian weights at a fixed input
    and a cotangent of random signs; exact at any width (here 4). At 1, 4 and 16 blocks.
    """
    run, findings = run.share(len(DEPTHS)), []
    for blocks in DEPTHS:
        variance = rivals.multiplier_variance(blocks, WIDTH, HIDDEN)
        test = run.mean(rivals.multiplier_update(blocks, WIDTH), variance=variance, error=0.07)
        seen = run.once(_multipliers, blocks, start(blocks), test.draws)
        findings += [identity(seen[name], 0.0, rounding=0.0) for name in ("states", "cotangents", "weights")]
        findings.append(identity(seen["multipliers"], seen["inner"], rounding=seen["rounding"]))
        moved = np.square(seen["multipliers"]).sum(axis=1) / seen["size"]
        findings.append(test(moved, expected=update(blocks, WIDTH)))
    return all_of(findings)
