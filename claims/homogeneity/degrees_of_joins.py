"""Dropout and concatenation in the table of layers that are positively homogeneous."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

import numpy as np

from claims.papers import FIXUP
from claims.registry import claim, mutant
from claims.run import Run
from evidence import Finding, all_of, identity
from simulations import Dense, LeakyReLU, Network, Sequential
from simulations.layers.activations import Dropout
from simulations.layers.dense import Layer
from simulations.layers.pooling import Concatenate
from simulations.numbers.arrays import Array
from theory.homogeneity import degrees, degrees_of_joins

WIDTH, DRAWS, KEEP = 6, 100, 0.7
BENT = LeakyReLU(0.3)


def _dense(name: str, fan_in: int = WIDTH) -> Dense:
    return Dense(name, fan_in, WIDTH)


def _table() -> dict[str, Network]:
    """Networks with masks and joins; leaky slopes, so that no unit is dead by itself."""
    drop = Dropout("mask", WIDTH, KEEP)
    two = Concatenate((_dense("one"), Sequential((_dense("two"), BENT))))
    deep = Concatenate((_dense("one"), Sequential((_dense("two"), BENT, _dense("three")))))
    dense_net = Concatenate((Sequential(()), Sequential((_dense("one"), BENT))))
    return {
        "dropout": Network((_dense("one"), BENT, drop, _dense("two"))),
        "dropout of the input": Network((drop, _dense("one"), BENT)),
        "side by side": Network((two, _dense("last", 2 * WIDTH))),
        "unlike depths": Network((deep,)),
        "input kept, as in a DenseNet": Network((dense_net, _dense("last", 2 * WIDTH))),
        "both": Network((Concatenate((drop, _dense("one"))), BENT)),
    }


def _measured(run: Run, redrawn: bool) -> dict[tuple[str, frozenset[str]], Array]:
    """For every network and set (the empty one: the input) the k with f(2 .) = 2^k f and f(4 .) = 4^k f; (draws,).

    It is -1 where there is none. Powers of two are not rounded, so a degree is seen bit for bit. One unit of a mask is
    always kept, as an output of 0 would have every degree.
    """
    found = {}
    for name, network in _table().items():
        rows, rng = run.inputs.narrowed(WIDTH), run.rng("rows", name)
        x = rows[rng.integers(len(rows), size=DRAWS)][:, None, :]
        x = x / np.abs(x).max(axis=-1, keepdims=True)
        parameters = network.draw(run.rng("weights", name), DRAWS)
        for mask in (key for key in parameters if key.endswith(".mask")):
            parameters[mask][..., 0] = 1 / KEEP
        before = network.run(parameters, x).output
        masks = {key: value[::-1] for key, value in parameters.items() if key.endswith(".mask")} if redrawn else {}
        names = network.parameter_names()
        for some in (frozenset(one) for size in range(3) for one in combinations(names, size)):
            measured, fits = np.full(DRAWS, -1.0), np.ones((3, DRAWS), dtype=bool)
            for factor in (2.0, 4.0):
                scaled = {key: value * (factor if key in some else 1) for key, value in (parameters | masks).items()}
                after = network.run(scaled, x if some else factor * x).output
                fits &= [(after == factor**k * before).all(axis=(1, 2)) for k in range(3)]
            for k in range(3):
                measured[fits[k]] = k
            found[name, some] = measured
    return found


@dataclass(frozen=True)
class Rules:
    """What each layer does to a degree."""

    dropout: Callable[[int | None], int | None] = degrees_of_joins.dropout_degree
    join: Callable[[int | None, int | None], int | None] = degrees_of_joins.concatenation_degree

    def through(self, layer: Layer, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Return the degree of a layer's output in the parameters that are scaled."""
        match layer:
            case Sequential():
                return reduce(lambda degree, one: self.through(one, degree, scaled), layer.layers, incoming)
            case Concatenate():
                return reduce(self.join, (self.through(part, incoming, scaled) for part in layer.branches))
            case Dense():
                return degrees.dense_degree(incoming, layer.weight in scaled)
            case Dropout():
                return self.dropout(incoming)
            case _:
                return degrees.rectifier_degree(incoming)


@claim(
    "P17",
    paper=FIXUP,
    where="section 2, the layers that are positively homogeneous: dropout and concatenation",
    states=r"\deg(m\odot x)=\deg x\ \text{for a given mask }m,\qquad\deg[x,y]=\deg x\ \text{if }\deg y=\deg x\text{, "
    r"else none}",
    derivation=[degrees.dense, degrees.rectifier, *degrees_of_joins.DERIVATIONS],
    mutants=[
        mutant(
            "dropout has no degree",
            "It is random, but the mask is drawn apart from what is scaled: given the mask it is linear.",
            rules=Rules(dropout=lambda incoming: None),
        ),
        mutant(
            "dropout adds a degree",
            "A mask is a factor like a weight, but it is not scaled.",
            rules=Rules(dropout=lambda incoming: None if incoming is None else incoming + 1),
        ),
        mutant(
            "outputs side by side add their degrees",
            "Degrees add in products.",
            rules=Rules(join=lambda left, right: None if left is None or right is None else left + right),
        ),
        mutant(
            "the first output decides",
            "A skip connection that keeps the input beside a scaled layer has degrees 0 and 1, hence none.",
            rules=Rules(join=lambda left, right: left),
        ),
        mutant(
            "another mask for every pass",
            "The simulated masks are those of another draw when the input or the weights are scaled.",
            redrawn=True,
        ),
    ],
)
def masks_and_joins_keep_degrees(run: Run, *, rules: Rules = Rules(), redrawn: bool = False) -> Finding:
    """Dropout keeps a degree while its mask is kept, and a concatenation keeps the degree that its parts share.

    Nothing is averaged; exact, bit for bit: six networks are asked at 2 and 4 times the input, and every set of one or
    two weight matrices. What has no degree must show none.
    """
    table = _table()
    return all_of(
        identity(measured, -1 if degree is None else degree, rounding=0.0)
        for (name, some), measured in run.once(_measured, redrawn).items()
        for degree in [rules.through(table[name], 0 if some else 1, some)]
    )
