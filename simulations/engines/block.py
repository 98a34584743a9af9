"""One block of draws of a measurement, on the engine that was chosen."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from simulations.engines.active import ActiveUnits
from simulations.engines.choice import Choice
from simulations.engines.overflow import naming_blocks, refuse_overflow, refuse_overflow_of
from simulations.engines.radial import radial
from simulations.engines.record import Record
from simulations.engines.request import Request
from simulations.layers.dense import Gradients
from simulations.layers.losses import SoftmaxLoss, softmax_loss
from simulations.layers.network import Network, Run
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import square_norm
from simulations.numbers.memory import keep_freed_memory
from simulations.weights.initialisers import gaussian, rademacher
from simulations.weights.kinds import Kind


def block(request: Request, choice: Choice, pairs: int, rng: np.random.Generator) -> Record:
    """Measure `pairs` twins on rows of the inputs chosen at random.

    Raises
    ------
    OverflowError
        If something overflows; the message names the block of the network.
    """
    keep_freed_memory()  # here, as it may be a process of its own
    sampling, inputs, targets = request.sampling, request.inputs, request.targets
    starts = rng.integers(len(inputs), size=pairs if sampling.same_input else 2 * pairs)
    starts = np.repeat(starts, 2) if sampling.same_input else starts
    rows = (starts[:, None] + np.arange(sampling.batch)) % len(inputs)
    x, labels = inputs[rows], None if targets is None else targets[rows]
    if choice.engine == "radial":
        twins = square_norm(x[::2] - x[1::2]) if "variances" in request.extras else None
        return _by_norms(request, square_norm(x), twins, None if labels is None else labels[:, 0], rng)
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is told with its place
        if choice.engine == "active":
            return _by_active_units(request, x[:, 0], None if labels is None else labels[:, 0], rng)
        return _by_states(request, choice.kind(x.dtype), x, labels, rng)


def _by_norms(
    request: Request, square_norms: Array, twins: Array | None, targets: Array | None, rng: np.random.Generator
) -> Record:
    found = radial(
        request.network,
        square_norms,
        rng=rng,
        backward=request.backward is not None,
        weight_gradients="weight_gradients" in request.extras,
        cotangent=gaussian if request.backward is gaussian else rademacher,
        targets=targets,
        twins=twins,
    )
    refuse_overflow(request.network, list(found.variances.T), square_norms.dtype)
    return Record(
        found.square_norms,
        found.variances,
        found.active if "active" in request.extras else np.empty((len(square_norms), 0)),
        found.gradient_square_norms,
        found.weight_gradients,
        found.losses,
        found.widths,
    )


def _by_active_units(request: Request, x: Array, labels: Array | None, rng: np.random.Generator) -> Record:
    network, extras = request.network, request.extras
    run = ActiveUnits(network, x, rng)
    states = [run.states[position] for position in run.positions]
    square_norms = [state.square_norms for state in states]
    refuse_overflow(network, _as(x.dtype, square_norms), x.dtype)
    variances = list[Array]()
    if "variances" in extras:
        variances = [square_norm(x[::2] - x[1::2]) / 2, *map(run.half_square_distance, states[1:])]
        refuse_overflow(network, _as(x.dtype, variances), x.dtype)  # of a difference, which may be twice as large
    loss = None if labels is None else softmax_loss(states[-1].array, labels)
    cotangents, gradients, start = list[Array](), dict[str, Array](), None
    if callable(request.backward):
        start = run.start(request.backward)
    elif request.backward == "loss" and loss is not None:
        start = run.start_with(loss.logit_gradient)
    if start is not None:
        squares = [start.square_norms, *(one.square_norms for one in run.back(start, gradients))][::-1]
        cotangents = [squares[position] for position in run.positions]
        refuse_overflow(network, _as(x.dtype, cotangents[::-1]), x.dtype, backward=True)
    counts = list[Array]()
    if "active" in extras:
        counts = [state.active for state in states]
    record = Record(
        square_norms=_by_position(square_norms, len(x)),
        variances=_by_position(variances, len(x) // 2),
        active=_by_position(counts, len(x)),
        gradient_square_norms=_by_position(cotangents, len(x)),
        weight_gradients=gradients if "weight_gradients" in extras else {},
        losses=np.empty(0) if loss is None else loss.loss,
        widths=tuple(state.width for state in states),
    )
    _refuse_others(record, network, x.dtype)
    return record


def _as(dtype: np.dtype, columns: Sequence[Array]) -> list[Array]:
    """Return squares, which are in double precision, at that of the states: infinite beyond its range."""
    return [column.astype(dtype) for column in columns]


def _by_states(request: Request, kind: Kind, x: Array, labels: Array | None, rng: np.random.Generator) -> Record:
    network, batch, gradients = request.network, request.sampling.batch, Gradients()
    parameters = network.draw(rng, len(x), kind)
    with naming_blocks(network, x.dtype):
        run = network.run(parameters, x)
    square_norms = [square_norm(state) / batch for state in run.states]
    refuse_overflow(network, square_norms, x.dtype)
    loss = None if labels is None else softmax_loss(run.output, labels)
    start, cotangents = _start(request, run, loss, rng), tuple[Array, ...]()
    if start is not None:
        with naming_blocks(network, x.dtype, backward=True):
            cotangents = run.backward(start, gradients if "weight_gradients" in request.extras else None)
    cotangent_norms = [square_norm(one) / batch for one in cotangents]
    refuse_overflow(network, cotangent_norms[::-1], x.dtype, backward=True)
    twins = run.states if "variances" in request.extras else ()
    counted = run.states if "active" in request.extras else ()
    record = Record(
        square_norms=_by_position(square_norms, len(x)),
        variances=_by_position([square_norm(one[::2] - one[1::2]) / (2 * batch) for one in twins], len(x) // 2),
        active=_by_position([_count(state) / batch for state in counted], len(x)),
        gradient_square_norms=_by_position(cotangent_norms, len(x)),
        weight_gradients={name: gradient.square_norm for name, gradient in gradients.items()},
        losses=np.empty(0) if loss is None else loss.loss.mean(axis=1),
        widths=tuple(math.prod(state.shape[2:]) for state in run.states),
    )
    refuse_overflow(network, list(record.variances.T), x.dtype)  # of a difference, which may be twice as large
    _refuse_others(record, network, x.dtype)
    return record


def _refuse_others(record: Record, network: Network, dtype: np.dtype) -> None:
    """Raise OverflowError if a loss or the gradient of a weight is beyond the range of the numbers."""
    gradients = {f"the gradient of {name!r}": norms.astype(dtype) for name, norms in record.weight_gradients.items()}
    refuse_overflow_of(network, {"the loss of the output": record.losses} | gradients, dtype)


def _start(request: Request, run: Run, loss: SoftmaxLoss | None, rng: np.random.Generator) -> Array | None:
    """Return the cotangent at the output, if there is a way back."""
    if callable(request.backward):
        start = request.backward(rng, run.output.shape)
    elif request.backward == "loss" and loss is not None:
        start = loss.logit_gradient
    else:
        return None
    return start.astype(run.output.dtype, copy=False)


def _count(state: Array) -> Array:
    """Return how many entries of each draw are not zero."""
    return np.asarray(np.count_nonzero(state, axis=tuple(range(1, state.ndim))))


def _by_position(columns: Sequence[Array], draws: int) -> Array:
    return np.stack(columns, axis=1) if columns else np.empty((draws, 0))
