"""How far one step moves what a dense layer says, by SGD and by Adam."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import sympy as sp

from claims.attention.heads import tokens
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import lecun
from simulations.layers.dense import Dense, Gradients
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array
from theory.transformer import coordinate_check as theory

YANG = "Yang et al. 2022 (muP)"
WIDTHS, OUTPUTS, DRAWS, RATE = (4, 12), 3, 128, 0.1
Move = Callable[[sp.Expr, sp.Expr, sp.Expr], sp.Expr]


@dataclass(frozen=True)
class Moved:
    """One step on a layer at one row a draw: features (draws, d), gradients and moves (draws, outputs)."""

    x: Array
    gradient: Array
    move: Array
    rounding: Array


def _moved(run: Run, width: int, signs: bool) -> Moved:
    layer, name = Dense("layer", width, OUTPUTS, lecun), f"{width}"
    parameters, x = layer.draw(run.rng("weights", name), DRAWS), tokens(run, name, DRAWS, 1, width)
    x += run.rng("noise", name).standard_normal(x.shape)
    cotangent, into = run.rng("gradient", name).standard_normal((DRAWS, 1, OUTPUTS)), Gradients()
    before, pullback = layer.forward(parameters, x)
    pullback(cotangent, into)
    slope = into[layer.weight].array
    moved = {layer.weight: parameters[layer.weight] - RATE * (np.sign(slope) if signs else slope)}
    sizes = np.abs(parameters[layer.weight]) + RATE * np.abs(slope) + RATE
    rounding = 8 * (width + 4) * EPS * (np.abs(x) @ sizes)
    return Moved(x[:, 0], cotangent[:, 0], (layer.forward(moved, x)[0] - before)[:, 0], rounding[:, 0])


def _told(found: Moved, move: Move, power: int) -> Array:
    rate, gradient, size = sp.Symbol("r", positive=True), sp.Symbol("g", real=True), sp.Symbol("x", positive=True)
    told = sp.lambdify([rate, gradient, size], move(rate, gradient, size), "numpy")
    return np.asarray(told(RATE, found.gradient, (np.abs(found.x) ** power).sum(axis=1, keepdims=True)))


@claim(
    "V21",
    paper=YANG,
    where="the coordinate check (section not checked with the text); its first step derived here",
    states=r"\text{SGD: }\Delta y=-\eta\,g\,\|x\|_2^2,\qquad\text{Adam, step 1: }\Delta y=-\eta\operatorname{sgn}(g)"
    r"\,\|x\|_1",
    derivation=theory.DERIVATIONS,
    mutants=[
        mutant(
            "Adam normalises it all away",
            "Every weight moves by eta, but all of them in step with the input: an output moves by their sum.",
            adam=lambda rate, gradient, size: -rate * sp.sign(gradient),
        ),
        mutant(
            "Adam keeps the size of the gradient",
            "Only its sign is left at the first step.",
            adam=lambda rate, gradient, size: -rate * gradient * size,
        ),
        mutant(
            "SGD by the norm",
            "The input enters with the gradient and once more with the output.",
            sgd=lambda rate, gradient, size: -rate * gradient * sp.sqrt(size),
        ),
    ],
)
def a_step_moves_a_layer_by_the_size_of_its_input(
    run: Run, *, sgd: Move = theory.sgd_move, adam: Move = theory.adam_move
) -> Finding:
    """One step at one input moves a dense layer's output by the input's squares for SGD, by its sizes for Adam.

    No average: every draw, at every width. Adam's first step without eps, that of the signs. Both sums grow like the
    width for features of order 1, so that Adam needs a rate of order 1/d in a hidden layer.
    """
    findings = []
    for width in WIDTHS:
        for signs, move, power in ((False, sgd, 2), (True, adam, 1)):
            found = run.once(_moved, width, signs)
            findings.append(identity(found.move, _told(found, move, power), rounding=found.rounding))
    return all_of(findings)
