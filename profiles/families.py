"""Networks by name, for the command: five families, each with the initialisations that go with it.

Names are those of sweeps (``simulations/sweep/networks.py``) and of training, where ``he`` is He on every layer of a
branch and ``he_lecun`` LeCun on the last.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from simulations import InputError, Inputs, Network, Residual, Sequential, lecun, mlp, residual_mlp
from simulations.layers.dense import Dense, Layer
from simulations.networks.fixup import FIXUP, NO_RULES, FixupRules, fixup_mlp
from simulations.networks.resnet import resnet
from simulations.networks.rivals import INITS, build
from simulations.numbers.arrays import Array
from simulations.sweep.networks import ACTIVATIONS, NEED_A_BATCH, PLAIN_INITS
from simulations.weights.initialisers import Initialiser, he

RULES: Mapping[str, FixupRules] = {"fixup": FIXUP, "he": NO_RULES}
BRANCHES: Mapping[str, tuple[Initialiser, Initialiser]] = {
    **{name: (init, init) for name, init in PLAIN_INITS.items()},
    "he_lecun": (he, lecun),
}
"""Of the layers of a branch but the last, and of the last."""
RIVALS = tuple(name for name in INITS if name not in BRANCHES and name not in NEED_A_BATCH)
STAGES = 2


@dataclass(frozen=True)
class Asked:
    """What a command asks for."""

    depth: int
    width: int
    activation: str
    bias: float
    branch: int
    classes: int | None


Build = Callable[[str, Asked, Inputs], tuple[Network, Array]]


def _plain(init: str, asked: Asked, inputs: Inputs) -> tuple[Network, Array]:
    network = mlp(
        [asked.width] * (asked.depth + 1),
        init=PLAIN_INITS[init],
        activation=ACTIVATIONS[asked.activation],
        classes=asked.classes,
        bias_deviation=asked.bias or None,
    )
    return network, inputs.narrowed(asked.width)


def _residual(init: str, asked: Asked, inputs: Inputs) -> tuple[Network, Array]:
    rows = inputs.narrowed(asked.width)
    if init not in BRANCHES:
        _only(init, asked, "residual", activation="relu", bias=0.0)
        whole = build(
            init, width=asked.width, blocks=asked.depth, layers_per_branch=asked.branch, features=asked.width, classes=2
        )
        blocks = whole.layers[1:-1]
        return _with_readout(blocks, asked), rows
    first, last = BRANCHES[init]
    activation = ACTIVATIONS[asked.activation]
    if activation is None:
        raise InputError("family 'residual' needs an activation; family 'scalar' has linear branches")
    network = residual_mlp(
        asked.width,
        asked.depth,
        layers_per_branch=asked.branch,
        init=first,
        last_layer=last,
        activation=activation,
        bias_deviation=asked.bias or None,
    )
    return _with_readout(network.layers, asked), rows


def _scalar(init: str, asked: Asked, inputs: Inputs) -> tuple[Network, Array]:
    """Build blocks of width 1 whose branches are products of `branch` entries; 'lecun' is variance 1, 'he' 2."""
    _only(init, asked, "scalar", bias=0.0)
    if asked.width != 1:
        raise InputError(f"family 'scalar' has width 1, got --width {asked.width}")
    entries = PLAIN_INITS[init]
    blocks = tuple(
        Residual(Sequential(tuple(Dense(f"block{b}.layer{m}", 1, 1, entries) for m in range(asked.branch))))
        for b in range(asked.depth)
    )
    return _with_readout(blocks, asked), inputs.narrowed(1)


def _fixup(init: str, asked: Asked, inputs: Inputs) -> tuple[Network, Array]:
    _only(init, asked, "fixup", bias=0.0)
    activation = ACTIVATIONS[asked.activation]
    if activation is None:
        raise InputError("family 'fixup' needs an activation")
    network = fixup_mlp(
        asked.width,
        asked.depth,
        layers_per_branch=asked.branch,
        activation=activation,
        stem=inputs.x.shape[1],
        classes=asked.classes,
        rules=RULES[init],
    )
    return network, inputs.nonzero()


def _resnet(init: str, asked: Asked, inputs: Inputs) -> tuple[Network, Array]:
    _only(init, asked, "resnet", bias=0.0, activation="relu")
    side = math.isqrt(inputs.x.shape[1])
    if side**2 != inputs.x.shape[1]:
        raise InputError(f"family 'resnet' needs square images, got {inputs.x.shape[1]} features an input")
    if asked.depth % STAGES:
        raise InputError(f"family 'resnet' has {STAGES} stages of equally many blocks, got --depth {asked.depth}")
    network = resnet(
        [asked.width, 2 * asked.width],
        asked.depth // STAGES,
        image=(1, side, side),
        classes=asked.classes or inputs.classes,
        layers_per_branch=asked.branch,
        rules=RULES[init],
    )
    return network, inputs.nonzero().reshape(-1, 1, side, side)


FAMILIES: Mapping[str, tuple[Build, tuple[str, ...], str]] = {
    "plain": (_plain, tuple(PLAIN_INITS), "he"),
    "residual": (_residual, (*BRANCHES, *RIVALS), "he_lecun"),
    "scalar": (_scalar, tuple(PLAIN_INITS), "lecun"),
    "fixup": (_fixup, tuple(RULES), "fixup"),
    "resnet": (_resnet, tuple(RULES), "fixup"),
}
"""How to build each family, the initialisations that it has, and the one that it takes if none is named."""


def network_of(family: str, init: str | None, asked: Asked, inputs: Inputs) -> tuple[str, Network, Array]:
    """Build a network; return the name of its initialisation, the network, and the inputs that fit it.

    Raises
    ------
    InputError
        If a name is unknown or something does not go together.
    """
    build_it, inits, usual = FAMILIES[_known("family", family, FAMILIES)]
    name = usual if init is None else _known(f"init of family {family!r}", init, inits)
    _known("activation", asked.activation, ACTIVATIONS)
    try:
        network, rows = build_it(name, asked, inputs)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(str(error)) from None
    return name, network, rows


def _with_readout(blocks: Iterable[Layer], asked: Asked) -> Network:
    readout = () if asked.classes is None else (Dense("readout", asked.width, asked.classes, lecun),)
    return Network((*blocks, *readout))


def _only(init: str, asked: Asked, family: str, **values: object) -> None:
    """Refuse options that a family does not have."""
    for name, value in values.items():
        if (given := getattr(asked, name)) != value:
            raise InputError(f"family {family!r} with init {init!r} has --{name} {value} only, got {given}")


def _known(kind: str, name: str, names: Iterable[str]) -> str:
    names = list(names)
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    raise InputError(f"unknown {kind} {name!r}; {hint}expected one of {', '.join(names)}")
