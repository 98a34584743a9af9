"""What the quantities of a sweep are read from: a few simulations, each on the cheapest engine that is exact for it.

A simulation takes a cell, a number of draws and a generator, and returns arrays (draws, positions) by the quantity's
name. Norms come as base-2 logarithms, so that depth overflows nothing on the radial engine; elsewhere states beyond
the range of float64 are infinite or NaN, and are counted as such.
"""

from __future__ import annotations

import numpy as np

from simulations.engines.choice import automatic
from simulations.engines.radial import radial
from simulations.experiments.function_change import function_change
from simulations.layers.dense import Gradients
from simulations.layers.losses import softmax_loss
from simulations.layers.network import Network, Run
from simulations.numbers.arrays import Array
from simulations.probe import probe_sets, probe_states
from simulations.sweep.cell import Cell
from simulations.sweep.networks import body, classifier, layer_widths
from simulations.sweep.samples import draw_rows, draw_square_norms
from simulations.weights.initialisers import gaussian
from simulations.weights.kinds import Kind, drawn
from simulations.weights.undrawn import undrawn

BATCH = 8
"""Inputs of a minibatch, for what asks for one."""
RATE = 1e-3
"""Learning rate of the one step; what it moves is given per unit of rate."""

Seen = dict[str, Array]
"""Arrays (draws, positions) by quantity."""


def forward(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Run one input forwards: the mean square of a unit."""
    if norms_only:
        found = radial(body(cell), draw_square_norms(cell, rng, draws)[0], rng=rng, log2=True)
        return {"second_moment": found.square_norms - _log2_widths(cell)}
    run = _run(cell, body(cell), draw_rows(cell, rng, draws)[0], rng)
    return {"second_moment": _log2_square_norms(run.states) - _log2_widths(cell)}


def twins(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Run two independent networks at one input: half their squared distance is the variance over weights."""
    x = np.repeat(draw_rows(cell, rng, draws)[0], 2, axis=0)
    run = _run(cell, body(cell), x, rng)
    logs = _log2_square_norms([state[::2] - state[1::2] for state in run.states])
    return {"variance": logs - 1 - _log2_widths(cell)}


def backward(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Pass N(0, I) at the last state back: gradients at every state and of every weight matrix, first to last."""
    network = body(cell)
    names = [dense.weight for dense in network.weights()]
    if norms_only:
        square_norms, _ = draw_square_norms(cell, rng, draws)
        found = radial(
            network, square_norms, rng=rng, backward=True, weight_gradients=True, cotangent=gaussian, log2=True
        )
        return {
            "gradient": found.gradient_square_norms - _log2_widths(cell),
            "weight_gradient": np.stack([found.weight_gradients[name] for name in names], axis=1),
        }
    run = _run(cell, network, draw_rows(cell, rng, draws)[0], rng)
    into: Gradients = {}
    cotangents = run.backward(gaussian(rng, run.output.shape), into)
    return {
        "gradient": _log2_square_norms(cotangents) - _log2_widths(cell),
        "weight_gradient": np.log2(np.stack([into[name].square_norm for name in names], axis=1)),
    }


def losses(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Run one labelled input through the classifier."""
    if norms_only:
        square_norms, targets = draw_square_norms(cell, rng, draws, labelled=True)
        return {"loss": radial(classifier(cell), square_norms, rng=rng, targets=targets, log2=True).losses[:, None]}
    x, targets = draw_rows(cell, rng, draws)
    return {"loss": softmax_loss(_run(cell, classifier(cell), x, rng).output, targets).loss}


def pairs(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Run two inputs through one network: the cosine of the angle between their states."""
    run = _run(cell, body(cell), draw_rows(cell, rng, draws, 2)[0], rng)
    norms = [np.sqrt(np.vecdot(state, state)) for state in run.states]
    products = [np.vecdot(state[:, 0], state[:, 1]) for state in run.states]
    return {"correlation": np.stack([p / (n[:, 0] * n[:, 1]) for p, n in zip(products, norms, strict=True)], axis=1)}


def minibatches(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Run a minibatch forwards: mean loss less entropy; where that is not above 0, theorem 2 says nothing."""
    x, targets = draw_rows(cell, rng, draws, BATCH)
    found = softmax_loss(_run(cell, classifier(cell), x, rng).output, targets)
    excess = (found.loss - found.entropy).mean(axis=1, keepdims=True)
    return {"excess_loss": excess, "theorem_2_vacuous": _vacuous(excess)}


def theorem_1(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Take theorem 1's bound at the input of every block over the true norm, 0 where it is vacuous."""
    network = classifier(cell)
    x, targets = draw_rows(cell, rng, draws)
    found = probe_states(network, network.draw(rng, draws), x, targets)
    excess = found.loss.loss - found.loss.entropy
    tightness = np.maximum(excess, 0) / (found.gradient_norms * found.state_norms)
    return {"theorem_1_tightness": tightness, "theorem_1_vacuous": _vacuous(excess)}


def theorem_2(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Take theorem 2's bound over the true norm, 0 where it is vacuous, for each matrix that is a p.h. set alone."""
    network = classifier(cell)
    x, targets = draw_rows(cell, rng, draws, BATCH)
    alone = (frozenset([dense.weight]) for dense in network.weights())
    sets = [names for names in alone if network.degree(0, names) == 1]  # at least the readout's, behind any body
    found = probe_sets(network, network.draw(rng, draws), x, targets, sets)
    columns = []
    for names in sets:
        excess = (found[names].loss.loss - found[names].loss.entropy).mean(axis=1)
        columns.append(np.maximum(excess, 0) / (found[names].gradient_norm * found[names].parameter_norm))
    return {"theorem_2_tightness": np.stack(columns, axis=1)}


def steps(cell: Cell, draws: int, rng: np.random.Generator, norms_only: bool) -> Seen:
    """Take one step of SGD on a minibatch: how far the logits move, per unit of rate."""
    network = classifier(cell)
    x, targets = draw_rows(cell, rng, draws, BATCH)
    found = function_change(network, network.draw(rng, draws), x, targets, RATE)
    return {
        "step_change": found.change[:, None],
        "step_along": found.along[:, None],
        "step_first_order": found.first_order[:, None],
    }


def _run(cell: Cell, network: Network, x: Array, rng: np.random.Generator) -> Run:
    """Run on weights that are left undrawn where that is cheaper, or as the cell says."""
    kinds: dict[str, Kind] = {"auto": automatic(), "undrawn": undrawn(), "drawn": drawn()}
    return network.run(network.draw(rng, len(x), kinds[cell.engine]), x)


def _log2_square_norms(states: tuple[Array, ...] | list[Array]) -> Array:
    """Return log2 of the squared norms of states (draws, 1, features): (draws, positions)."""
    logs: Array = np.log2(np.concatenate([np.vecdot(state, state) for state in states], axis=1))
    return logs


def _log2_widths(cell: Cell) -> Array:
    return np.log2(np.array(layer_widths(cell), dtype=np.float64))


def _vacuous(excess: Array) -> Array:
    return np.where(np.isnan(excess), np.nan, excess <= 0)
