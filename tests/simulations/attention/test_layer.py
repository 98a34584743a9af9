"""The attention layer: gradients, degrees, kinds of weights, masks and memories by name; what is refused."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from simulations import LeakyReLU, Network, Residual, Sequential, stream
from simulations.attention.layer import Attention
from simulations.layers.dense import Dense, Gradients
from simulations.layers.network import learnt
from simulations.layers.scalars import ScalarBias
from simulations.numbers.arrays import Array
from simulations.weights.kinds import drawn
from simulations.weights.undrawn import undrawn
from tests.simulations.layers.layer_cases import check_draws_and_precision, check_gradients, moved

LAYERS = {
    "one head": Attention("a", 6, positions=3),
    "causal": Attention("a", 6, 2, positions=3, causal=True),
    "biases": Attention("a", 6, 3, positions=3, bias_deviation=0.5),
    "groups, wide heads": Attention("a", 6, 4, positions=2, key_heads=2, head_width=3, scale=0.4),
    "rotary": Attention("a", 6, 1, positions=3, rotary=100.0),
    "inner bias": Attention("a", 6, 2, positions=3, causal=True, inner=ScalarBias("a.inner")),
}
every_layer = pytest.mark.parametrize("layer", LAYERS.values(), ids=LAYERS.keys())
X = stream(0, "x").normal(size=(2, 6, 6))


@every_layer
def test_gradients_equal_central_differences(layer: Attention) -> None:
    if layer.bias_deviation is None:
        check_gradients(layer, X[:1])
        return
    # That of the keys' bias is zero, which differences cannot tell from a small one: checked beside the others.
    parameters, into = moved(layer, 1), Gradients()
    y, pullback = layer.forward(parameters, X[:1])
    pullback(stream(0, "cotangent").normal(size=y.shape), into)
    assert abs(into["a.key.bias"].array).max() < 1e-14
    assert abs(into["a.query.bias"].array).max() > 1e-2


@every_layer
def test_draws_and_precision(layer: Attention) -> None:
    check_draws_and_precision(layer, X)


@every_layer
def test_weights_of_every_kind(layer: Attention) -> None:
    """Undrawn weights do where a product does: no array that they keep is changed, so entries asked twice agree."""
    for kind in (drawn(), undrawn()):
        parameters = layer.draw(stream(0, "kinds"), 2, kind)
        y, pullback = layer.forward(parameters, X)
        dx, into = pullback(np.ones_like(y), None), Gradients()
        np.testing.assert_array_equal(layer.forward(parameters, X)[1](np.ones_like(y), into), dx)
        assert into.keys() == set(learnt(layer))


def test_undrawn_weights_follow_the_law_of_drawn_ones() -> None:
    """Mean squares of outputs and cotangents, within five standard errors of their difference."""
    layer, draws = Attention("a", 6, 2, positions=3), 4000
    x = np.repeat(X[:1], draws, axis=0)
    found = []
    for kind in (None, undrawn()):
        y, pullback = layer.forward(layer.draw(stream(1, "law"), draws, kind), x)
        dx = pullback(np.ones_like(y), None)
        found.append([np.square(one).sum(axis=(1, 2)) for one in (y, dx)])
    for one, other in zip(*found, strict=True):
        error = np.hypot(one.std(), other.std()) / draws**0.5
        assert abs(one.mean() - other.mean()) < 5 * error
        assert error < 0.1 * one.mean()


def test_parameters_in_the_order_of_drawing() -> None:
    layer = LAYERS["inner bias"]
    names = ("a.query.weight", "a.key.weight", "a.value.weight", "a.inner", "a.output.weight")
    assert tuple(layer.draw(stream(0), 1)) == tuple(learnt(layer)) == names
    assert [dense.name for dense in layer.weights()] == ["a.query", "a.key", "a.value", "a.output"]
    wide = LAYERS["groups, wide heads"].draw(stream(0), 1)
    assert {name: value.shape[1:] for name, value in wide.items()} == {
        "a.query.weight": (6, 12), "a.key.weight": (6, 6), "a.value.weight": (6, 6), "a.output.weight": (12, 6),
    }  # fmt: skip


def test_causal_attention_sees_nothing_behind() -> None:
    """An input moved at position 2 moves outputs from there on and no cotangent before."""
    layer = LAYERS["causal"]
    parameters = moved(layer, 2)
    later = X.copy()
    later[:, [2, 5]] += 1
    before, after = layer.forward(parameters, X)[0], layer.forward(parameters, later)[0]
    np.testing.assert_array_equal(before[:, [0, 1, 3, 4]], after[:, [0, 1, 3, 4]])
    assert abs(before - after)[:, [2, 5]].min() > 1e-3


def test_inputs_of_a_batch_do_not_meet() -> None:
    layer = LAYERS["one head"]
    parameters = moved(layer, 2)
    together, _ = layer.forward(parameters, X)
    for some in (slice(0, 3), slice(3, 6)):
        np.testing.assert_allclose(layer.forward(parameters, X[:, some])[0], together[:, some], rtol=1e-13, atol=1e-14)


def test_a_mask_by_name_is_a_shorter_input() -> None:
    layer, bare = Attention("a", 6, 2, mask="seen"), Attention("a", 6, 2, positions=2)
    parameters = moved(layer, 2)
    seen = np.array([[[True, True, False], [True, True, False]]])
    x, kept = X, [0, 1, 3, 4]
    y, pullback = layer.forward(parameters | {"seen": seen}, x)
    short, back = bare.forward(parameters, x[:, kept])
    np.testing.assert_allclose(y[:, kept], short, rtol=1e-13)
    cotangent = stream(0).normal(size=y.shape)
    cotangent[:, [2, 5]] = 0
    dx = pullback(cotangent, None)
    np.testing.assert_allclose(dx[:, kept], back(cotangent[:, kept], None), rtol=1e-11, atol=1e-13)
    assert not dx[:, [2, 5]].any()


def test_cross_attention_to_its_own_rows_is_self_attention() -> None:
    """The two cotangents, of the rows and of the memory, then add up to the one."""
    own, cross = Attention("a", 6, 2, positions=3), Attention("a", 6, 2, positions=3, memory="memory")
    parameters, into = moved(own, 2), Gradients()
    y, pullback = own.forward(parameters, X)
    other, back = cross.forward(parameters | {"memory": X}, X)
    np.testing.assert_array_equal(y, other)
    cotangent = stream(0).normal(size=y.shape)
    dx = back(cotangent, into)
    np.testing.assert_allclose(dx + into["memory"].array, pullback(cotangent, None), rtol=1e-12, atol=1e-14)
    assert abs(dx).max() > 0.01


def test_dropout_of_weights() -> None:
    """Without what is kept all are; kept everywhere twice is values twice."""
    layer, full = Attention("a", 6, 2, positions=3, keep=0.5), Attention("a", 6, 2, positions=3)
    parameters = moved(layer, 2)
    np.testing.assert_array_equal(layer.forward(parameters, X)[0], full.forward(parameters, X)[0])
    twice = layer.forward(parameters | {"a.kept": np.full((2, 2, 2, 3, 3), 2.0)}, X)[0]
    np.testing.assert_allclose(twice, 2 * full.forward(parameters, X)[0], rtol=1e-13)


def measured(layer: Attention, parameters: dict[str, Array], incoming: int, scaled: frozenset[str]) -> int | None:
    """Degree in the parameters of these names and, if `incoming` is 1, the input: outputs are multiplied by 2^k."""
    before, _ = layer.forward(parameters, X)
    twice = {name: 2 * value if name in scaled else value for name, value in parameters.items()}
    after, _ = layer.forward(twice, 2.0**incoming * X)
    found = [k for k in range(6) if np.allclose(after, 2.0**k * before, rtol=1e-12, atol=1e-12)]
    return found[0] if found else None


@pytest.mark.parametrize("name", ["causal", "biases", "inner bias", "memory"])
def test_degrees(name: str) -> None:
    """Of every set of parameters (the memory among them) and the input: what is stated is measured, and all of it."""
    layer = Attention("a", 6, 2, positions=3, memory="m", bias_deviation=0.5) if name == "memory" else LAYERS[name]
    parameters = moved(layer, 2) | ({"m": X[:, ::-1]} if name == "memory" else {})
    for size in range(len(parameters) + 1):
        for scaled in map(frozenset, combinations(parameters, size)):
            assert layer.degree(None, scaled) is None
            for incoming in (0, 1):
                assert layer.degree(incoming, scaled) == measured(layer, parameters, incoming, scaled), scaled


def test_the_output_matrix_is_the_only_homogeneous_set() -> None:
    """Of a ReLU Transformer without norms, up to pairs; a residual net has sets of pairs as well."""
    blocks = [
        Residual(part)
        for n in range(2)
        for part in (
            Attention(f"a{n}", 6, 2, positions=3),
            Sequential((Dense(f"b{n}", 6, 8), LeakyReLU(), Dense(f"c{n}", 8, 6))),
        )
    ]
    network = Network((*blocks, Dense("readout", 6, 3)))
    assert network.homogeneous_sets(2) == (frozenset({"readout.weight"}),)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Attention("a", 6, 0, positions=3), "heads of attention 'a' must be at least 1, got 0"),
    (lambda: Attention("a", 6, 2), "attention 'a' needs to know how rows part into inputs: give positions or the name"),
    (lambda: Attention("a", 6, 4, positions=3), "can't part width 6 into 4 heads; give head_width"),
    (lambda: Attention("a", 6, 3, positions=3, key_heads=2), "must be a multiple of key_heads, got 3 and 2"),
    (lambda: Attention("a", 6, 2, positions=3, causal=True, memory="m"), "can't be causal"),
    (lambda: Attention("a", 6, 2, positions=3, rotary=1e4), "turns pairs of features .*: even heads, no memory"),
    (lambda: Attention("a", 6, 2, positions=3, keep=0.0), "keep of attention 'a' must be above 0 and at most 1, got 0"),
    (lambda: Attention("a", 6, positions=4).forward(moved(LAYERS["one head"], 2), X),
     "'a' can't part 6 rows into inputs of 4 positions, and 6 rows of keys into as many"),
    (lambda: Attention("a", 6, mask="m").forward(moved(LAYERS["one head"], 2) | {"m": np.ones((1, 4, 3), bool)}, X),
     "'a' can't part 6 rows into inputs of equal positions"),
    (lambda: Attention("a", 6, mask="m").forward(moved(LAYERS["one head"], 2) | {"m": np.ones((1, 3, 3), bool)}, X),
     r"mask 'm' of attention 'a' must be \(draws or 1, batch, 2 keys\), got shape \(1, 3, 3\)"),
    (lambda: Attention("a", 6, mask="m").forward(moved(LAYERS["one head"], 2) | {"m": np.zeros((1, 3, 2), bool)}, X),
     "the mask hides every key"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
