"""Which engine a measurement runs on: radial chains, undrawn weights or drawn ones, whichever is exact and cheapest.

- *radial* (``radial.py``): one input, norms only; O(1) random numbers a layer. Bias-free Gaussian ReLU networks.
- *undrawn* (``undrawn.py``): everything that products can tell; fan_in + fan_out random numbers a layer and input.
- *drawn*: any law; fan_in * fan_out random numbers a layer.

`automatic` mixes the last two within a network, matrix by matrix.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np

from simulations.engines.radial_chain import why_not_radial
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, gaussian
from simulations.weights.kinds import Kind, drawn
from simulations.weights.undrawn import undrawn

Engine = Literal["auto", "radial", "undrawn", "drawn"]

DEARER = 4
"""An undrawn matrix must need this many times fewer random numbers, to pay for what else it computes (measured)."""


def pays(batch: int, fan_in: int, fan_out: int) -> bool:
    """Say whether leaving a Gaussian matrix undrawn is cheaper than drawing it, for a batch of this size."""
    return DEARER * batch * (fan_in + fan_out) <= fan_in * fan_out


def automatic(batch: int, dtype: np.dtype | type = np.float64) -> Kind:
    """Return the kind that leaves a matrix undrawn where that is exact and cheaper for `batch` inputs."""
    without, with_entries = undrawn(dtype), drawn(dtype)

    def make(init: Initialiser, rng: np.random.Generator, draws: int, fan_in: int, fan_out: int) -> Array:
        cheap = init.law is gaussian and pays(batch, fan_in, fan_out)
        return (without if cheap else with_entries)(init, rng, draws, fan_in, fan_out)

    return make


def check_inputs(inputs: Array, targets: Array | None, dtype: type[np.floating]) -> None:
    """Refuse what no engine can take: inputs out of range, a target too few, another precision."""
    if dtype not in (np.float64, np.float32):
        raise ValueError(f"the precision is np.float64 or np.float32, got dtype={dtype!r}")
    if np.iscomplexobj(inputs):
        raise ValueError(f"expected real inputs, got {inputs.dtype}")
    if (beyond := ~(np.abs(inputs) <= np.finfo(dtype).max)).any():
        place = tuple(int(index) for index in np.argwhere(beyond)[0])
        raise ValueError(
            f"inputs must be finite and within the range of {np.dtype(dtype)}, got {inputs[place]} at {place}; leave "
            f"such rows out"
        )
    if targets is not None and len(targets) != len(inputs):
        raise ValueError(f"expected one target an input, got {len(targets)} targets and {len(inputs)} inputs")


def choose(network: Network, asked: Engine, *, batch: int, features: int, more_than_norms: str) -> tuple[Engine, str]:
    """Return the engine to take and, in a few words, why.

    Parameters
    ----------
    asked : Engine
        "auto", or an engine that must be able to do it.
    features : int
        Of an input; the radial engine, which sees norms only, would not notice a wrong number.
    more_than_norms : str
        Empty if norms of single inputs are all that is asked, else what more is.

    Raises
    ------
    ValueError
        If `asked` is unknown or would be wrong for this network or its input; the message says why and what to take
        instead.
    """
    if asked not in get_args(Engine):
        raise ValueError(f"unknown engine {asked!r}; expected one of {', '.join(get_args(Engine))}")
    shortfall = more_than_norms or why_not_radial(network)
    if asked == "radial" and shortfall:
        raise ValueError(f"the radial engine cannot do this: {shortfall}; take 'auto', 'undrawn' or 'drawn'")
    if asked == "radial" or (asked == "auto" and not shortfall):
        first = next(network.weights())
        if features != first.fan_in:
            raise ValueError(f"layer {first.name!r} expects {first.fan_in} features, got inputs of {features}")
        return "radial", "one input a draw, norms only"
    dense = list(network.weights())
    others = [one.name for one in dense if one.init.law is not gaussian]
    if asked == "undrawn" and others:
        raise ValueError(f"weights of layer {others[0]!r} are not Gaussian and must be drawn; take 'auto' or 'drawn'")
    if asked != "auto":
        return asked, "as asked"
    left = [one for one in dense if one.name not in others and pays(batch, one.fan_in, one.fan_out)]
    if left:
        return "undrawn", f"{len(left)} of {len(dense)} matrices, where that is cheaper"
    return "drawn", "not Gaussian" if others else "matrices too small for anything else"
