"""Stacks and recipes: what starts as it should, degrees, kinds of weights, a stack of layers by hand; translators."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations import LeakyReLU, stream
from simulations.attention.layer import Attention
from simulations.layers.activations import Swish
from simulations.layers.dense import Dense, Gradients
from simulations.layers.gated import Gated
from simulations.layers.network import Network
from simulations.layers.normalisation import LayerNorm
from simulations.transformer.recipes import NONE, PRE, RECIPES, XAVIER, Recipe, deepnorm, fixup, layer_scale, t_fixup
from simulations.transformer.stack import transformer
from simulations.transformer.translator import translator
from simulations.weights.undrawn import undrawn
from tests.simulations.layers.layer_cases import check_degrees, check_draws_and_precision, check_gradients

X = stream(0, "x").normal(size=(2, 6, 8))


def test_a_layer_by_hand() -> None:
    """x + attention(norm(x)), then x + mlp(norm(x)), then a norm."""
    recipe = replace(PRE, affine=False, eps=0.1)
    network = transformer(8, 1, recipe, heads=2, hidden=5, positions=3, causal=True)
    parameters = network.draw(stream(0), 2)
    norm = LayerNorm("n", 8, 0.1)

    def normal(x: Any) -> Any:
        return norm.forward({}, x)[0]

    attention = Attention("block0.attention", 8, 2, 3, causal=True)
    x = X + attention.forward(parameters, normal(X))[0]
    hidden = np.maximum(normal(x) @ parameters["block0.mlp.layer0.weight"], 0)
    x = x + hidden @ parameters["block0.mlp.layer1.weight"]
    np.testing.assert_allclose(network.run(parameters, X).output, normal(x), rtol=1e-13, atol=1e-13)


def test_where_norms_stand() -> None:
    """Behind the additions all rows are normal, with shortcuts as given; before them the stream is not."""
    post = replace(PRE, norm="post", affine=False, shortcut=3.0)
    run = transformer(8, 2, post, positions=3).run(transformer(8, 2, post, positions=3).draw(stream(0), 2), X)
    for state in run.states[1:]:
        np.testing.assert_allclose(np.square(state).mean(axis=2), 1, rtol=1e-3)
    silent = replace(post, branch=0.0)
    still = transformer(8, 2, silent, positions=3)
    for state in still.run(still.draw(stream(0), 2), X).states[1:]:
        np.testing.assert_allclose(state, LayerNorm("n", 8).forward({}, X)[0], rtol=1e-4, atol=1e-4)
    assert len(transformer(8, 2, PRE, positions=3).layers) == 2 * 2 + 1
    assert len(transformer(8, 2, NONE, positions=3).layers) == 2 * 2


def deviation(recipe: Recipe, part: str) -> float:
    projections = vars(recipe.projections)
    init = projections.get(part) or {"first": recipe.first, "last": recipe.last}[part]
    return float(init.deviation(64, 256 if part == "first" else 64) * math.sqrt(64))


def test_fixup_scales_the_value_path_alone() -> None:
    """With L = 2 * 3 + 3 * 4 = 18 branches; the zeros are there without rule 2 as well."""
    for recipe in fixup(3, 4):
        assert [deviation(recipe, part) for part in ("query", "key", "output", "last")] == [1, 1, 0, 0]
        assert math.isclose(deviation(recipe, "value"), 18**-0.5)
        assert math.isclose(deviation(recipe, "first"), math.sqrt(2) * 18**-0.5)
    other, _ = fixup(3, 4, all_projections=True)
    assert [round(deviation(other, part) * 18 ** (1 / 6), 12) for part in ("query", "key", "value")] == [1, 1, 1]
    assert math.isclose(deviation(other, "first"), math.sqrt(2) * 18**-0.5)
    bare, _ = fixup(3, 4, rule_2=False)
    assert [deviation(bare, part) for part in ("query", "value", "output")] == [1, 1, 0]
    assert math.isclose(deviation(fixup(8, 0)[0], "value"), deviation(fixup(0, 8)[1], "value"))
    assert math.isclose(deviation(fixup(8, 0)[0], "value"), 16**-0.5)


def test_fixup_starts_as_its_shortcuts() -> None:
    """All logits are 0, the last state is the embedding, and only the readout has a gradient."""
    net = translator(8, (2, 2), "fixup", heads=2, tokens=(9, 9))
    parameters = net.draw(stream(0), 1)
    tokens: Any = np.array([[[3, 4, 5], [6, 0, 0]]])
    run = net.run(parameters, tokens, tokens)
    assert not run.output.any()
    np.testing.assert_array_equal(run.encoder.states[1], run.encoder.output)
    gradients = run.gradients(stream(1).normal(size=run.output.shape))
    assert {name for name, value in gradients.items() if value.any()} == {
        "decoder.readout.weight",
        "decoder.readout.bias",
    }
    scalars = [name for name, value in parameters.items() if value[0].size == 1]
    # Three biases and a multiplier a branch of attention, four and one of a perceptron; a bias before the readout.
    assert len(scalars) == 4 * (2 + 2 * 2) + 5 * (2 + 2) + 1


def test_published_scales() -> None:
    """DeepNet's figure 2 at 18 and 6 layers, and one stack of 100; T-Fixup at 6 and 6."""
    encoder, decoder = deepnorm(18, 6)
    factor = (18**4 * 6) ** (1 / 16)
    assert math.isclose(encoder.shortcut, 0.81 * factor)
    assert math.isclose(decoder.shortcut, 18**0.25)
    for part in ("value", "output", "first", "last"):
        plain = deviation(XAVIER, part)
        assert math.isclose(deviation(encoder, part) / plain, 0.87 / factor)
        assert math.isclose(deviation(decoder, part) / plain, 72**-0.25)
        assert math.isclose(deviation(t_fixup(6, 6)[0], part) / plain, 0.67 * 6**-0.25)
        assert math.isclose(deviation(t_fixup(6, 6)[1], part) / plain, 54**-0.25)
    for part in ("query", "key"):
        assert {deviation(one, part) for one in (encoder, decoder, *t_fixup(6, 6))} == {deviation(XAVIER, part)}
    alone, _ = deepnorm(100, 0)
    assert math.isclose(alone.shortcut, 200**0.25)
    assert math.isclose(deviation(alone, "value") / deviation(XAVIER, "value"), 800**-0.25)
    assert [one.norm for one in (encoder, decoder, *t_fixup(6, 6))] == ["post", "post", "none", "none"]


def test_rezero_starts_as_its_shortcuts() -> None:
    """Of all that is in a branch its multiplier alone has a gradient."""
    net = transformer(8, 2, RECIPES["rezero"](2, 0)[0], heads=2, positions=3)
    parameters = net.draw(stream(0), 2)
    run = net.run(parameters, X)
    np.testing.assert_array_equal(run.output, X)
    gradients = run.gradients(stream(1).normal(size=X.shape))
    names = {f"block{layer}.{branch}.gain" for layer in (0, 1) for branch in ("attention", "mlp")}
    assert {name for name, value in gradients.items() if value.any()} == names
    assert {value.shape for name, value in gradients.items() if name in names} == {(2, 1, 1)}


def test_layer_scale_starts_small() -> None:
    """As published for 18, 24 and 36 layers, each side of its own depth; one number a feature, behind the norm."""
    starts = [recipe.multiplier for depths in ((18, 19), (24, 25)) for recipe in layer_scale(*depths)]
    assert starts == [0.1, 1e-5, 1e-5, 1e-6]
    small, _ = layer_scale(1, 1)
    net = transformer(8, 1, small, heads=2, positions=3)
    parameters = net.draw(stream(0), 2)
    assert parameters["block0.mlp.gain"].tolist() == np.full((2, 1, 8), 0.1).tolist()
    bare = transformer(8, 1, PRE, heads=2, positions=3).run(parameters, X).states
    grown = net.run(parameters, X).states
    np.testing.assert_allclose(grown[1] - X, 0.1 * (bare[1] - X), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_stack_in_single_precision_and_several_draws(recipe: str) -> None:
    check_draws_and_precision(transformer(8, 1, RECIPES[recipe](1, 1)[0], heads=2, positions=3), X)


def test_undrawn_weights_of_a_wide_stack() -> None:
    """Width 4096: nothing of width^2 is drawn, and a second pass gives the same."""
    network = transformer(4096, 2, PRE, heads=4, hidden=4096, positions=3, causal=True)
    parameters, x = network.draw(stream(0), 1, undrawn()), stream(1).normal(size=(1, 3, 4096))
    run = network.run(parameters, x)
    np.testing.assert_allclose(network.run(parameters, x).output, run.output, rtol=1e-6, atol=1e-8)
    into = Gradients()
    run.backward(np.ones_like(run.output), into)
    assert into.keys() == set(network.parameter_names())
    # x_0 = 4096 and, by one key, attention of the first token adds 4096 a layer, as does each perceptron.
    grown = np.square(run.states[-2][0, 0]).sum() / 4096
    assert 4.5 < grown < 5.5


def test_gated_layers() -> None:
    gated = Gated(Dense("value", 6, 4, bias_deviation=0.5), Dense("gate", 6, 4), Swish())
    check_gradients(gated, X[:1, :, :6])
    check_draws_and_precision(gated, X[..., :6])
    check_degrees(Gated(Dense("value", 6, 4), Dense("gate", 6, 4), LeakyReLU()), X[..., :6], (0, 1))
    with pytest.raises(ValueError, match="'value' and 'gate' of a product must have the same fans"):
        Gated(Dense("value", 6, 4), Dense("gate", 6, 3), Swish())


def test_a_translator_on_rows() -> None:
    """With positions in place of tokens; cotangents of both inputs against a difference along a direction."""
    net = translator(8, (1, 2), (NONE, NONE), heads=2, positions=(3, 2), classes=5)
    rng = stream(0, "rows")
    parameters, source, target = net.draw(rng, 2), rng.normal(size=(2, 6, 8)), rng.normal(size=(2, 4, 8))
    logits, pullback = net.forward(parameters, source, target)
    assert logits.shape == (2, 4, 5)
    cotangent = rng.normal(size=logits.shape)
    found = pullback(cotangent, None)
    for side, own in enumerate(found):
        way, step = rng.normal(size=own.shape), 1e-6
        moved = [(source, target)[at] + (step * way if at == side else 0) for at in (0, 1)]
        back = [(source, target)[at] - (step * way if at == side else 0) for at in (0, 1)]
        change = (net.forward(parameters, *moved)[0] - net.forward(parameters, *back)[0]) * cotangent
        np.testing.assert_allclose(change.sum() / (2 * step), (own * way).sum(), rtol=1e-7)


def test_homogeneous_sets_of_a_decoder() -> None:
    """The output matrix alone; the memory's name stands for all that multiplies it."""
    net = translator(8, (1, 1), "none", positions=(3, 2), classes=5)
    assert net.decoder.homogeneous_sets(2) == (frozenset({"decoder.readout.weight"}),)
    cross = Network(net.decoder.layers[1:2])
    assert cross.degree(0, frozenset({"memory"})) is None


@pytest.mark.parametrize(("make", "message"), [
    (lambda: transformer(0, 1, positions=3), "width must be at least 1, got 0"),
    (lambda: transformer(8, -1, positions=3), "layers must be at least 0, got -1"),
    (lambda: transformer(8, 1, positions=3, tied=True), "give tokens, and no classes"),
    (lambda: transformer(8, 1, positions=3, tokens=5, classes=5, tied=True), "give tokens, and no classes"),
    (lambda: translator(8, (1, 1)), "give one of the two"),
    (lambda: translator(8, (1, 1), tokens=(3, 3), positions=(3, 3)), "give one of the two"),
    (lambda: translator(8, (1, 1), "mid", tokens=(3, 3)), "unknown recipe 'mid'; expected one of pre, post"),
    (lambda: t_fixup(0, 1), "encoder must be at least 1, got 0"),
    (lambda: deepnorm(0, 0), "layers must be at least 1, got 0"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
