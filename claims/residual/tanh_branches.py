"""Residual tanh nets: branches that saturate make the variance grow linearly, where ReLU branches double it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of
from simulations import LeakyReLU, Tanh, he, lecun, residual_mlp
from simulations.layers.dense import Layer
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import norm
from theory.domain import number
from theory.residual import norms as residual
from theory.residual import paths, tanh_branches

WIDTH, HIDDEN = 6, 8
VARIANCES = (0.25, 16.0)
"""Mean squares of the stream in front of the block."""
TANH, RELU = Tanh(), LeakyReLU()

Increment = Callable[[float], float]


def _increments(run: Run, variance: float, activation: Layer, draws: int) -> Array:
    """Mean square of what one branch adds to a stream of this mean square, (draws,)."""
    rng, rows = run.rng("block", str(variance)), run.inputs.narrowed(WIDTH)
    rows = rows / norm(rows)[:, None] * (variance * WIDTH) ** 0.5
    init = he if activation is RELU else lecun
    network = residual_mlp(WIDTH, 1, hidden=HIDDEN, init=init, activation=activation)
    x = rows[rng.integers(len(rows), size=draws), None]
    states = network.run(network.draw(rng, draws), x).states
    found: Array = np.square(states[1] - states[0]).mean(axis=(1, 2))
    return found


def _relu_increment(variance: float) -> float:
    return variance * number(residual.branch_gain(1, 1))


@claim(
    "M6",
    paper="Yang & Schoenholz 2017",
    where="section 3: residual tanh nets; exact form derived here",
    states=r"x'=x+V\tanh(Wx):\ \mathbb E\|F\|^2/n=\sigma_v^2\,\mathbb E\tanh(\sqrt q\,t)^2\in\Bigl[\sigma_v^2\Bigl(1-"
    r"\sqrt{\tfrac2{\pi q}}\Bigr),\sigma_v^2\Bigr];\qquad\text{ReLU: }q",
    derivation=[tanh_branches.increment, tanh_branches.shortfall, residual.branch],
    mutants=[
        mutant(
            "tanh doubles as well",
            "The increment of a branch that preserves the mean square; tanh does so only for small streams.",
            tanh=lambda variance: variance,
        ),
        mutant(
            "linear from the start",
            "The saturated increment s_v^2 at every size of the stream.",
            tanh=lambda variance: 1.0,
        ),
        mutant(
            "resnets are always polynomial",
            "A bounded increment for ReLU too: its branches grow with the stream, which doubles in every block.",
            relu=lambda variance: 1.0,
        ),
        mutant(
            "a saturated mean",
            "The bound from below, 1 - sqrt(2 / (pi q)), taken for the increment.",
            tanh=lambda variance: max(0.0, 1 - number(tanh_branches.largest_shortfall(variance))),
        ),
        mutant("ReLU for tanh", "The simulated branches do not saturate.", bounded=RELU),
        mutant(
            "linear branches", "Without a nonlinearity the variance doubles in every block.", bounded=LeakyReLU(1.0)
        ),
    ],
)
def tanh_branches_add_a_bounded_variance(
    run: Run,
    *,
    tanh: Increment = tanh_branches.branch_increment,
    relu: Increment = _relu_increment,
    bounded: Layer = TANH,
) -> Finding:
    """A tanh branch adds at most s_v^2 however large the stream, so variance grows linearly; a ReLU branch doubles it.

    Averages what one branch adds over Gaussian weights at a fixed input of mean square 1/4 and 16; exact at any
    width. In deep nets it is the sum of such increments. Variances are exact.
    """
    run, findings = run.share(2 * len(VARIANCES)), []
    relu_fourth = number(paths.fourth_moment_bounds([1], WIDTH, HIDDEN)[1])
    for variance in VARIANCES:
        added, doubled = tanh_branches.branch_increment(variance), _relu_increment(variance)
        spread = tanh_branches.branch_square(variance, WIDTH, HIDDEN) - added**2
        relu_spread = variance**2 * (relu_fourth - 1)
        for claimed, activation, truth, size in (
            (tanh, bounded, added, spread),
            (relu, RELU, doubled, relu_spread),
        ):
            test = run.mean(truth, variance=size, error=0.07)
            samples = run.once(_increments, variance, activation, test.draws)
            findings.append(test(samples, expected=claimed(variance)))
    return all_of(findings)
