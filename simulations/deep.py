"""Networks too deep to remember: forwards and backwards through 10,000 layers of width 100,000 in less than a gigabyte.

The forward pass keeps a state every so many layers and forgets the rest. The way back opens each segment's own random
stream again, from its beginning: the same weights (or the same answers, of weights that are never drawn) come back, the
segment is run once more, and its cotangents pass through it. Work: one forward pass more. Memory: the kept states and
one segment. States and cotangents are carried as mantissas and powers of two, so they may grow without bounds.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from simulations.layers.network import Network, Run
from simulations.numbers.arrays import Array
from simulations.numbers.magnitudes import Exponents, log2_square_norm, rescale
from simulations.numbers.memory import keep_freed_memory
from simulations.weights.kinds import Kind


@dataclass(frozen=True)
class DeepRecord:
    """log2 of squared norms at every position, arrays (draws, batch, positions); -inf for zero."""

    states: Array
    cotangents: Array


def deep_run(
    network: Network,
    x: Array,
    *,
    streams: Callable[[int], np.random.Generator],
    kind: Kind,
    cotangent: Array,
    segment: int | None = None,
) -> DeepRecord:
    """Run `network` at x (draws, batch, features), pass `cotangent` back, and record norms.

    Parameters
    ----------
    network : Network
        Of degree 1 in its input: states are rescaled by powers of two, exactly.
    streams : function
        Opens the random stream of a segment, given its number; called twice for each.
    kind : Kind
        The weights' kind, such as ``undrawn(np.float32)``.
    cotangent : array (draws, batch, outputs)
        At the output, as a multiple of what it would be without rescaling.
    segment : int, optional
        Blocks between kept states; the square root of the depth if not given.

    Raises
    ------
    ValueError
        If the network is not positively homogeneous of degree 1, or the segment is below 1.
    OverflowError
        If states overflow within a segment; the message names its blocks.
    """
    depth = len(network.layers)
    segment = math.isqrt(depth) or 1 if segment is None else segment
    if segment < 1:
        raise ValueError(f"a segment needs at least one block, got {segment}")
    if network.tail_degree(0) != 1:
        raise ValueError("states can be rescaled in networks of degree 1 only: no biases, no tanh, no normalisation")
    keep_freed_memory()
    starts = range(0, depth, segment)
    zero = np.zeros(x.shape[:-1], dtype=np.int64)
    parts = {start: Network(network.layers[start : start + segment]) for start in starts}

    def run(start: int, state: Array) -> Run:
        part, rng = parts[start], streams(start // segment)
        return part.run(part.draw(rng, len(x), kind), state)

    kept, state, exponents = dict[int, tuple[Array, Exponents]](), x, zero
    states = [log2_square_norm(x, zero)]
    for start in starts:
        kept[start] = state, exponents = rescale(state, exponents)
        with np.errstate(over="ignore", invalid="ignore"):
            seen = run(start, state).states
        state = seen[-1]
        if not np.isfinite(state).all():
            blocks = f"blocks {start} to {min(start + segment, depth) - 1}"
            raise OverflowError(f"a state of {blocks} is not finite: take a shorter segment")
        states += [log2_square_norm(one, exponents) for one in seen[1:]]
        del seen
    cotangents, dy, powers = [log2_square_norm(cotangent, zero)], cotangent, zero
    for start in reversed(starts):
        dy, powers = rescale(dy, powers)
        passed = run(start, kept.pop(start)[0]).backward(dy)
        cotangents += [log2_square_norm(one, powers) for one in passed[-2::-1]]
        dy = passed[0]
        del passed
    return DeepRecord(np.stack(states, axis=-1), np.stack(cotangents[::-1], axis=-1))
