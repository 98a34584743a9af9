"""The loss at the start beside its closed form, and what theorems 1 and 2 of Fixup say of its gradient.

Given the state in front of a readout of Gaussian weights, logits are independent N(0, s^2), so the mean loss is a
number of c and s (`theory.homogeneity.gaussian_logits`); s^2 at the mean square of that state is the wide limit. Both
theorems bound a gradient's norm from below by (loss - entropy) / norm, which says nothing where it is 0 or less.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import sympy as sp

from profiles.step import Reading
from simulations import Network, measure, softmax_loss
from simulations.numbers.arrays import Array
from simulations.probe import probe_sets, probe_states
from theory.homogeneity import bounds, gaussian_logits, maximum, softmax

WORK, LEAST_DRAWS, MOST_DRAWS = 3_000_000, 4, 64
LOSSES = 500
"""Draws of the loss itself."""
BATCH = 8
"""Inputs of a minibatch, for theorem 2."""


@dataclass(frozen=True)
class Bound:
    """A lower bound on the norm of a gradient, over draws.

    Attributes
    ----------
    what : str
        The gradient: at the input of a block, or in a set of parameters.
    vacuous : float
        Share of draws in which it says nothing.
    tightness : float
        Median of bound over norm in the others; NaN if there are none.
    broken : int
        Draws in which the norm is below the bound by more than rounding.
    """

    theorem: int
    what: str
    vacuous: float
    tightness: float
    broken: int


@dataclass(frozen=True)
class Loss:
    """Cross-entropy (nats) at the start.

    Attributes
    ----------
    measured, error : float
        Mean over draws, and its standard error.
    expected : float or None
        By theory; None if logits have no closed form.
    reading : "exact", "wide limit" or "none"
    bounds : tuple of Bound
    draws : int
        Draws of whole weights in which bounds were asked.
    """

    measured: float
    error: float
    expected: float | None
    reading: Reading
    bounds: tuple[Bound, ...]
    draws: int


def loss_at_start(
    network: Network, inputs: Array, targets: Array, log2_second_moment: float, rng: np.random.Generator
) -> Loss:
    """Measure the loss of a classifier at the start and, of features, ask the two theorems.

    Parameters
    ----------
    inputs, targets : arrays (samples, ...), (samples, classes)
    log2_second_moment : float
        Of a logit by theory; -inf for zeros, NaN if there is no closed form.

    Raises
    ------
    OverflowError
        If states or logits leave float64.
    """
    losses_rng, bounds_rng = rng.spawn(2)
    losses = _losses(network, inputs, targets, losses_rng)
    found, draws = _bounds(network, inputs, targets, bounds_rng) if inputs.ndim == 2 else ((), 0)
    expected, reading = expected_loss(targets.shape[1], log2_second_moment)
    error = float(losses.std(ddof=1) / math.sqrt(len(losses)))
    return Loss(float(losses.mean()), error, expected, reading, found, draws)


def expected_loss(classes: int, log2_second_moment: float) -> tuple[float | None, Reading]:
    """Return the mean loss of independent normal logits of this mean square, and how exact that is in a network."""
    if math.isnan(log2_second_moment):
        return None, "none"
    if log2_second_moment == -math.inf:
        return float(softmax.entropy_bound(classes)), "exact"
    scale = 2.0 ** (log2_second_moment / 2)
    if scale <= gaussian_logits.LARGEST_SCALE:
        return gaussian_logits.expected_loss(classes, scale), "wide limit"
    return scale * float(maximum.expected_maximum(classes)), "wide limit"  # to within log(classes)


def _losses(network: Network, inputs: Array, targets: Array, rng: np.random.Generator) -> Array:
    if inputs.ndim == 2:
        return measure(network, inputs, targets=targets, draws=LOSSES, rng=rng, extras=()).losses
    rows = rng.integers(len(inputs), size=MOST_DRAWS)
    run = network.run(network.draw(rng, len(rows)), inputs[rows][:, None])
    return softmax_loss(run.output, targets[rows][:, None]).loss[:, 0]


def _bounds(network: Network, inputs: Array, targets: Array, rng: np.random.Generator) -> tuple[tuple[Bound, ...], int]:
    """Ask theorem 1 at the first and the last block where it applies, theorem 2 of the matrices next to the loss."""
    entries = sum(one.fan_in * one.fan_out for one in network.weights())
    draws = int(np.clip(WORK / entries, LEAST_DRAWS, MOST_DRAWS))
    batch = (rng.integers(len(inputs), size=draws)[:, None] + np.arange(min(BATCH, len(inputs)))) % len(inputs)
    places = [place for place in range(len(network.layers)) if network.tail_degree(place) == 1]
    sets = network.homogeneous_sets(largest=1)[-2:]
    with np.errstate(over="ignore", invalid="ignore"):
        parameters = network.draw(rng, draws)
        states = probe_states(network, parameters, inputs[batch[:, :1]], targets[batch[:, :1]])
        probes = probe_sets(network, parameters, inputs[batch], targets[batch], sets)
    if not np.isfinite(states.loss.loss).all():
        raise OverflowError("states or logits leave float64; take fewer layers or smaller weights")
    excess, rounding = (states.loss.loss - states.loss.entropy)[:, 0], states.rounding[:, 0]
    found = [
        _bound(1, f"at position {at}", excess, states.state_norms[:, at], states.gradient_norms[:, at], rounding)
        for at in dict.fromkeys((places[0], places[-1]) if places else ())
    ]
    found += [
        _bound(
            2,
            "in " + ", ".join(sorted(names)),
            (probe.loss.loss - probe.loss.entropy).mean(axis=1),
            probe.parameter_norm,
            probe.gradient_norm,
            probe.rounding,
        )
        for names, probe in probes.items()
    ]
    return tuple(found), draws


def _bound(theorem: int, what: str, excess: Array, norm: Array, gradient: Array, rounding: Array) -> Bound:
    """Compare a bound with the norm of a gradient; at a norm of 0 the theorems say nothing."""
    loss, size = sp.symbols("loss norm", positive=True)
    lower = sp.lambdify([loss, size], bounds.theorem_1(loss, 0, size))  # theorem 2 is the same of means over a batch
    bound = lower(excess, np.where(norm > 0, norm, np.inf))
    says = (bound > 0) & (norm > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        tightness = float(np.median((bound / gradient)[says])) if says.any() else math.nan
    return Bound(theorem, what, float(1 - says.mean()), tightness, int((excess - gradient * norm > rounding).sum()))
