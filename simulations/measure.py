"""Measuring networks over many weight draws: squared norms, variances and gradients at every depth.

The sampling unit is a weight draw with one input (inputs of one batch would share its weights). Draws come in twins:
draw 2k and draw 2k + 1 have the same input and independent weights, so half their squared distance is an unbiased
estimate of the variance over weights at that input, summed over units.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from simulations.initialisers import Array, rademacher
from simulations.layers import Parameters
from simulations.losses import softmax_loss
from simulations.networks import Network

ENTRIES_AT_ONCE = 1 << 18
"""Weights drawn at a time: about 2 MB, which stays in a core's cache."""


@dataclass(frozen=True)
class Record:
    """What was seen, per draw and position (0 is the input, then after every block); arrays (draws, positions)."""

    square_norms: Array
    """Squared norm of the state."""
    variances: Array
    """Half the squared distance of twins, (draws / 2, positions)."""
    active: Array
    """Number of units that are not zero."""
    gradient_square_norms: Array
    """Squared norm of the cotangent at the state; no positions if it was not passed back."""
    weight_gradients: dict[str, Array]
    """Squared Frobenius norm of the gradient of each parameter by name, (draws,); the last layer comes first."""
    losses: Array
    """Cross-entropy of the output as logits, (draws,); empty without targets."""
    widths: tuple[int, ...]
    """Features at each position."""

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
    cotangent: Callable[[np.random.Generator, tuple[int, ...]], Array] = rademacher,
    targets: Array | None = None,
    same_input: bool = True,
) -> Record:
    """Draw `network` `draws` times, run each draw on one row of `inputs` chosen at random, and record what happens.

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

    Raises
    ------
    ValueError
        If there are no draws or no inputs, or the inputs have the wrong number of features.
    """
    if draws < 1 or inputs.ndim != 2 or len(inputs) == 0:
        raise ValueError(f"expected at least one draw and inputs (samples, features), got {draws} and {inputs.shape}")
    pairs = (draws + 1) // 2
    if weight_gradients and not backward:
        raise ValueError("weight_gradients needs backward=True")
    parts = []
    for count in batches(network, pairs):
        rows = rng.integers(len(inputs), size=count if same_input else 2 * count)
        x = inputs[np.repeat(rows, 2) if same_input else rows][:, None, :]
        labels = None if targets is None else targets[np.repeat(rows, 2) if same_input else rows][:, None, :]
        parts.append(_measure(network, x, labels, rng, backward, weight_gradients, cotangent))
    return Record(
        square_norms=np.concatenate([part.square_norms for part in parts]),
        variances=np.concatenate([part.variances for part in parts]),
        active=np.concatenate([part.active for part in parts]),
        gradient_square_norms=np.concatenate([part.gradient_square_norms for part in parts]),
        weight_gradients={
            name: np.concatenate([part.weight_gradients[name] for part in parts]) for name in parts[0].weight_gradients
        },
        losses=np.concatenate([part.losses for part in parts]),
        widths=parts[0].widths,
    )


def _measure(
    network: Network,
    x: Array,
    targets: Array | None,
    rng: np.random.Generator,
    backward: bool,
    weight_gradients: bool,
    cotangent: Callable[[np.random.Generator, tuple[int, ...]], Array],
) -> Record:
    run = network.run(network.draw(rng, len(x)), x)
    gradients: Parameters = {}
    cotangents: tuple[Array, ...] = ()
    loss = None if targets is None else softmax_loss(run.output, targets)
    if backward:
        start = cotangent(rng, run.output.shape) if loss is None else loss.logit_gradient
        cotangents = run.backward(start, gradients if weight_gradients else None)
    return Record(
        square_norms=_by_position([_square_norm(state) for state in run.states], len(x)),
        variances=_by_position([_square_norm(state[::2] - state[1::2]) / 2 for state in run.states], len(x) // 2),
        active=_by_position([np.count_nonzero(state, axis=(1, 2)).astype(float) for state in run.states], len(x)),
        gradient_square_norms=_by_position([_square_norm(one) for one in cotangents], len(x)),
        weight_gradients={name: _square_norm(value) for name, value in gradients.items()},
        losses=np.empty(0) if loss is None else loss.loss[:, 0],
        widths=tuple(state.shape[-1] for state in run.states),
    )


def _by_position(columns: Sequence[Array], draws: int) -> Array:
    return np.stack(columns, axis=1) if columns else np.empty((draws, 0))


def _square_norm(x: Array) -> Array:
    flat = x.reshape(len(x), -1)
    norms: Array = np.einsum("ij,ij->i", flat, flat)
    return norms
