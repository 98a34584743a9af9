"""One block of draws of a measurement, on the engine that was chosen."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from simulations.engines.choice import Engine, automatic
from simulations.engines.radial import radial
from simulations.engines.record import Record
from simulations.layers.dense import Gradients
from simulations.layers.losses import softmax_loss
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.numbers.memory import keep_freed_memory
from simulations.weights.initialisers import gaussian, rademacher
from simulations.weights.kinds import drawn
from simulations.weights.undrawn import undrawn

Cotangent = Callable[[np.random.Generator, tuple[int, ...]], Array]


@dataclass(frozen=True)
class Settings:
    """What all blocks have in common; see ``measure.py``."""

    network: Network
    inputs: Array
    targets: Array | None
    backward: bool
    weight_gradients: bool
    cotangent: Cotangent
    same_input: bool
    variances: bool
    active: bool
    batch: int
    engine: Engine


def block(settings: Settings, pairs: int, rng: np.random.Generator) -> Record:
    """Measure `pairs` twins on rows of the inputs chosen at random."""
    keep_freed_memory()  # here, as it may be a process of its own
    s = settings
    starts = rng.integers(len(s.inputs), size=pairs if s.same_input else 2 * pairs)
    starts = np.repeat(starts, 2) if s.same_input else starts
    rows = (starts[:, None] + np.arange(s.batch)) % len(s.inputs)
    x, labels = s.inputs[rows], None if s.targets is None else s.targets[rows]
    if s.engine == "radial":
        return _by_norms(s, _square_norm(x), None if labels is None else labels[:, 0], rng)
    return _by_states(s, x, labels, rng)


def _by_norms(s: Settings, square_norms: Array, targets: Array | None, rng: np.random.Generator) -> Record:
    found = radial(
        s.network,
        square_norms,
        rng=rng,
        backward=s.backward,
        weight_gradients=s.weight_gradients,
        cotangent=s.cotangent if s.cotangent is gaussian else rademacher,
        targets=targets,
    )
    return Record(
        found.square_norms,
        np.empty((len(square_norms) // 2, 0)),
        found.active if s.active else np.empty((len(square_norms), 0)),
        found.gradient_square_norms,
        found.weight_gradients,
        found.losses,
        found.widths,
    )


def _by_states(s: Settings, x: Array, labels: Array | None, rng: np.random.Generator) -> Record:
    kinds = {"drawn": drawn(x.dtype), "undrawn": undrawn(x.dtype), "auto": automatic(s.batch, x.dtype)}
    run = s.network.run(s.network.draw(rng, len(x), kinds[s.engine]), x)
    gradients: Gradients = {}
    cotangents: tuple[Array, ...] = ()
    loss = None if labels is None else softmax_loss(run.output, labels)
    if s.backward:
        start = s.cotangent(rng, run.output.shape) if loss is None else loss.logit_gradient
        cotangents = run.backward(start.astype(x.dtype, copy=False), gradients if s.weight_gradients else None)
    return Record(
        square_norms=_by_position([_square_norm(state) / s.batch for state in run.states], len(x)),
        variances=_by_position(
            [_square_norm(state[::2] - state[1::2]) / (2 * s.batch) for state in run.states if s.variances],
            len(x) // 2,
        ),
        active=_by_position(
            [np.count_nonzero(state, axis=(1, 2)) / s.batch for state in run.states if s.active], len(x)
        ),
        gradient_square_norms=_by_position([_square_norm(one) / s.batch for one in cotangents], len(x)),
        weight_gradients={name: gradient.square_norm for name, gradient in gradients.items()},
        losses=np.empty(0) if loss is None else loss.loss.mean(axis=1),
        widths=tuple(state.shape[-1] for state in run.states),
    )


def _by_position(columns: Sequence[Array], draws: int) -> Array:
    return np.stack(columns, axis=1) if columns else np.empty((draws, 0))


def _square_norm(x: Array) -> Array:
    flat = x.reshape(len(x), -1)
    norms: Array = np.vecdot(flat, flat)
    return norms
