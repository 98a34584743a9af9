"""Fixup networks: the layout of the authors' code, the rules one by one, and the layers of one number by hand."""

import numpy as np
import pytest

from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, residual_mlp, stream, zero
from simulations.layers.dense import Gradients
from simulations.layers.scalars import FeatureMultiplier, ScalarBias, ScalarMultiplier
from simulations.networks.fixup import NO_RULES, FixupRules, fixup_mlp
from simulations.numbers.arrays import Array

RELU = LeakyReLU()


def test_layout() -> None:
    """Biases 1a, 1b, 2a, 2b and a multiplier a block, one bias after the stem and one before the classifier."""
    branch = Sequential(
        (
            ScalarBias("block0.layer0.before"),
            Dense("block0.layer0", 4, 6, he),
            ScalarBias("block0.layer0.after"),
            RELU,
            ScalarBias("block0.layer1.before"),
            Dense("block0.layer1", 6, 4, zero),
            ScalarMultiplier("block0.multiplier"),
            ScalarBias("block0.layer1.after"),
        )
    )
    assert fixup_mlp(4, 1, hidden=6, stem=5, classes=3) == Network(
        (
            Sequential((Dense("stem", 5, 4, he), ScalarBias("stem.after"), RELU)),
            Sequential((Residual(branch), RELU)),
            Sequential((ScalarBias("readout.before"), Dense("readout", 4, 3, zero, 0.0))),
        )
    )


def test_a_single_number_by_hand() -> None:
    x, dy, gradients = np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([[[1.0, 0.0], [2.0, 5.0]]]), Gradients()
    y, pullback = ScalarBias("b").forward({"b": np.array([[[10.0]]])}, x)
    assert y.tolist() == [[[11, 12], [13, 14]]]
    assert pullback(dy, gradients).tolist() == dy.tolist()
    y, pullback = ScalarMultiplier("a").forward({"a": np.array([[[10.0]]])}, x)
    assert y.tolist() == [[[10, 20], [30, 40]]]
    assert pullback(dy, gradients).tolist() == (10 * dy).tolist()
    assert {name: one.array.tolist() for name, one in gradients.items()} == {"b": [[[8]]], "a": [[[27]]]}


def test_a_number_a_feature_by_hand() -> None:
    x, dy, gradients = np.array([[[1.0, 2.0], [3.0, 4.0]]]), np.array([[[1.0, 0.0], [2.0, 5.0]]]), Gradients()
    layer = FeatureMultiplier("a", 0.5, 2)
    assert layer.draw(stream(0), 3)["a"].tolist() == [[[0.5, 0.5]]] * 3
    y, pullback = layer.forward({"a": np.array([[[10.0, 100.0]]])}, x)
    assert y.tolist() == [[[10, 200], [30, 400]]]
    assert pullback(dy, gradients).tolist() == [[[10, 0], [20, 500]]]
    assert gradients["a"].array.tolist() == [[[7, 20]]]
    with pytest.raises(ValueError, match=r"multiplier 'a' expects \(draws, batch, 2\), got shape \(1, 2, 3\)"):
        layer.forward(layer.draw(stream(0), 1), np.ones((1, 2, 3)))


@pytest.mark.parametrize(("name", "incoming", "bias", "multiplier"), [
    ("s", 0, None, 1),
    ("s", 1, 1, 2),
    ("s", 2, None, 3),
    ("other", 0, 0, 0),
    ("other", 1, None, 1),
    ("s", None, None, None),
])  # fmt: skip
def test_degrees(name: str, incoming: int | None, bias: int | None, multiplier: int | None) -> None:
    assert ScalarBias("s").degree(incoming, frozenset({name})) == bias
    assert ScalarMultiplier("s").degree(incoming, frozenset({name})) == multiplier


def test_scalars_are_listed_in_sets() -> None:
    network = Network((Dense("one", 3, 4), ScalarMultiplier("a"), ScalarBias("b"), RELU, ScalarMultiplier("c")))
    assert network.parameter_names() == ("one.weight", "a", "b", "c")
    assert set(network.homogeneous_sets()) == {frozenset(some) for some in [{"c"}, {"one.weight", "b"}, {"a", "b"}]}


@pytest.mark.parametrize("m", [2, 3])
def test_rules_can_be_left_out(m: int) -> None:
    def weights(rules: FixupRules) -> dict[str, Array]:
        return fixup_mlp(4, 16, layers_per_branch=m, stem=4, classes=3, rules=rules).draw(stream(0), 2)

    bare, scaled = (weights(FixupRules(zero_readout=False, zero_last=False, scaled=scaled)) for scaled in (False, True))
    for name, value in scaled.items():
        factor = 16 ** (-1 / (2 * m - 2)) if name.startswith("block") and name.endswith("weight") else 1.0
        np.testing.assert_allclose(value, factor * bare[name], rtol=1e-14, atol=0)
    ruled = weights(FixupRules())
    zeros = {name for name, value in ruled.items() if name.endswith("weight") and not value.any()}
    assert zeros == {"readout.weight", *(f"block{block}.layer{m - 1}.weight" for block in range(16))}
    assert not any(
        name.endswith(("before", "after", "multiplier")) for name in weights(FixupRules(bias=None, multiplier=None))
    )


def test_a_zeroed_network_is_its_stem() -> None:
    network, x = fixup_mlp(4, 3, stem=5), stream(0, "x").normal(size=(2, 3, 5))
    states = network.run(network.draw(stream(0), 2), x).states
    for state in states[2:]:
        np.testing.assert_array_equal(state, states[1])


@pytest.mark.parametrize(("arguments", "message"), [
    ({"layers_per_branch": 1}, r"layers_per_branch must be at least 2, got 1; the exponent .* is singular at m = 1"),
    ({"layers_per_branch": 0}, "layers_per_branch must be at least 2, got 0"),
    ({"blocks": 0}, "blocks must be at least 1, got 0$"),
    ({"width": 0}, "width must be at least 1, got 0$"),
])  # fmt: skip
def test_refused(arguments: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fixup_mlp(**({"width": 3, "blocks": 2} | arguments))  # type: ignore[arg-type]


def test_the_branches_of_a_bare_network_are_those_of_a_residual_one() -> None:
    """Without rules, a network of one block is a residual one with an activation after it."""
    bare = fixup_mlp(4, 1, hidden=6, rules=NO_RULES)
    block = residual_mlp(4, 1, hidden=6, last_layer=he).layers[0]
    assert bare == Network((Sequential((block, RELU)),))
