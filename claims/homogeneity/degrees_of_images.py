"""The table of layers, continued: what convolutions, pooling and normalisations do to a degree of homogeneity."""

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
from simulations import Dense, LeakyReLU, Network, Residual, Sequential
from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.dense import Layer
from simulations.layers.normalisation import BatchNorm, GroupNorm, LayerNorm, WeightStandardised
from simulations.layers.pooling import AveragePool, Concatenate, MaxPool, PadChannels
from simulations.numbers.arrays import Array
from theory.homogeneity import degrees, degrees_of_images
from theory.homogeneity import euler as homogeneity

DRAWS, CHANNELS, SIDE, CLASSES = 64, 2, 4, 3
BENT = LeakyReLU(0.3)
Degree = Callable[[int | None], int | None]
Norm = Callable[[int | None, float, bool, bool | None], int | None]
Table = dict[str, Network]


def _end(channels: int) -> tuple[Layer, ...]:
    """A slope at 0 (so that no unit is dead), a global average and a classifier."""
    return (BENT, AveragePool(), Flatten(), Dense("readout", channels, CLASSES))


def _convolution(name: str) -> Convolution:
    return Convolution(name, CHANNELS, CHANNELS, 3, padding=1)


def _table(eps: float) -> Table:
    """Networks of every kind of layer; `eps` is added to every variance that divides."""
    one, two = _convolution("one"), _convolution("two")
    inner: dict[str, tuple[Layer, ...]] = {
        "convolutions": (one, BENT, two),
        "a bias": (Convolution("one", CHANNELS, CHANNELS, 3, bias_deviation=1.0),),
        "max-pooling": (one, MaxPool(2), two),
        "average pooling": (one, BENT, AveragePool(2), two),
        "side by side": (Concatenate((one, two)),),
        "a shortcut without weights": (
            one,
            Residual(
                Convolution("two", CHANNELS, 2 * CHANNELS, 3, stride=2, padding=1),
                Sequential((AveragePool(1, 2), PadChannels(CHANNELS))),
            ),
        ),
        "batch norm": (one, BatchNorm("norm", CHANNELS, eps), BENT, two),
        "group norm with a gain": (one, GroupNorm("norm", CHANNELS, eps, 1.0, groups=2), BENT, two),
        "layer norm with gain and bias": (one, LayerNorm("norm", CHANNELS, eps, 1.0, 0.5), BENT, two),
        "standardised weights": (one, BENT, WeightStandardised(two, eps=eps)),
    }
    wide = ("side by side", "a shortcut without weights")
    return {name: Network((*layers, *_end((1 + (name in wide)) * CHANNELS))) for name, layers in inner.items()}


def _sets(network: Network) -> list[frozenset[str]]:
    """The empty set, which stands for the input, and all sets of one or two parameters."""
    names = network.parameter_names()
    return [frozenset(some) for size in range(3) for some in combinations(names, size)]


def _measured(run: Run, eps: float) -> dict[tuple[str, frozenset[str]], Array]:
    """For every network and set the k with f(2 .) = 2^k f and f(4 .) = 4^k f, -1 where there is none; (draws,).

    Powers of two are not rounded, so a degree is seen bit for bit.
    """
    found = {}
    for name, network in _table(eps).items():
        rows, rng = run.inputs.narrowed(CHANNELS * SIDE**2), run.rng("rows", name)
        x = rows[rng.integers(len(rows), size=DRAWS)].reshape(DRAWS, 1, CHANNELS, SIDE, SIDE)
        x = x / np.abs(x).max(axis=(2, 3, 4), keepdims=True)
        parameters = network.draw(run.rng("weights", name), DRAWS)
        before = network.run(parameters, x).output
        for some in _sets(network):
            measured, fits = np.full(DRAWS, -1.0), np.ones((3, DRAWS), dtype=bool)
            for factor in (2.0, 4.0):
                scaled = {key: value * (factor if key in some else 1) for key, value in parameters.items()}
                after = network.run(scaled, x if some else factor * x).output
                fits &= [(after == factor**k * before).all(axis=(1, 2)) for k in range(3)]
            for k in range(3):
                measured[fits[k]] = k
            found[name, some] = measured
    return found


@dataclass(frozen=True)
class Rules:
    """What each layer does to a degree."""

    pooled: Degree = degrees_of_images.maximum_degree
    norm: Norm = degrees_of_images.normalisation_degree
    join: Callable[[int | None, int | None], int | None] = degrees.sum_degree
    biases: bool = True

    def through(self, layer: Layer, incoming: int | None, scaled: frozenset[str]) -> int | None:
        """Return the degree of a layer's output in the parameters that are scaled."""
        match layer:
            case Sequential():
                return reduce(lambda degree, one: self.through(one, degree, scaled), layer.layers, incoming)
            case Residual():
                return self.join(*(self.through(part, incoming, scaled) for part in (layer.shortcut, layer.branch)))
            case Concatenate():
                return reduce(self.join, (self.through(part, incoming, scaled) for part in layer.branches))
            case Dense() | Convolution():
                bias = layer.bias in scaled if layer.bias_deviation is not None and self.biases else None
                return degrees.dense_degree(incoming, layer.weight in scaled, bias)
            case WeightStandardised():  # to scaled weights it is a norm of degree 0
                own = self.norm(int(layer.layer.weight in scaled), layer.eps, False, None)
                return None if incoming is None or own is None else incoming + own
            case BatchNorm() | GroupNorm() | LayerNorm():
                bias = layer.bias in scaled if layer.bias_start is not None else None
                gain = layer.gain_start is not None and layer.gain in scaled
                return self.norm(incoming, layer.eps, gain, bias)
            case MaxPool():
                return self.pooled(incoming)
            case AveragePool():
                return degrees_of_images.average_degree(incoming)
            case LeakyReLU():
                return degrees.rectifier_degree(incoming)
            case _:
                return incoming  # pixels are moved, or zeros put beside them


@claim(
    "P3",
    paper=FIXUP,
    where="section 2, the layers that are positively homogeneous; with normalisations",
    states=r"\deg(x*W)=\deg x+\deg W,\quad\deg\mathrm{pool}(x)=\deg x,\quad\deg[x,y]=\deg x=\deg y\text{, else none},"
    r"\quad\deg\mathrm{norm}(x)=0\text{ if }\epsilon=0\text{ or }\deg x=0\text{, else none}",
    derivation=[
        degrees.dense,
        degrees.biased,
        degrees.rectifier,
        homogeneity.addition,
        *degrees_of_images.DERIVATIONS,
    ],
    mutants=[
        mutant(
            "max-pooling is invariant",
            "Which entry is the largest does not depend on the scale, but the entry itself does.",
            rules=Rules(pooled=lambda incoming: 0),
        ),
        mutant(
            "a norm keeps the degree",
            "It is not linear: it divides by the deviation of its own input, which leaves degree 0.",
            rules=Rules(norm=lambda incoming, eps, gain, bias: degrees.dense_degree(incoming, gain, bias)),
        ),
        mutant(
            "gains are normalised too",
            "Gain and bias come after the division: the gain has degree 1, if the bias is scaled with it.",
            rules=Rules(norm=lambda incoming, eps, gain, bias: 0),
        ),
        mutant(
            "outputs side by side have the larger degree",
            "If one of two is scaled and the other is not, what they are joined to has none.",
            rules=Rules(
                join=lambda left, right: None if left is None or right is None else max(left, right),
            ),
        ),
        mutant("biases do not matter", "A bias must be scaled with its weights.", rules=Rules(biases=False)),
        mutant(
            "an epsilon",
            "The simulated norms add 0.01 to the variance where the table has none.",
            eps=0.01,
        ),
    ],
)
def table_of_image_layers(run: Run, *, rules: Rules = Rules(), eps: float = 0.0) -> Finding:
    """Convolutions add their weights' degree, pooling keeps a degree, and a normalisation without epsilon makes it 0.

    Nothing is averaged; exact, bit for bit: 10 networks for images are asked at 2 and 4 times the input, and every set
    of one or two parameters. What has no degree must show none. With an epsilon of 1 only constants keep their degree.
    """
    parts = [(1.0, run.once(_measured, 1.0)), (0.0, run.once(_measured, eps))]
    return all_of(
        identity(measured, -1 if degree is None else degree, rounding=0.0)
        for told, found in parts
        for (name, some), measured in found.items()
        for degree in [rules.through(_table(told)[name], 0 if some else 1, some)]
    )
