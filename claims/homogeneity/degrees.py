"""The table of layers: what each does to a degree of positive homogeneity."""

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
from simulations import Dense, LeakyReLU, Network, Residual, Sequential, Tanh, mlp, residual_mlp, softmax_loss
from simulations.layers.dense import Layer
from simulations.numbers.arrays import Array
from theory.homogeneity import degrees
from theory.homogeneity import euler as homogeneity

ASKED = 64
Degree = Callable[[int | None], int | None]


def _table(bias: float | None) -> dict[str, Network]:
    """Networks of every kind of layer; leaky slopes, so that no unit is dead."""
    n = 6
    rectified, bent = LeakyReLU(0.3), Tanh()
    return {
        "linear": mlp([n, 5, 4], activation=None, bias_deviation=bias),
        "leaky": mlp([n, 5, 4], activation=rectified, bias_deviation=bias),
        "absolute value": mlp([n, 5, 4], activation=LeakyReLU(-1.0), bias_deviation=bias),
        "ReLU, wide": mlp([n, 60], classes=4, bias_deviation=bias),
        "biases": mlp([n, 5], activation=rectified, classes=3, bias_deviation=1.0),
        "tanh": mlp([n, 5], activation=bent, classes=3, bias_deviation=bias),
        "tanh with biases": mlp([n, 5], activation=bent, classes=3, bias_deviation=1.0),
        "sum": residual_mlp(n, 2, activation=rectified, bias_deviation=bias),
        "sum with a dense shortcut": residual_mlp(n, 1, activation=rectified, project=True, bias_deviation=bias),
    }


def _softmax(z: Array) -> Array:
    return softmax_loss(z, np.full(z.shape, 1 / z.shape[-1])).prediction


def _measured_degrees(run: Run, bias: float | None, ended: bool) -> dict[tuple[str, frozenset[str]], Array]:
    """For every network and set (the empty one stands for the input) the k with f(2 .) = 2^k f, f(4 .) = 4^k f.

    Powers of two are not rounded, so a degree is seen bit for bit; -1 where there is none. Arrays (draws,).
    """
    found = {}
    last = _softmax if ended else np.asarray
    for name, network in _table(bias).items():
        narrow = run.inputs.narrowed(6)
        x = narrow[run.rng("rows", name).integers(len(narrow), size=ASKED)][:, None, :]
        x = x / np.abs(x).max(axis=-1, keepdims=True)
        parameters = network.draw(run.rng("weights", name), ASKED)
        before = last(network.run(parameters, x).output)
        names = _table(None)[name].parameter_names()
        for some in map(frozenset, [(), *combinations(names, 1), *combinations(names, 2)]):
            measured = np.full(ASKED, -1.0)
            after = {
                factor: last(
                    network.run(
                        {key: value * (factor if key in some else 1) for key, value in parameters.items()},
                        x if some else factor * x,
                    ).output
                )
                for factor in (2.0, 4.0)
            }
            for k in range(4):
                fits = [(value == factor**k * before).all(axis=(1, 2)) for factor, value in after.items()]
                measured[np.logical_and(*fits)] = k
            found[name, some] = measured
    return found


@dataclass(frozen=True)
class Rules:
    """What each layer does to a degree."""

    rectifier: Degree = degrees.rectifier_degree
    tanh: Degree = degrees.tanh_degree
    add: Callable[[int | None, int | None], int | None] = degrees.sum_degree
    biases: bool = True

    def through(self, layer: Layer, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Return the degree of a layer's output in the parameters that are scaled."""
        if isinstance(layer, Dense):
            bias = layer.bias in scaled if layer.bias_deviation is not None and self.biases else None
            return degrees.dense_degree(incoming, layer.weight in scaled, bias)
        if isinstance(layer, LeakyReLU):
            return self.rectifier(incoming)
        if isinstance(layer, Tanh):
            return self.tanh(incoming)
        if isinstance(layer, Residual):
            return self.add(*(self.through(part, incoming, scaled) for part in (layer.shortcut, layer.branch)))
        assert isinstance(layer, Sequential)
        return reduce(lambda degree, one: self.through(one, degree, scaled), layer.layers, incoming)


@claim(
    "P3",
    paper=FIXUP,
    where="section 2, the layers that are positively homogeneous",
    states=r"\deg(xW)=\deg x+\deg W,\quad\deg\mathrm{ReLU}(x)=\deg x,\quad\deg(z+b)=\deg z\text{ if }\deg b=\deg z"
    r"\text{, else none},\quad\deg\tanh(x)=0\text{ if }\deg x=0\text{, else none}",
    derivation=[
        degrees.dense,
        degrees.rectifier,
        degrees.biased,
        degrees.hyperbolic,
        homogeneity.addition,
        homogeneity.composition,
    ],
    mutants=[
        mutant(
            "ReLU is scale-invariant",
            "It is scale-equivariant, of degree 1: invariance, degree 0, is what a normalisation layer has.",
            rules=Rules(rectifier=lambda incoming: 0),
        ),
        mutant(
            "biases do not matter",
            "A bias must be scaled with the weight, to the same degree, or the sum has none.",
            rules=Rules(biases=False),
        ),
        mutant(
            "tanh as a rectifier",
            "tanh is odd but not homogeneous: its local degree 2x / sinh 2x falls from 1 to 0.",
            rules=Rules(tanh=degrees.rectifier_degree),
        ),
        mutant(
            "a sum has the larger degree",
            "True of polynomials as x grows; a sum of parts with different degrees has none.",
            rules=Rules(add=lambda left, right: None if left is None or right is None else max(left, right)),
        ),
        mutant(
            "f is the softmax layer",
            "z = f(x) are the logits before the softmax; the probabilities have no degree.",
            ended=True,
        ),
        mutant("with biases", "The simulated layers have biases where the table has none.", bias=1.0),
    ],
)
def layer_table(run: Run, *, rules: Rules = Rules(), bias: float | None = None, ended: bool = False) -> Finding:
    """One pass from layer to layer finds the degree of the logits in the input and in any set of parameters.

    Nothing is averaged; exact, bit for bit: 9 networks of dense layers, biases, rectifiers, tanh and sums are asked at
    2 and 4 times the input, and every set of one or two parameters. What has no degree must show none.
    """
    networks = _table(None)
    return all_of(
        identity(measured, -1 if degree is None else degree, rounding=0.0)
        for (name, some), measured in run.once(_measured_degrees, bias, ended).items()
        for degree in [rules.through(networks[name], 0 if some else 1, some)]
    )
