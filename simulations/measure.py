"""Measuring networks over many weight draws: squared norms, variances and gradients at every depth.

The sampling unit is a weight draw (inputs of one batch share its weights). Draws come in twins: draw 2k and draw 2k + 1
have the same input and independent weights, so half their squared distance is an unbiased estimate of the variance over
weights at that input, summed over units.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import replace
from functools import partial

import numpy as np

from simulations.engines.block import Cotangent, Settings, block
from simulations.engines.choice import Engine, check_inputs, choose
from simulations.engines.record import Record, joined
from simulations.layers.dense import Dense
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import gaussian, rademacher

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
    active: bool = False,
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
    active : bool
        Record how many units are not zero.
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
    if batch > len(inputs):
        raise ValueError(f"a batch of {batch} needs as many inputs, got {len(inputs)}")
    if weight_gradients and not backward:
        raise ValueError("weight_gradients needs backward=True")
    check_inputs(inputs, targets, dtype)
    more = "variances need states (variances=False leaves them out)" if variances else ""
    more = more or ("inputs of one batch share weights" if batch > 1 else "")
    more = more or ("it knows double precision only" if dtype != np.float64 else "")
    more = more or ("" if not backward else _no_radial_cotangent(network, cotangent, targets))
    taken, reason = choose(network, engine, batch=batch, features=inputs.shape[1], more_than_norms=more)
    settings = Settings(
        network,
        inputs.astype(dtype),
        targets,
        backward,
        weight_gradients,
        cotangent,
        same_input,
        variances,
        active,
        batch,
        taken if engine != "auto" or taken == "radial" else "auto",
    )
    sizes = list(_blocks(network, (draws + 1) // 2, batch, taken))
    run = executor.map if executor else map
    parts = list(run(partial(block, settings), sizes, rng.spawn(len(sizes))))
    return replace(joined(parts), engine=f"{taken}: {reason}")


def _no_radial_cotangent(network: Network, cotangent: Cotangent, targets: Array | None) -> str:
    if (
        targets is not None
        or cotangent is gaussian
        or (cotangent is rademacher and isinstance(network.layers[-1], Dense))
    ):
        return ""
    return "norms tell of no other cotangents than the loss's, Gaussian ones, and random signs after a dense layer"


def _blocks(network: Network, pairs: int, batch: int, engine: Engine) -> Iterator[int]:
    """Yield numbers of twins: a layer of theirs fits a cache, and long work comes in parts enough for many workers."""
    sizes = [(one.fan_in * one.fan_out, 4 * batch * (one.fan_in + one.fan_out)) for one in network.weights()]
    layers = [{"drawn": weights + states, "undrawn": states, "radial": 32}[engine] for weights, states in sizes] or [1]
    at_once = max(1, min(ENTRIES_AT_ONCE // max(layers), ENTRIES_KEPT // sum(layers)))
    if pairs * sum(layers) > 8 * ENTRIES_AT_ONCE:
        at_once = min(at_once, -(-pairs // 8))
    for start in range(0, pairs, at_once):
        yield min(at_once, pairs - start)
