"""What is measured of a network: squared norms there and back, over many draws, and states over fewer.

Where norms alone can tell (``simulations/engines/radial.py``), they come from many draws of norms, in logarithms and so
at any depth; states, which means and twins need, come from fewer draws. Elsewhere all comes from states.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from profiles.costs import DRAWN, LEAST_DRAWS, MOST_DRAWS, WORK, affordable, kind_of, numbers, shares, stays_undrawn
from simulations import Network, radial, why_not_radial
from simulations.engines.overflow import naming_blocks, refuse_overflow
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import square_norm
from simulations.numbers.memory import keep_freed_memory
from simulations.weights.initialisers import gaussian

Progress = Callable[[float], None]
"""Told the share of the work that is done."""
AT_ONCE = 1 << 22
"""Numbers of weights and states that are kept for the way back at a time."""


@dataclass(frozen=True)
class States:
    """Of states, per draw or twin and position; logarithms are in base 2."""

    square_norms: Array
    """Logarithms, (draws, positions); draws 2k and 2k + 1 are twins with one input."""
    gradients: Array
    """Logarithms, of cotangents from a normal one at the output; no positions if not asked for."""
    distances: Array
    """Logarithms of half the squared distances of twins, (draws / 2, positions)."""
    means: Array
    """Mean of the units, (draws, positions)."""
    active: Array
    """Share of the units that are not zero, (draws, positions)."""


@dataclass(frozen=True)
class Seen:
    """Squared norms of all draws in base-2 logarithms, (draws, positions), and what states told, if they were seen."""

    square_norms: Array
    gradients: Array
    widths: tuple[int, ...]
    engine: str
    states: States | None
    twins: bool
    """Whether draws 2k and 2k + 1 have one input."""


def look(
    network: Network,
    inputs: Array,
    *,
    rng: np.random.Generator,
    draws: int | None = None,
    backward: bool = False,
    progress: Progress = lambda share: None,
) -> Seen:
    """Draw `network` and record its norms on rows of `inputs`, which are features or images.

    Parameters
    ----------
    inputs : array (samples, ...)
    draws : int, optional
        By default as many as take about a second.
    backward : bool
        Also pass a normal cotangent back from the output.

    Raises
    ------
    OverflowError
        If a squared norm leaves float64 where it is not known by its logarithm; the message names the block.
    """
    keep_freed_memory()
    norms_rng, states_rng = rng.spawn(2)
    if why_not_radial(network) or inputs.ndim != 2:
        windows = math.prod(inputs.shape[2:])  # of which a convolution has about as many as there are pixels
        states, widths = _states(
            network, inputs, states_rng, draws or affordable(network, WORK / windows), backward, progress
        )
        some = any(stays_undrawn(one) for one in network.weights()) and kind_of(network) is not DRAWN
        engine = "undrawn where that is cheaper" if some else "drawn"
        return Seen(states.square_norms, states.gradients, widths, engine, states, twins=True)
    count = draws or int(np.clip(WORK / (20 * len(network.layers)), LEAST_DRAWS, MOST_DRAWS))
    parts, square_norms = [], square_norm(inputs)
    for size in shares(count, 4096):
        chosen = square_norms[norms_rng.integers(len(inputs), size=size)]
        found = radial(network, chosen, rng=norms_rng, backward=backward, cotangent=gaussian, log2=True)
        parts.append(found)
        progress(sum(len(part.square_norms) for part in parts) / count / 2)
    try:
        fewer = min(count, affordable(network, WORK / 2, least=LEAST_DRAWS // 4))
        fewer_states, _ = _states(network, inputs, states_rng, fewer, backward, lambda share: progress(0.5 + share / 2))
    except OverflowError:
        seen = None
    else:
        seen = fewer_states
    return Seen(
        np.concatenate([part.square_norms for part in parts]),
        np.concatenate([part.gradient_square_norms for part in parts]),
        parts[0].widths,
        "radial: norms only; means, twins and shares of active units from states",
        seen,
        twins=False,
    )


def _states(
    network: Network, inputs: Array, rng: np.random.Generator, draws: int, backward: bool, progress: Progress
) -> tuple[States, tuple[int, ...]]:
    """Run twins on rows chosen at random, a few at a time."""
    pairs, parts, done = max(1, (draws + 1) // 2), list[States](), 0
    widths: tuple[int, ...] = ()
    at_once = max(1, AT_ONCE // max(1, 2 * numbers(network)))
    for size in shares(pairs, at_once):
        rows = np.repeat(inputs[rng.integers(len(inputs), size=size)], 2, axis=0)[:, None]
        part, widths = _few(network, rows, rng, backward)
        parts.append(part)
        progress((done := done + size) / pairs)
    names = ("square_norms", "gradients", "distances", "means", "active")
    joined = (np.concatenate([getattr(part, name) for part in parts]) for name in names)
    return States(*joined), widths


def _few(network: Network, x: Array, rng: np.random.Generator, backward: bool) -> tuple[States, tuple[int, ...]]:
    """Run twins that follow each other in x (draws, 1, ...)."""
    parameters = network.draw(rng, len(x), kind_of(network))
    with np.errstate(over="ignore", invalid="ignore"):
        with naming_blocks(network, x.dtype):
            run = network.run(parameters, x)
        norms = [square_norm(state) for state in run.states]
        refuse_overflow(network, norms, x.dtype)
        cotangents: tuple[Array, ...] = ()
        if backward:
            with naming_blocks(network, x.dtype, backward=True):
                cotangents = run.backward(gaussian(rng, run.output.shape))
        back = [square_norm(one) for one in cotangents]
        refuse_overflow(network, back[::-1], x.dtype, backward=True)
    sizes = [state[0].size for state in run.states]
    found = States(
        square_norms=_log2(norms, len(x)),
        gradients=_log2(back, len(x)),
        distances=_log2([square_norm(state[::2] - state[1::2]) / 2 for state in run.states], len(x) // 2),
        means=np.stack([state.reshape(len(x), -1).mean(axis=1) for state in run.states], axis=1),
        active=np.stack(
            [np.count_nonzero(s.reshape(len(x), -1), axis=1) / n for s, n in zip(run.states, sizes, strict=True)],
            axis=1,
        ),
    )
    return found, tuple(sizes)


def _log2(columns: list[Array], draws: int) -> Array:
    if not columns:
        return np.empty((draws, 0))
    with np.errstate(divide="ignore"):
        return np.asarray(np.log2(np.stack(columns, axis=1)))
