"""Exponents of networks: every basis vector is measured, dimensions are as counted, Euler's identity holds."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations import LeakyReLU, Network, Residual, Sequential, Tanh, mlp, residual_mlp, stream
from simulations.attention.layer import Attention
from simulations.layers.convolution import Convolution, Flatten
from simulations.layers.dense import Dense, Layer, Parameters
from simulations.layers.gated import Gated
from simulations.layers.normalisation import BatchNorm, WeightStandardised
from simulations.layers.pooling import Concatenate
from simulations.networks.fixup import fixup_mlp
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import NONE, PRE
from simulations.transformer.stack import transformer
from simulations.transformer.translator import Translator, translator
from simulations.transformer.weighted_sets import WeightedSet, weighted_sets

X = stream(0, "x").normal(size=(2, 6, 4))
BARE = replace(NONE, sinusoid=0.0)
EXACT = replace(PRE, eps=0.0, sinusoid=0.0)


def moved(network: Network | Translator) -> Parameters:
    rng = stream(0, "exponents")
    return {name: value + 0.3 * rng.normal(size=value.shape) for name, value in network.draw(rng, 2).items()}


NETWORKS: dict[str, tuple[Network, int]] = {
    # A plain net: an exponent a layer. Biases follow.
    "plain": (mlp([4, 5, 6], classes=3), 3),
    "plain, biases": (mlp([4, 5, 6], classes=3, bias_deviation=0.5), 3),
    "tanh": (mlp([4, 5, 6], activation=Tanh(), classes=3), 1),
    # Of every branch's two layers the exponents must cancel; the stream's is the stem's.
    "residual": (residual_mlp(5, 3, stem=4, classes=3), 1 + 3 + 1),
    "residual, input given": (residual_mlp(4, 3, classes=3), 3 + 1),
    # Behind the stem all biases of the stream agree with it; in a branch: weights, multiplier, and the bias between.
    "fixup": (fixup_mlp(5, 2, stem=4, classes=3), 1 + 2 * 2 + 1),
    "gated": (Network((Gated(Dense("v", 4, 5), Dense("g", 4, 5), LeakyReLU()), Dense("w", 5, 3))), 3),
    "gated by tanh": (Network((Gated(Dense("v", 4, 5), Dense("g", 4, 5), Tanh()), Dense("w", 5, 3))), 2),
    "batch norm": (Network((Dense("v", 4, 5), BatchNorm("n", 5, 0.0, 1.0, 0.0), Dense("w", 5, 3))), 1 + 1 + 1),
    "batch norm, eps": (Network((Dense("v", 4, 5), BatchNorm("n", 5, 1e-5, 1.0, 0.0), Dense("w", 5, 3))), 2),
    "joined": (Network((Concatenate((Dense("v", 4, 5), Sequential((Dense("w", 4, 2), Dense("u", 2, 2))))),)), 2),
    # Queries against keys, values, outputs; three of the biases follow, that of the keys is free.
    "attention": (Network((Attention("a", 4, 2, 3),)), 3),
    "attention, biases": (Network((Attention("a", 4, 2, 3, bias_deviation=0.5),)), 3 + 1),
}


def exponents(parameters: Parameters, one: WeightedSet) -> Parameters:
    """Multiply each parameter by 2 to the power of its exponent."""
    return {name: value * 2.0 ** one.exponents.get(name, 0) for name, value in parameters.items()}


@pytest.mark.parametrize("name", NETWORKS)
def test_basis_and_dimension(name: str) -> None:
    network, dimension = NETWORKS[name]
    basis = weighted_sets(network)
    assert len(basis) == dimension
    parameters = moved(network)
    before = network.run(parameters, X).output
    for one in basis:
        after = network.run(exponents(parameters, one), X).output
        np.testing.assert_allclose(after, 2.0**one.output * before, rtol=1e-9, atol=1e-12 * abs(before).max())


def test_images() -> None:
    network = Network((Convolution("c", 1, 2, 2, bias_deviation=0.5), LeakyReLU(), Flatten(), Dense("w", 8, 3)))
    parameters, x = moved(network), stream(0).normal(size=(2, 3, 1, 3, 3))
    basis = weighted_sets(network)
    assert len(basis) == 2
    for one in basis:
        expected = 2.0**one.output * network.run(parameters, x).output
        np.testing.assert_allclose(network.run(exponents(parameters, one), x).output, expected, rtol=1e-12)


@pytest.mark.parametrize(("layers", "recipe", "dimension"), [
    ((1, 1), BARE, 3 + 3 + 5),
    ((2, 3), BARE, 3 + 3 * 2 + 5 * 3),
    ((1, 1), NONE, 1 + 3 + 5),
])  # fmt: skip
def test_encoder_decoders(layers: tuple[int, int], recipe: Any, dimension: int) -> None:
    """3 + 3 encoder + 5 decoder layers; with sinusoids, whose size is given, both embeddings stay as they are."""
    net = translator(8, layers, (recipe, recipe), heads=2, tokens=(7, 6))
    basis = weighted_sets(net)
    assert len(basis) == dimension
    parameters = moved(net)
    source: Any = stream(1).integers(1, 7, (2, 3, 4))
    target: Any = stream(2).integers(1, 6, (2, 3, 5))
    run = net.run(parameters, source, target)
    cotangent = stream(3).normal(size=run.output.shape)
    gradients = run.gradients(cotangent)
    euler = (run.output * cotangent).sum()
    rng = stream(4)
    for one in (*basis, *(combination(rng, basis) for _ in range(5))):
        after = net.run(exponents(parameters, one), source, target).output
        np.testing.assert_allclose(after, 2.0**one.output * run.output, rtol=1e-8, atol=1e-12 * abs(after).max())
        terms = [power * (gradients[name] * parameters[name]).sum() for name, power in one.exponents.items()]
        assert abs(sum(terms) - one.output * euler) < 1e-11 * (sum(map(abs, terms)) + abs(euler))


def combination(rng: np.random.Generator, basis: tuple[WeightedSet, ...]) -> WeightedSet:
    """Add up some of the basis."""
    factors = rng.integers(-1, 2, len(basis)).tolist()
    names = {name for one in basis for name in one.exponents}
    parts = list(zip(factors, basis, strict=True))
    total = {name: sum(factor * one.exponents.get(name, 0) for factor, one in parts) for name in names}
    return WeightedSet(total, sum(factor * one.output for factor, one in parts))


def test_inputs_of_a_translator_on_rows() -> None:
    net = translator(8, (1, 1), (NONE, NONE), heads=2, positions=(3, 2), classes=5)
    basis = weighted_sets(net, inputs=("source", "target"))
    assert len(basis) == 3 + 3 + 5
    parameters = moved(net)
    rows: dict[str, Array] = {"source": stream(0).normal(size=(2, 6, 8)), "target": stream(1).normal(size=(2, 4, 8))}
    before = net.run(parameters, *rows.values()).output
    assert any(set(one.exponents) & set(rows) for one in basis)
    for one in basis:
        after = net.run(exponents(parameters, one), *exponents(rows, one).values()).output
        np.testing.assert_allclose(after, 2.0**one.output * before, rtol=1e-9, atol=1e-12 * abs(after).max())


def test_what_writes_to_a_normalised_stream() -> None:
    """Pre-LayerNorm, eps = 0: embedding, output matrices and last layers share an exponent, the output's stays 0."""
    network = transformer(8, 2, replace(EXACT, affine=False), heads=2, tokens=5, positions=3, classes=3)
    writers = {"embedding.weight": 1}
    for block in ("block0", "block1"):
        writers |= {f"{block}.attention.output.weight": 1, f"{block}.mlp.layer1.weight": 1}
    basis = weighted_sets(network)
    assert len(basis) == 1 + 2 * (1 + 1 + 1) + 1  # the stream; q against k, v and W_1 a layer (o, W_2 follow); readout
    names = [*network.parameter_names(), ""]
    matrix = np.array([[(one.exponents | {"": one.output}).get(name, 0) for name in names] for one in basis], float)
    wanted = np.array([float(name in writers) for name in names])
    solution = np.linalg.lstsq(matrix.T, wanted, rcond=None)[0]
    np.testing.assert_allclose(matrix.T @ solution, wanted, atol=1e-12)
    parameters, tokens = moved(network), stream(0).integers(0, 5, (2, 3, 3))
    given: Any = tokens
    after = network.run(exponents(parameters, WeightedSet(writers, 0)), given).output
    np.testing.assert_allclose(after, network.run(parameters, given).output, rtol=1e-11, atol=1e-12)


def test_sets_are_weighted_sets() -> None:
    """Every set of `homogeneous_sets` is in the span: its exponents satisfy all equations, and k = 1."""
    for network, _ in NETWORKS.values():
        basis = weighted_sets(network)
        names = [*network.parameter_names(), ""]
        matrix = np.array([[one.exponents.get(name, 0) for name in names[:-1]] + [one.output] for one in basis])
        for some in network.homogeneous_sets(3):
            vector = np.array([float(name in some) for name in names[:-1]] + [1.0])
            solution = np.linalg.lstsq(matrix.T, vector, rcond=None)[0]
            np.testing.assert_allclose(matrix.T @ solution, vector, atol=1e-12)


def test_refused() -> None:
    odd: Layer = WeightStandardised(Dense("d", 4, 3))
    with pytest.raises(TypeError, match="no rule of exponents is known for a WeightStandardised with parameters"):
        weighted_sets(Network((Residual(odd),)))
    with pytest.raises(ValueError, match=r"a name for each of 1 inputs, got \('a', 'b'\)"):
        weighted_sets(mlp([4, 5]), inputs=("a", "b"))
