"""The networks of a sweep by name: architecture x init x activation at a depth and width.

Networks come without a first layer and a classifier, so that position 0 is the input and the last is the last hidden
state; `classifier` puts a LeCun readout behind them whose deviation is multiplied by the cell's logit scale.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from simulations.layers import activations as smooth
from simulations.layers.dense import Dense, Layer, LeakyReLU, Tanh
from simulations.layers.network import Network
from simulations.networks import rivals
from simulations.networks.blocks import RELU
from simulations.networks.mlp import mlp
from simulations.networks.rival_sizes import Sizes
from simulations.sweep.cell import Cell, GridError, known
from simulations.weights import initialisers
from simulations.weights.initialisers import Initialiser, he, lecun

CLASSES = 10
RESIDUAL = "residual"

Shape = Callable[[float], float]
"""The width of a layer as a share of the cell's, given its place in depth from 0 (the input) to 1 (the last)."""

SHAPES: dict[str, Shape] = {
    "plain": lambda place: 1.0,
    "taper": lambda place: 4.0**-place,
    "widening": lambda place: 4.0 ** (place - 1),
    "bottleneck": lambda place: 4.0 ** (abs(2 * place - 1) - 1),
    "pinched": lambda place: 0.125 if abs(place - 0.5) < 0.1 else 1.0,
}
"""Plain networks whose width changes with depth: by a factor of 4 down, up, down and up; or a narrow place (1/8)."""
ALTERNATING = "alternating"
"""Every second layer has half the width."""
ARCHITECTURES = (*SHAPES, ALTERNATING, RESIDUAL)

PLAIN_INITS: dict[str, Initialiser] = {
    "he": he,
    "he_fan_out": initialisers.he_fan_out,
    "lecun": lecun,
    "glorot": initialisers.glorot,
    "torch_default": initialisers.torch_default,
    "he_uniform": he.with_law(initialisers.uniform),
    "he_rademacher": he.with_law(initialisers.rademacher),
}
NEED_A_BATCH = ("batch_norm", "batch_norm_pre", "lsuv")
"""Rivals that look at a whole batch: no law of a single input."""
NEED_ENTRIES = ("weight_standardised", "nf")
"""Rivals that look at the entries of their weights, which must be drawn."""
RESIDUAL_INITS = tuple(name for name in rivals.INITS if name not in NEED_A_BATCH)

ACTIVATIONS: dict[str, Layer | None] = {
    "relu": RELU,
    "linear": None,
    "leaky_relu": LeakyReLU(0.1),
    "tanh": Tanh(),
    "sigmoid": smooth.Sigmoid(),
    "gelu": smooth.GELU(),
    "selu": smooth.SELU(),
}


def check_names(architecture: str, init: str, activation: str) -> None:
    """Refuse what is no network.

    Raises
    ------
    GridError
        If a name is unknown, or the three do not go together.
    """
    known("architecture", architecture, ARCHITECTURES)
    known("activation", activation, ACTIVATIONS)
    if architecture != RESIDUAL:
        if init not in PLAIN_INITS and init in RESIDUAL_INITS:
            raise GridError(
                f"init {init!r} is for architecture 'residual', not {architecture!r}; leave one of them out"
            )
        known("init", init, PLAIN_INITS)
        return
    if init in NEED_A_BATCH:
        raise GridError(f"init {init!r} needs a whole batch to start, and sweeps look at single inputs; leave it out")
    if init in PLAIN_INITS and init not in RESIDUAL_INITS:
        raise GridError(f"init {init!r} is for plain networks, not architecture 'residual'; leave one of them out")
    known("init", init, RESIDUAL_INITS)
    if activation != "relu":
        raise GridError(
            f"architecture 'residual' has activation 'relu' only, got {activation!r}; leave one of them out"
        )


def layer_widths(cell: Cell) -> tuple[int, ...]:
    """Return the features at every position: of the input, then behind every layer or block."""
    if cell.architecture == RESIDUAL:
        return (cell.width,) * (cell.depth + 1)
    if cell.architecture == ALTERNATING:
        return tuple(max(1, cell.width // (1 + place % 2)) for place in range(cell.depth + 1))
    share = SHAPES[cell.architecture]
    return tuple(max(1, round(cell.width * share(place / cell.depth))) for place in range(cell.depth + 1))


@lru_cache(maxsize=64)
def body(cell: Cell) -> Network:
    """Build the cell's network, without a classifier."""
    check_names(cell.architecture, cell.init, cell.activation)
    if cell.architecture != RESIDUAL:
        return mlp(layer_widths(cell), init=PLAIN_INITS[cell.init], activation=ACTIVATIONS[cell.activation])
    built = rivals.INITS[cell.init](Sizes(cell.width, cell.depth, 2, cell.width, CLASSES))
    return Network(built.layers[1:-1])


@lru_cache(maxsize=64)
def classifier(cell: Cell) -> Network:
    """Build the cell's network with a LeCun readout, its deviation times the logit scale, also where a scheme has 0."""
    init = lecun.scaled(cell.logit_scale)
    return Network((*body(cell).layers, Dense("readout", layer_widths(cell)[-1], CLASSES, init)))
