"""Fixup, figure 2: the three kinds of positively homogeneous sets in a residual network for images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Network
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.networks.fixup import NO_RULES
from simulations.networks.resnet import resnet
from simulations.numbers.arrays import Array
from theory.homogeneity import degrees, degrees_of_images
from theory.homogeneity import euler as homogeneity

DRAWS, SIDE, CLASSES = 64, 6, 3
FACTORS = (2.0, 4.0, 0.125)
"""Powers of two, which are not rounded."""

Sets = dict[str, frozenset[str]]
Build = Callable[[float | None], Network]
LAST = "readout.bias"
SCALARS = replace(NO_RULES, bias=partial(ScalarBias, value=0.5), multiplier=ScalarMultiplier)


def _names(*layers: str) -> frozenset[str]:
    return frozenset(f"{layer}.weight" for layer in layers)


SETS: Sets = {
    "the first convolution": _names("stem"),
    "the last layer with its bias": _names("readout") | {LAST},
    "a shortcut and the first convolution beside it": _names("block1.shortcut", "block1.layer0"),
    "a shortcut and the second convolution beside it": _names("block1.shortcut", "block1.layer1"),
}


def _network(last_bias: float | None, **changes: object) -> Network:
    """Two blocks, of which the second changes the image; only the last layer may have a bias."""
    settings: dict[str, Any] = {"rules": NO_RULES, "shortcut": "convolution", "max_pool": 2} | changes
    return resnet((2, 3), 1, image=(1, SIDE, SIDE), classes=CLASSES, bias_deviation=last_bias, **settings)


def _outputs(run: Run, build: Build, some: frozenset[str]) -> list[Array]:
    """Logits of real images before the set is scaled and after, for each factor; each (draws, 1, CLASSES)."""
    network = build(1.0 if LAST in some else None)
    rows, rng = run.inputs.narrowed(SIDE**2), run.rng("rows")
    x = rows[rng.integers(len(rows), size=DRAWS)].reshape(DRAWS, 1, 1, SIDE, SIDE)
    x = x / np.abs(x).max(axis=(3, 4), keepdims=True)
    parameters = network.draw(run.rng("weights"), DRAWS)
    return [
        network.run({name: value * (factor if name in some else 1) for name, value in parameters.items()}, x).output
        for factor in (1.0, *FACTORS)
    ]


@claim(
    "P12",
    paper=FIXUP,
    where="section 2, figure 2",
    states=r"f(x;\theta\setminus\theta_{ph},\alpha\theta_{ph})=\alpha f(x;\theta),\quad\theta_{ph}\in\{\text{first "
    r"convolution}\},\ \{\text{last layer}\},\ \{\text{shortcut convolution and one beside it}\}",
    derivation=[
        degrees.dense,
        degrees.biased,
        degrees.rectifier,
        degrees_of_images.maximum,
        degrees_of_images.average,
        homogeneity.addition,
    ],
    mutants=[
        mutant(
            "a branch beside an identity",
            "The identity shortcut is not scaled, so the sum has no degree.",
            sets={"": _names("block0.layer0")},
        ),
        mutant(
            "a shortcut alone",
            "The branch beside it is not scaled (it is p.h. only where the branch ends with zeros).",
            sets={"": _names("block1.shortcut")},
        ),
        mutant(
            "a shortcut and the whole branch",
            "Two layers scale the branch by a^2, the shortcut by a: one layer of each path belongs to the set.",
            sets={"": _names("block1.shortcut", "block1.layer0", "block1.layer1")},
        ),
        mutant(
            "the first and the last layer",
            "They lie on one path: together they have degree 2.",
            sets={"": _names("stem", "readout")},
        ),
        mutant(
            "a bias left out",
            "The last layer's bias does not grow with its weights.",
            sets={"": _names("readout")},
            build=lambda last_bias: _network(1.0),
        ),
        mutant(
            "batch norm",
            "In the simulated network a normalisation behind every convolution makes its scale irrelevant.",
            build=partial(_network, batch_norm=1e-5),
        ),
        mutant(
            "scalar biases",
            "The simulated network has Fixup's scalar biases, not at 0, where they start, but at 0.5.",
            build=partial(_network, rules=SCALARS),
        ),
    ],
)
def figure_2(run: Run, *, sets: Sets = SETS, build: Build = _network) -> Finding:
    """First convolution, last layer, or a shortcut convolution and one beside it: the logits scale as they do.

    Nothing is averaged; exact, bit for bit, for factors 2, 4 and 1/8. A network of 3 x 3 convolutions with a max-pool
    behind the first, a block with an identity and one with a convolution as its shortcut, on real images.
    """
    return all_of(
        identity(after, factor * before, rounding=0.0)
        for some in sets.values()
        for before, *scaled in [run.once(_outputs, build, some)]
        for factor, after in zip(FACTORS, scaled, strict=True)
    )
