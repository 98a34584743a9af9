"""The quantities of a sweep by name: which simulation each is read from, and what it is.

A simulation always does all that its quantities need, from a stream of its own, so the numbers of a quantity do not
depend on which others are asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import get_args

import numpy as np

from simulations.engines.choice import Engine, pays
from simulations.engines.radial import why_not_radial
from simulations.layers.dense import Dense
from simulations.layers.network import Network
from simulations.sweep import simulate
from simulations.sweep.cell import Cell, GridError, known
from simulations.sweep.networks import NEED_ENTRIES, body, classifier
from simulations.sweep.simulate import BATCH, Seen
from simulations.weights.initialisers import gaussian

Simulate = Callable[[Cell, int, np.random.Generator, bool], Seen]


@dataclass(frozen=True)
class Simulation:
    """One way to run a network, from which some quantities are read."""

    run: Simulate
    network: Callable[[Cell], Network]
    by_norms: bool = False
    """Whether norms of single inputs are enough, where the network is radial."""
    batch: int = 1
    """Inputs that a draw runs."""
    twins: int = 1
    """Networks that a draw runs."""
    passes: float = 1.0
    """Passes through the network, in units of one forwards."""
    whole: bool = False
    """Whether weight matrices must be drawn and gradients multiplied out."""


SIMULATIONS = {
    "forward": Simulation(simulate.forward, body, by_norms=True),
    "twins": Simulation(simulate.twins, body, twins=2),
    "backward": Simulation(simulate.backward, body, by_norms=True, passes=2),
    "losses": Simulation(simulate.losses, classifier, by_norms=True),
    "pairs": Simulation(simulate.pairs, body, batch=2),
    "minibatches": Simulation(simulate.minibatches, classifier, batch=BATCH),
    "theorem_1": Simulation(simulate.theorem_1, classifier, passes=3, whole=True),
    "theorem_2": Simulation(simulate.theorem_2, classifier, batch=BATCH, passes=3, whole=True),
    "steps": Simulation(simulate.steps, classifier, batch=BATCH, passes=3, whole=True),
}


@dataclass(frozen=True)
class Quantity:
    """A number per draw and position."""

    simulation: str
    positions: str
    """What the positions are: "states" (0 is the input), "blocks" (their inputs), "weights" (matrices, first to last),
    "sets" (those of them in which the logits are positively homogeneous, the readout last) or "one"."""
    says: str
    logs: bool = False
    """Whether the simulation gives log2 of it."""
    homogeneous: bool = False
    """Whether it means something only where the logits are positively homogeneous of degree 1 in every state."""


QUANTITIES = {
    "second_moment": Quantity("forward", "states", "mean square of a unit, at one input", logs=True),
    "variance": Quantity("twins", "states", "variance of a unit over weights at fixed input, from twins", logs=True),
    "gradient": Quantity("backward", "states", "mean square of the gradient at a unit, N(0, 1) at the last", logs=True),
    "weight_gradient": Quantity("backward", "weights", "squared norm of a weight matrix's gradient", logs=True),
    "correlation": Quantity("pairs", "states", "cosine of the angle between the states at two inputs"),
    "loss": Quantity("losses", "one", "cross-entropy (nats) of one labelled input"),
    "excess_loss": Quantity("minibatches", "one", f"loss less entropy of the prediction, mean of {BATCH} inputs"),
    "theorem_1_tightness": Quantity("theorem_1", "blocks", "theorem 1: bound over true norm", homogeneous=True),
    "theorem_1_vacuous": Quantity("theorem_1", "one", "theorem 1: 1 where the bound is 0 or less", homogeneous=True),
    "theorem_2_tightness": Quantity("theorem_2", "sets", "theorem 2: bound over true norm"),
    "theorem_2_vacuous": Quantity("minibatches", "one", "theorem 2: 1 where the bound is 0 or less"),
    "step_change": Quantity("steps", "one", "norm of the logits' change by one step of SGD, per rate"),
    "step_along": Quantity("steps", "one", "decrease of the mean loss by that change, to first order, per rate"),
    "step_first_order": Quantity("steps", "one", "squared norm of the gradient of the mean loss"),
}


def groups(quantities: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Cut quantities into groups that are read from one simulation each, both in their canonical order.

    Raises
    ------
    GridError
        If a quantity is unknown.
    """
    asked = {known("quantity", name, QUANTITIES) for name in quantities}
    by_simulation = (tuple(q for q in QUANTITIES if q in asked and QUANTITIES[q].simulation == s) for s in SIMULATIONS)
    return tuple(group for group in by_simulation if group)


def check_quantities(cell: Cell, quantities: tuple[str, ...]) -> None:
    """Refuse quantities that mean nothing for this kind of network, whatever its size, or that its engine cannot do.

    Raises
    ------
    GridError
        If one is unknown, asks for a positively homogeneous network and this is none, or for another engine.
    """
    known("engine", cell.engine, get_args(Engine))
    small = replace(cell, depth=2, width=8, inputs="signs", logit_scale=1.0)  # no size decides any of this
    for name in quantities:
        quantity = QUANTITIES[known("quantity", name, QUANTITIES)]
        if reason := _engine_cannot(small, quantity.simulation):
            raise GridError(
                f"quantity {name!r} cannot be had from engine {cell.engine!r} for {cell.architecture!r} with init "
                f"{cell.init!r} and activation {cell.activation!r}: {reason}; take engine 'auto'"
            )
        if quantity.homogeneous and not _homogeneous(small):
            raise GridError(
                f"quantity {name!r} needs logits that are positively homogeneous of degree 1 in every state, and "
                f"{cell.architecture!r} with init {cell.init!r} and activation {cell.activation!r} are not; "
                f"leave one of them out"
            )


@lru_cache(maxsize=1024)
def _engine_cannot(cell: Cell, simulation: str) -> str:
    """Return why the cell's engine cannot run this simulation; empty if it can."""
    how = SIMULATIONS[simulation]
    if cell.engine == "radial":
        return why_not_radial(how.network(cell)) if how.by_norms else "it needs more than the norms of one input"
    if cell.engine == "undrawn":
        others = [one.name for one in how.network(cell).weights() if not _may_stay_undrawn(cell, one)]
        return "it needs whole matrices" if how.whole else f"{others[0]!r} must be drawn" if others else ""
    return ""


@lru_cache(maxsize=1024)
def _homogeneous(cell: Cell) -> bool:
    network = classifier(cell)
    return all(network.tail_degree(position) == 1 for position in range(len(network.layers)))


@lru_cache(maxsize=256)
def radial_enough(cell: Cell, simulation: str) -> bool:
    """Say whether this simulation of the cell runs on norms alone: it can, and no other engine is asked for."""
    if cell.engine not in ("auto", "radial") or not SIMULATIONS[simulation].by_norms:
        return False
    return not why_not_radial(SIMULATIONS[simulation].network(cell))


def stays_undrawn(cell: Cell, simulation: str, dense: Dense) -> bool:
    """Say whether this simulation of the cell leaves the matrix undrawn: exact, and cheaper or asked for."""
    how = SIMULATIONS[simulation]
    if how.whole or not _may_stay_undrawn(cell, dense) or cell.engine == "drawn":
        return False
    return cell.engine == "undrawn" or pays(how.batch, dense.fan_in, dense.fan_out)


def _may_stay_undrawn(cell: Cell, dense: Dense) -> bool:
    return dense.init.law is gaussian and (cell.init not in NEED_ENTRIES or dense.name == "readout")
