"""The first SGD step of scalar chains and of residual networks, for the claims about how far it moves the function."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import sympy as sp

from claims.fixup.scale import sizes_of_inputs
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding
from simulations import Initialiser, he, lecun, residual_mlp, zero
from simulations.experiments import scalar_branch
from simulations.layers.dense import Gradients
from simulations.layers.losses import EPS, softmax_loss
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.fixup import scale as fixup
from theory.residual import tangent_kernel

Scales = Callable[[int, int], tuple[float, float]]
"""From L and m to the scales of a branch: of all layers but the last, and of the last."""
Change = Callable[[sp.Expr, sp.Expr], sp.Expr]
"""From L and t, as symbols, to (f_new - f) / x."""
BRANCHES = (1, 10, 1000, 100_000)


def fixup_scales(branches: int, m: int) -> tuple[float, float]:
    """Zeros at the end, Fixup's scale before."""
    return number(fixup.fixup_scale(branches, m)), 0.0


def zeros(branches: int, m: int) -> tuple[float, float]:
    """Zeros at the end and nothing else."""
    return 1.0, 0.0


def standard(branches: int, m: int) -> tuple[float, float]:
    """All scales 1."""
    return 1.0, 1.0


def nothing(branches: int, m: int) -> tuple[float, float]:
    """All scales 0: theta = 0."""
    return 0.0, 0.0


def all_scaled(branches: int, m: int) -> tuple[float, float]:
    """Fixup's scale on all layers, no zeros."""
    scale = number(fixup.fixup_scale(branches, m))
    return scale, scale


def chains(run: Run, scales: Scales, steps: Callable[[int], tuple[float, ...]]) -> list[tuple[int, float, float]]:
    """Number of branches, t and (f_new - f) / x, for steps of size t = eta l' x of chains of 2 or 3 layers a branch."""
    seen = []
    for branches, x in zip(BRANCHES, sizes_of_inputs(run, len(BRANCHES)), strict=True):
        for m in (2, 3):
            inner, last = scales(branches, m)
            a = np.full((branches, m), inner)
            a[:, -1] = last
            before, gradient = scalar_branch.forward(a, x), scalar_branch.gradient(a, x)
            for t in steps(branches):
                seen.append((branches, t, float(scalar_branch.forward(a - t / x * gradient, x) - before) / x))
    return seen


def claimed_change(change: Change) -> Callable[[int, float], float]:
    """Turn the claimed change into a function of numbers."""
    names = sp.Symbol("L", integer=True, positive=True), sp.Symbol("t", real=True)
    evaluate = sp.lambdify(names, change(*names))
    return lambda branches, t: float(evaluate(branches, t))


def chain_rounding(branches: int, t: float, grown: float) -> float:
    """Bound rounding: 1 + product and the product of L factors round 2 L times, t itself some 20 times."""
    return (4 * branches * max(1.0, grown) + 20 * abs(t) * max(1.0, grown)) * EPS


WIDTH, HIDDEN = 4, 6


def _kernel(run: Run, scales: Scales, blocks: int, draws: int) -> Array:
    """The branches' squared gradients of the softmax loss, over ||dl/dx_L||^2 ||x_0||^2, (draws,)."""
    first, last = scales(blocks, 2)
    last_layer: Initialiser = lecun.scaled(last) if last else zero
    network = residual_mlp(
        WIDTH, blocks, hidden=HIDDEN, init=he.scaled(first), last_layer=last_layer, classes=run.inputs.classes
    )
    narrow, rng = run.inputs.narrowed(WIDTH), run.rng("kernel", blocks)
    x = narrow[rng.integers(len(narrow), size=draws)][:, None, :]
    x = x / norm(x)[..., None]
    _, targets = rows(run, "labels", draws, 1)
    parameters = network.draw(rng, draws)
    seen, gradients = network.run(parameters, x), Gradients()
    cotangents = seen.backward(softmax_loss(seen.output, targets).logit_gradient, gradients)
    squares = [one.square_norm for name, one in gradients.items() if name.startswith("block")]
    ratios: Array = np.sum(squares, axis=0) / np.square(cotangents[-2]).sum(axis=(1, 2))
    return ratios


@cache
def _trace(blocks: int, fixed_up: bool) -> tuple[sp.Expr, float]:
    """Mean and variance of the kernel of nets with zero last layers: a sum of L independent terms of one law."""
    scale = 1 / sp.sqrt(blocks) if fixed_up else 1
    trace = tangent_kernel.branch_trace(blocks, WIDTH, HIDDEN, scale, 0)
    second = tangent_kernel.block_second_moment().at(n=WIDTH, h=HIDDEN, a_1=scale, a_2=0)
    return trace, number(blocks * (second - (trace / blocks) ** 2))


def kernel_tests(
    run: Run, depths: tuple[int, ...], fixed_up: bool, simulated: Scales, claimed: Callable[[int, sp.Expr], sp.Expr]
) -> list[Finding]:
    """Test the mean kernel at these depths."""
    run, findings = run.share(len(depths)), []
    for blocks in depths:
        trace, variance = _trace(blocks, fixed_up)
        test = run.mean(trace, variance=variance, error=0.06)
        findings.append(test(run.once(_kernel, simulated, blocks, test.draws), expected=claimed(blocks, trace)))
    return findings
