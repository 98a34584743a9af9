"""Measuring networks over many weight draws: squared norms, variances and gradients at every depth.

The sampling unit is a weight draw (inputs of one batch share its weights). Draws come in twins: draw 2k and draw 2k + 1
have the same input and independent weights, so half their squared distance is an unbiased estimate of the variance over
weights at that input, summed over units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from simulations.engines import Engine, automatic, check_inputs, choose
from simulations.initialisers import Array, gaussian, rademacher
from simulations.layers import Dense, Gradients
from simulations.losses import softmax_loss
from simulations.memory import keep_freed_memory
from simulations.networks import Network
from simulations.radial import radial
from simulations.undrawn import undrawn
from simulations.weights import drawn

ENTRIES_AT_ONCE = 1 << 18
"""Weights drawn at a time: about 2 MB, which stays in a core's cache."""

Cotangent = Callable[[np.random.Generator, tuple[int, ...]], Array]


@dataclass(frozen=True)
class Record:
    """What was seen, per draw and position (0 is the input, then after every block); arrays (draws, positions).

    With several inputs a draw, their means.
    """

    square_norms: Array
    """Squared norm of the state."""
    variances: Array
    """Half the squared distance of twins, (draws / 2, positions); empty if not asked for."""
    active: Array
    """Number of units that are not zero (NaN where the radial engine can't tell, at the input)."""
    gradient_square_norms: Array
    """Squared norm of the cotangent at the state; no positions if it was not passed back."""
    weight_gradients: dict[str, Array]
    """Squared Frobenius norm of the gradient of each parameter by name, (draws,); the last layer comes first."""
    losses: Array
    """Cross-entropy of the output as logits, (draws,); empty without targets."""
    widths: tuple[int, ...]
    """Features at each position."""
    engine: str = "drawn"
    """The engine that was taken, and why."""

    @property
    def second_moment(self) -> Array:
        """The mean square of a unit at each position, averaged over draws and units."""
        moments: Array = self.square_norms.mean(axis=0) / self.widths
        return moments

    @property
    def variance(self) -> Array:
        """The variance of a unit over weights at fixed input, averaged over draws and units."""
        variances: Array = self.variances.mean(axis=0) / self.widths
        return variances


def batches(network: Network, draws: int) -> Iterator[int]:
    """Yield numbers of draws (or twins) that sum to `draws`, each with no more weights than a cache holds."""
    entries = sum(dense.fan_in * dense.fan_out for dense in network.weights())
    at_once = max(1, ENTRIES_AT_ONCE // (2 * max(1, entries)))
    for start in range(0, draws, at_once):
        yield min(at_once, draws - start)


def measure(
    network: Network,
    inputs: Array,
    *,
    draws: int,
    rng: np.random.Generator,
    backward: bool = False,
    weight_gradients: bool = False,
    cotangent: Cotangent = rademacher,
    targets: Array | None = None,
    same_input: bool = True,
    variances: bool = True,
    batch: int = 1,
    engine: Engine = "auto",
    dtype: type[np.floating] = np.float64,
    executor: Executor | None = None,
) -> Record:
    """Draw `network` `draws` times, run each draw on rows of `inputs` chosen at random, and record what happens.

    Parameters
    ----------
    inputs : array (samples, features)
    draws : int
        Rounded up to an even number.
    backward : bool
        Also pass a cotangent back from the output; by default random signs: uncorrelated, of known norm.
    weight_gradients : bool
        Also record the squared norms of the parameters' gradients (needs `backward`).
    targets : array (samples, classes), optional
        Labels of the inputs: losses are recorded, and the cotangent is that of the loss.
    same_input : bool
        Twins share their input; with False each draw has its own, and `variances` are over weights and inputs together.
    variances : bool
        Record variances, which the radial engine can't.
    batch : int
        Inputs a draw: consecutive rows, beginning at a random one.
    engine : "auto", "radial", "undrawn" or "drawn"
        See ``engines.py``; all are exact in law.
    dtype : float64 or float32
        Precision of states and cotangents.
    executor : concurrent.futures.Executor, optional
        Where blocks of draws run; results do not depend on it.

    Raises
    ------
    ValueError
        If there are no draws or no inputs, the inputs have the wrong number of features or are not finite, there are
        not as many targets as inputs, the precision is another, or the engine can't do it.
    """
    if draws < 1 or batch < 1 or inputs.ndim != 2 or not len(inputs):
        raise ValueError(
            f"expected at least one draw, a batch of at least one and inputs (samples, features), "
            f"got draws={draws}, batch={batch} and inputs of shape {inputs.shape}"
        )
    if weight_gradients and not backward:
        raise ValueError("weight_gradients needs backward=True")
    check_inputs(inputs, targets, dtype)
    more = "variances need states (variances=False leaves them out)" if variances else ""
    more = more or ("inputs of one batch share weights" if batch > 1 else "")
    more = more or ("it knows double precision only" if dtype != np.float64 else "")
    more = more or ("" if not backward else _no_radial_cotangent(network, cotangent, targets))
    taken, reason = choose(network, engine, batch=batch, features=inputs.shape[1], more_than_norms=more)
    keep_freed_memory()
    settings = _Settings(
        network,
        inputs.astype(dtype),
        targets,
        backward,
        weight_gradients,
        cotangent,
        same_input,
        variances,
        batch,
        taken if engine != "auto" or taken == "radial" else "auto",
    )
    sizes = list(_blocks(network, (draws + 1) // 2, batch, taken))
    run = executor.map if executor else map
    parts = list(run(partial(_block, settings), sizes, rng.spawn(len(sizes))))
    return replace(_joined(parts), engine=f"{taken}: {reason}")


@dataclass(frozen=True)
class _Settings:
    """What all blocks have in common; see `measure`."""

    network: Network
    inputs: Array
    targets: Array | None
    backward: bool
    weight_gradients: bool
    cotangent: Cotangent
    same_input: bool
    variances: bool
    batch: int
    engine: Engine


def _no_radial_cotangent(network: Network, cotangent: Cotangent, targets: Array | None) -> str:
    if (
        targets is not None
        or cotangent is gaussian
        or (cotangent is rademacher and isinstance(network.layers[-1], Dense))
    ):
        return ""
    return "norms tell of no other cotangents than the loss's, Gaussian ones, and random signs after a dense layer"


def _blocks(network: Network, pairs: int, batch: int, engine: Engine) -> Iterator[int]:
    """Yield numbers of twins whose weights and states a cache holds together."""
    dense = [(one.fan_in, one.fan_out) for one in network.weights()]
    states = 4 * batch * sum(fan_in + fan_out for fan_in, fan_out in dense)
    entries = {"drawn": sum(a * b for a, b in dense) + states, "undrawn": states, "radial": 32 * len(dense)}[engine]
    at_once = max(1, ENTRIES_AT_ONCE // max(1, entries))
    for start in range(0, pairs, at_once):
        yield min(at_once, pairs - start)


def _block(settings: _Settings, pairs: int, rng: np.random.Generator) -> Record:
    """Measure `pairs` twins."""
    s = settings
    starts = rng.integers(len(s.inputs), size=pairs if s.same_input else 2 * pairs)
    starts = np.repeat(starts, 2) if s.same_input else starts
    rows = (starts[:, None] + np.arange(s.batch)) % len(s.inputs)
    x, labels = s.inputs[rows], None if s.targets is None else s.targets[rows]
    if s.engine == "radial":
        found = radial(
            s.network,
            _square_norm(x),
            rng=rng,
            backward=s.backward,
            weight_gradients=s.weight_gradients,
            cotangent=s.cotangent if s.cotangent is gaussian else rademacher,
            targets=None if labels is None else labels[:, 0],
        )
        empty = np.empty((0, len(found.widths)))
        return Record(
            found.square_norms,
            empty,
            found.active,
            found.gradient_square_norms,
            found.weight_gradients,
            found.losses,
            found.widths,
        )
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
        variances=_by_position([_square_norm(state[::2] - state[1::2]) / (2 * s.batch) for state in run.states], pairs)
        if s.variances
        else np.empty((0, len(run.states))),
        active=_by_position([np.count_nonzero(state, axis=(1, 2)) / s.batch for state in run.states], len(x)),
        gradient_square_norms=_by_position([_square_norm(one) / s.batch for one in cotangents], len(x)),
        weight_gradients={name: gradient.square_norm for name, gradient in gradients.items()},
        losses=np.empty(0) if loss is None else loss.loss.mean(axis=1),
        widths=tuple(state.shape[-1] for state in run.states),
    )


def _joined(parts: Sequence[Record]) -> Record:
    first = parts[0]
    return Record(
        square_norms=np.concatenate([part.square_norms for part in parts]),
        variances=np.concatenate([part.variances for part in parts]),
        active=np.concatenate([part.active for part in parts]),
        gradient_square_norms=np.concatenate([part.gradient_square_norms for part in parts]),
        weight_gradients={
            name: np.concatenate([part.weight_gradients[name] for part in parts]) for name in first.weight_gradients
        },
        losses=np.concatenate([part.losses for part in parts]),
        widths=first.widths,
    )


def _by_position(columns: Sequence[Array], draws: int) -> Array:
    return np.stack(columns, axis=1) if columns else np.empty((draws, 0))


def _square_norm(x: Array) -> Array:
    flat = x.reshape(len(x), -1)
    norms: Array = np.vecdot(flat, flat)
    return norms
