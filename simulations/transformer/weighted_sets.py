"""Weighted positive homogeneity: exponents w with f(c^w_1 theta_1, c^w_2 theta_2, ...) = c^k f for every c > 0.

A set of parameters in which a network is positively homogeneous has exponents 0 and 1. Transformers have hardly any,
but they have exponents: each layer turns the exponent of what comes in into that of what goes out, and demands linear
equations (the two sides of an addition must agree, the logits of a softmax must have exponent 0). So all exponents are
the null space of a matrix, found here exactly, by Gauss's elimination of fractions. By Euler, each gives an identity:
sum_g w_g <gradient_g, theta_g> = k <gradient of the output, output>.

As with degrees, these are the exponents that the layers' rules state, and they hold; a network may have more.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from simulations.attention.embedding import Embedding, TiedReadout
from simulations.attention.layer import Attention
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Dense, Layer
from simulations.layers.gated import Gated
from simulations.layers.network import Network, Residual, Sequential, learnt
from simulations.layers.normalisation import BatchNorm, GroupNorm, LayerNorm
from simulations.layers.pooling import Concatenate
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.transformer.translator import MEMORY, Translator

Form = dict[str, int]
"""A sum of exponents, by name of the parameter, with coefficients."""
OUTPUT = ""


@dataclass(frozen=True)
class WeightedSet:
    """Exponents of parameters by name (those not named have 0), and the exponent of the output."""

    exponents: dict[str, int]
    output: int


def weighted_sets(network: Network | Translator, *, inputs: tuple[str, ...] = ()) -> tuple[WeightedSet, ...]:
    """Return a basis of all exponents that the rules of the layers allow.

    Parameters
    ----------
    inputs : tuple of str, optional
        Give the inputs exponents too, under these names: of a network one, of an encoder-decoder two. Without names
        inputs stay as they are.

    Raises
    ------
    ValueError
        If there are not as many names as inputs.
    TypeError
        If a layer has parameters and no rule here.
    """
    halves = (network,) if isinstance(network, Network) else (network.encoder, network.decoder)
    if inputs and len(inputs) != len(halves):
        raise ValueError(f"expected a name for each of {len(halves)} inputs, got {inputs}")
    rules = _Rules()
    starts: list[Form] = [{name: 1} for name in inputs] or [{} for _ in halves]
    form: Form = {}
    for half, start in zip(halves, starts, strict=True):
        rules.memory = form
        form = rules.through(half, start)
    names = list(dict.fromkeys((*inputs, *(name for half in halves for name in learnt(half)))))
    rules.equal(form, {OUTPUT: 1})
    basis = _null_space(rules.equations, [*names, OUTPUT])
    return tuple(WeightedSet({name: one[name] for name in names if one.get(name)}, one.get(OUTPUT, 0)) for one in basis)


class _Rules:
    """What layers do to exponents, and the equations that they demand."""

    def __init__(self) -> None:
        self.equations: list[Form] = []
        self.memory: Form = {}

    def equal(self, one: Form, other: Form) -> None:
        """Demand that two sums agree."""
        self.equations.append(_plus(one, {name: -count for name, count in other.items()}))

    def through(self, layer: Layer, x: Form) -> Form:
        """Return the exponent of the output, if that of the input is `x`."""
        match layer:
            case Sequential():
                for part in layer.layers:
                    x = self.through(part, x)
                return x
            case Residual():
                return self._agreed(self.through(part, x) for part in (layer.branch, layer.shortcut))
            case Concatenate():
                return self._agreed(self.through(part, x) for part in layer.branches)
            case Dense() | Convolution():
                y = _plus(x, {layer.weight: 1})
                if layer.bias_deviation is not None:
                    self.equal(y, {layer.bias: 1})
                return y
            case ScalarBias():
                self.equal(x, {layer.name: 1})
                return x
            case ScalarMultiplier():
                return _plus(x, {layer.name: 1})
            case BatchNorm() | GroupNorm() | LayerNorm():
                if layer.eps:
                    self.equal(x, {})
                y = {layer.gain: 1} if layer.gain_start is not None else {}
                if layer.bias_start is not None:
                    self.equal(y, {layer.bias: 1})
                return y
            case Gated():
                return _plus(self.through(layer.value, x), self.through(layer.activation, self.through(layer.gate, x)))
            case Embedding():
                if layer.sinusoid:
                    self.equal({layer.weight: 1}, {})
                return {layer.weight: 1}
            case TiedReadout():
                return _plus(x, {layer.embedding.weight: 1})
            case Attention():
                return self._attention(layer, x)
        return self._without_parameters(layer, x)

    def _attention(self, layer: Attention, x: Form) -> Form:
        """Demand logits of exponent 0; the bias of the keys is free, as it adds the same to all logits of a query."""
        query, key, value, output = layer.parts
        source = self._memory(layer) if layer.memory else x
        bare = Dense(key.name, key.fan_in, key.fan_out)
        self.equal(_plus(self.through(query, x), self.through(bare, source)), {})
        return self.through(output, self.through(layer.inner, self.through(value, source)))

    def _memory(self, layer: Attention) -> Form:
        """Return the exponent of what the encoder made; outside an encoder-decoder a memory stays as it is."""
        return self.memory if layer.memory == MEMORY else {}

    def _agreed(self, forms: Iterable[Form]) -> Form:
        first, *others = forms
        for one in others:
            self.equal(first, one)
        return first

    def _without_parameters(self, layer: Layer, x: Form) -> Form:
        """Follow the degree of a layer that keeps every degree, or none but 0."""
        if tuple(learnt(layer)):
            raise TypeError(f"no rule of exponents is known for a {type(layer).__name__} with parameters")
        degrees = [layer.degree(incoming, frozenset()) for incoming in (0, 1)]
        if degrees == [0, 1]:
            return x
        if degrees == [0, 0]:
            return {}
        self.equal(x, {})
        return {}


def _plus(one: Form, other: Form) -> Form:
    total: defaultdict[str, int] = defaultdict(int, one)
    for name, count in other.items():
        total[name] += count
    return {name: count for name, count in total.items() if count}


def _null_space(equations: list[Form], names: list[str]) -> list[dict[str, int]]:
    """Return integer vectors that span the solutions of ``equation = 0``, one for each name that is free."""
    solved: dict[str, dict[str, Fraction]] = {}  # name = a sum of others, none of which is solved
    for equation in equations:
        row: defaultdict[str, Fraction] = defaultdict(Fraction)
        for name, count in equation.items():
            for other, factor in solved.get(name, {name: Fraction(1)}).items():
                row[other] += count * factor
        row = defaultdict(Fraction, {name: factor for name, factor in row.items() if factor})
        if not row:
            continue
        pivot = max(row, key=names.index)
        scale = -row.pop(pivot)
        own = {name: factor / scale for name, factor in row.items()}
        for name, expression in solved.items():
            factor = expression.pop(pivot, Fraction(0))
            for other, share in own.items():
                expression[other] = expression.get(other, Fraction(0)) + factor * share
            solved[name] = {other: share for other, share in expression.items() if share}
        solved[pivot] = own
    basis = []
    for free in (name for name in names if name not in solved):
        vector = {free: Fraction(1)} | {name: row[free] for name, row in solved.items() if free in row}
        common = math.lcm(*(one.denominator for one in vector.values()))
        basis.append({name: int(one * common) for name, one in vector.items()})
    return basis
