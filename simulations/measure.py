"""Measuring networks over many weight draws: squared norms, variances and gradients at every depth.

The sampling unit is a weight draw (inputs of one batch share its weights). Draws come in twins: draw 2k and draw 2k + 1
have the same input and independent weights, so half their squared distance is an unbiased estimate of the variance over
weights at that input, summed over units.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from simulations.data.inputs import Inputs
from simulations.engines.arguments import check_draws, check_generator, check_network
from simulations.engines.block import block
from simulations.engines.choice import Engine, choose
from simulations.engines.record import Record, joined
from simulations.engines.request import ONE_INPUT, Cotangent, Extra, Sampling, request
from simulations.engines.trial import rows_of
from simulations.layers.network import Network

ENTRIES_AT_ONCE = 1 << 18
"""Weights or states of one layer at a time: about 2 MB, which stay in a core's cache."""
ENTRIES_KEPT = 1 << 24
"""Weights and states of all layers of a block, kept for the way back: about 128 MB."""


def batches(network: Network, draws: int) -> Iterator[int]:
    """Yield numbers of draws (or twins) that sum to `draws`, each with no more weights than a cache holds."""
    entries = sum(dense.fan_in * dense.fan_out for dense in network.weights())
    at_once = max(1, ENTRIES_AT_ONCE // (2 * max(1, entries)))
    for start in range(0, draws, at_once):
        yield min(at_once, draws - start)


def measure(
    network: Network,
    inputs: ArrayLike | Inputs,
    *,
    draws: int,
    rng: np.random.Generator,
    backward: bool | Cotangent = False,
    targets: ArrayLike | bool | None = None,
    extras: tuple[Extra, ...] = ("variances",),
    sampling: Sampling = ONE_INPUT,
    engine: Engine = "auto",
    dtype: type[np.floating] = np.float64,
    executor: Executor | None = None,
) -> Record:
    """Draw `network` `draws` times, run each draw on rows of `inputs` chosen at random, and record what happens.

    Parameters
    ----------
    inputs : Inputs, or array (samples, features) or (samples, height, width, channels)
        Of `Inputs` all rows; of arrays and lists any real numbers.
    draws : int
        Rounded up to an even number.
    backward : bool or function
        Also pass a cotangent back from the output: with True random signs (uncorrelated, of known norm) or, given
        `targets`, the gradient of the loss; or what a law such as `gaussian` draws.
    targets : array (samples, classes) or True, optional
        Labels of the inputs: losses are recorded, of the output as logits. True takes those of `Inputs`.
    extras : tuple of "variances", "active" and "weight_gradients"
        What to record besides squared norms: variances over weights (which the radial engine can't), how many units
        are not zero, and the squared norms of the parameters' gradients (needs `backward`).
    sampling : Sampling
        Inputs a draw, and whether twins share them.
    engine : "auto", "radial", "active", "undrawn" or "drawn"
        How weights are simulated, see ``engines/choice.py``; all are exact in law.
    dtype : float64 or float32
        Precision of states and cotangents.
    executor : concurrent.futures.Executor, optional
        Where blocks of draws run; results do not depend on it.

    Returns
    -------
    Record
        Arrays (draws, positions): position 0 is the input, then one after every block of the network.

    Raises
    ------
    TypeError
        If the network, the stream or the sampling are something else.
    MemoryError
        If the record would not fit this machine.
    ValueError
        If there are no draws or no inputs, the inputs have the wrong shape for the network or are not finite, there are
        not as many targets as inputs, the precision is another, or the engine can't do it.
    OverflowError
        If a squared norm leaves the range of `dtype`; the message names the block and its layers.

    Examples
    --------
    He's initialisation keeps the mean square of a unit, there and back:

    >>> import numpy as np
    >>> from simulations import digits, measure, mlp, stream
    >>> network = mlp([16, 16, 16, 16])
    >>> found = measure(network, digits().narrowed(16), draws=20_000, rng=stream(0, "example"), backward=True)
    >>> print(found.widths, found.square_norms.shape)
    (16, 16, 16, 16) (20000, 4)
    >>> print(np.round(found.second_moment / found.second_moment[0], 1))
    [1. 1. 1. 1.]
    >>> print(np.round(found.gradient_second_moment, 1))
    [1. 1. 1. 1.]
    """
    check_network(network)
    check_generator(rng)
    check_draws(draws, len(network.layers) + 1)
    asked = request(network, inputs, targets=targets, backward=backward, extras=extras, sampling=sampling, dtype=dtype)
    rows = rows_of(asked)
    choice = choose(asked, rows, engine)
    sizes = list(_blocks(network, (draws + 1) // 2, rows, choice.engine))
    run = executor.map if executor else map
    found = run(partial(block, asked, choice), sizes, rng.spawn(len(sizes)))
    return replace(joined(list(found)), engine=f"{choice.engine}: {choice.reason}")


def _blocks(network: Network, pairs: int, rows: Mapping[str, int], engine: Engine) -> Iterator[int]:
    """Yield numbers of twins: a layer of theirs fits a cache, and long work comes in parts enough for many workers."""
    sizes = [(one.fan_in * one.fan_out, 4 * rows[one.weight] * (one.fan_in + one.fan_out)) for one in network.weights()]
    layers = [
        {"drawn": weights + states, "undrawn": states, "active": states // 8, "radial": 32}[engine]
        for weights, states in sizes
    ] or [1]
    at_once = max(1, min(ENTRIES_AT_ONCE // max(layers), ENTRIES_KEPT // sum(layers)))
    if pairs * sum(layers) > 8 * ENTRIES_AT_ONCE:
        at_once = min(at_once, -(-pairs // 8))
    for start in range(0, pairs, at_once):
        yield min(at_once, pairs - start)
