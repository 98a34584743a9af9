"""Fixup, section 3: which parameter moves at which step, and why zero layers do not keep hidden units alike."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import sympy as sp

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from claims.sample_networks import rows
from evidence import Finding, all_of, identity, inequality
from simulations import LeakyReLU
from simulations.layers.dense import Parameters
from simulations.layers.scalars import ScalarBias
from simulations.networks.fixup import FixupRules, fixup_mlp
from simulations.numbers.arrays import Array
from simulations.training.sgd import step
from theory.domain import number
from theory.fixup import zeros as fixup_zeros

WIDTH, HIDDEN, BLOCKS, DRAWS, STEPS, RATE = 6, 8, 3, 64, 4, 0.3
LEAKY = LeakyReLU(0.3)  # no unit is dead


def _steps(
    run: Run,
    layers: int,
    zero_readout: bool,
    zero_last: bool,
    bias: float,
    change: Callable[[str, Array], Array],
) -> tuple[list[Parameters], list[Parameters]]:
    """Train a Fixup network by SGD, one real row a step.

    Return the parameters before the first and after every step, and the gradients of the steps. Biases begin at `bias`;
    `change` alters the start of any parameter, given its name.
    """
    network = fixup_mlp(
        WIDTH,
        BLOCKS,
        hidden=HIDDEN,
        layers_per_branch=layers,
        activation=LEAKY,
        stem=run.inputs.x.shape[1],
        classes=run.inputs.classes,
        rules=FixupRules(zero_last, zero_readout, bias=lambda name: ScalarBias(name, bias)),
    )
    drawn = network.draw(run.rng("weights", layers), DRAWS)
    states, gradients = [{name: change(name, value) for name, value in drawn.items()}], []
    for number_of_step in range(STEPS):
        x, targets = rows(run, f"step {number_of_step}", DRAWS, 1)
        taken = step(network, states[-1], x / np.abs(x).max(axis=-1, keepdims=True), targets, RATE)
        states.append(taken.parameters)
        gradients.append({name: gradient.array for name, gradient in taken.gradients.items()})
    return states, gradients


def _unchanged(name: str, value: Array) -> Array:
    return value


def _first_moves(run: Run, layers: int, zero_readout: bool, zero_last: bool) -> dict[str, Array]:
    """The first step, from 1, at which each parameter has a gradient that is not zero, (draws,)."""
    _, gradients = _steps(run, layers, zero_readout, zero_last, 0.0, _unchanged)
    moves = {name: np.stack([one[name].any(axis=(1, 2)) for one in gradients]) for name in gradients[0]}
    return {name: np.where(moved.any(axis=0), 1.0 + moved.argmax(axis=0), 0.0) for name, moved in moves.items()}


def _zeros(name: str, layers: int) -> int:
    """How many zeros stand between a parameter and the loss: the classifier, the last layer of the branch, or both."""
    if name in ("readout.weight", "readout.bias"):
        return 0
    last = f"layer{layers - 1}"
    return 1 if not name.startswith("block") or name.endswith((f"{last}.weight", f"{last}.after")) else 2


@claim(
    "F10",
    paper=FIXUP,
    where="section 3, the first rule; derived here",
    states=r"t(\theta_i)=1+\#\{\text{zero layers between }\theta_i\text{ and the loss}\}:\quad"
    r"1\ \text{(classifier)},\ 2\ \text{(stem, last layers and the biases after them)},\ 3\ \text{(the rest)}",
    derivation=[fixup_zeros.first_move, fixup_zeros.inner_update],
    mutants=[
        mutant(
            "all at once",
            "Every parameter taken to have a gradient in the first step: the zero classifier passes none on.",
            first_step=lambda zeros: sp.Integer(1),
        ),
        mutant(
            "the branches in the first step",
            "The analysis of Fixup's updates takes a classifier of order 1; under the first rule it is zero.",
            first_step=lambda zeros: sp.Integer(max(1, zeros)),
        ),
        mutant(
            "the multiplier with the last layer",
            "It multiplies the output of the last layer, so its gradient waits for that to leave zero.",
            zeros=lambda name, layers: 1 if name.endswith("multiplier") else _zeros(name, layers),
        ),
        mutant(
            "all biases together",
            "The biases inside a branch get their gradient through the zero layer; only the one after it does not.",
            zeros=lambda name, layers: 1 if name.endswith(("before", "after")) else _zeros(name, layers),
        ),
        mutant(
            "a layer a step",
            "It is zero layers that delay by a step; one gradient passes through all others.",
            zeros=lambda name, layers: (
                1 + layers - 1 - int(name.split("layer")[1][0]) if "layer" in name else _zeros(name, layers)
            ),
        ),
        mutant(
            "a random classifier",
            "The simulated classifier is not zero: everything moves a step earlier.",
            zero_readout=False,
        ),
        mutant(
            "random last layers",
            "The simulated last layers are not zero: the branches move at once, in the second step.",
            zero_last=False,
        ),
    ],
)
def zeros_delay_parameters(
    run: Run,
    *,
    first_step: Callable[[int], sp.Expr] = fixup_zeros.first_step,
    zeros: Callable[[str, int], int] = _zeros,
    zero_readout: bool = True,
    zero_last: bool = True,
) -> Finding:
    """Under Fixup the classifier moves in the first step, stem and last layers in the second, the rest in the third.

    Nothing is averaged; exact: before its step a parameter's gradient is zero bit for bit, in its step it is not, in
    every draw (but for cancellation, which has probability 0; a leaky rectifier leaves no unit dead). Every weight and
    scalar of networks with two and three layers a branch, SGD on one real row a step.
    """
    return all_of(
        identity(moved, number(first_step(zeros(name, layers))), rounding=0.0)
        for layers in (2, 3)
        for name, moved in run.once(_first_moves, layers, zero_readout, zero_last).items()
    )


def _alike(name: str, value: Array) -> Array:
    """Give all hidden units before a last layer the mean of their weights."""
    return value.mean(axis=2, keepdims=True) + 0 * value if name.endswith("layer1.weight") else value


def _zeroed(name: str, value: Array) -> Array:
    """Make the layer before the last zero as well."""
    return 0 * value if name.endswith("layer1.weight") else value


def _last_layers(run: Run, change: Callable[[str, Array], Array]) -> tuple[Array, Array]:
    """How far the last layers move in the first step, and how far this tells hidden units apart, (draws, blocks)."""
    states, _ = _steps(run, 3, False, True, 0.0, change)
    after = np.stack([states[1][f"block{block}.layer2.weight"] for block in range(BLOCKS)], axis=1)
    return np.abs(after).max(axis=(2, 3)), np.ptp(after, axis=2).max(axis=2)


def _pairs(run: Run, bias: float, change: Callable[[str, Array], Array]) -> Array:
    """The furthest that a weight in the last two layers of a branch moves in any step, (draws, steps)."""
    states, _ = _steps(run, 3, False, True, bias, change)
    names = [f"block{block}.layer{layer}.weight" for block in range(BLOCKS) for layer in (1, 2)]
    return np.stack(
        [
            np.max([np.abs(after[name] - before[name]).max(axis=(1, 2)) for name in names], axis=0)
            for before, after in pairwise(states)
        ],
        axis=1,
    )


@claim(
    "F16",
    paper=FIXUP,
    where="section 3, the first rule; derived here",
    states=r"W_m=0:\ W_m'=-\eta\,r^{\mathsf T}g\ne0,\ r_i\ne r_j;\qquad W_m=W_{m-1}=0\ \Rightarrow\ W_m'=W_{m-1}'=0",
    derivation=[fixup_zeros.unit_gap, fixup_zeros.frozen],
    mutants=[
        mutant(
            "zeros keep the units alike",
            "Constant weights do when the layer below is constant too; here every unit has its own activation, and "
            "with it its own gradient.",
            breaks=False,
        ),
        mutant(
            "two zero layers train as well",
            "One zero layer has a gradient because what is below it is not zero; of two each is the other's factor.",
            freezes=False,
        ),
        mutant(
            "hidden units alike", "The simulated layer below has equal columns: its units stay alike.", below=_alike
        ),
        mutant("a zero layer below", "The simulated layer below is zero too: the last one never moves.", below=_zeroed),
        mutant("one zero of the two", "The simulated pair has one zero layer, which moves.", pair=_unchanged),
        mutant("biases that are not zero", "The simulated biases between two zero layers wake the last.", bias=0.1),
    ],
)
def one_zero_layer_breaks_symmetry(
    run: Run,
    *,
    breaks: bool = True,
    freezes: bool = True,
    below: Callable[[str, Array], Array] = _unchanged,
    pair: Callable[[str, Array], Array] = _zeroed,
    bias: float = 0.0,
) -> Finding:
    """A zero last layer moves and tells its hidden units apart in the first step; two zero layers in a row never move.

    Nothing is averaged; the second half is exact, bit for bit over 4 steps, the first holds in every draw (but with
    probability 0). Three layers a branch, scalars as under Fixup, a random classifier, SGD on one real row a step.
    """
    moved, apart = run.once(_last_layers, below)
    steps = run.once(_pairs, bias, pair)
    still = number(fixup_zeros.frozen_update())
    return all_of(
        [
            identity((moved > 0).astype(float), 1.0, rounding=0.0),
            inequality(apart, 1e-6 * moved, rounding=0.0) if breaks else identity(apart, still, rounding=0.0),
            identity(steps, still, rounding=0.0) if freezes else identity((steps > 0).astype(float), 1.0, rounding=0.0),
        ]
    )
