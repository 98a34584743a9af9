"""Fixup and its rivals: placement by layer, what each promises of its stream, and refused names and sizes."""

import math
from itertools import pairwise

import numpy as np
import pytest

from simulations import Dense, LeakyReLU, Network, Residual, Sequential, he, lecun, stream
from simulations.layers.dense import Layer
from simulations.layers.normalisation import BatchNorm, GroupNorm, LayerNorm, WeightStandardised
from simulations.layers.scalars import ScalarMultiplier
from simulations.layers.scaling import Scale
from simulations.networks.rival_norms import CENTRED_GAIN, nf_variances
from simulations.networks.rivals import INITS, build

WIDTH, BLOCKS, BATCH = 8, 3, 5


def network(name: str, layers_per_branch: int = 2) -> Network:
    return build(
        name, width=WIDTH, blocks=BLOCKS, layers_per_branch=layers_per_branch, features=4, classes=3, zero_readout=False
    )


def branch(name: str, layers_per_branch: int = 2, position: int = 0) -> tuple[Layer, ...]:
    block = network(name, layers_per_branch).layers[1 + position]
    block = block.layers[0] if isinstance(block, Sequential) else block
    assert isinstance(block, Residual)
    assert isinstance(block.branch, Sequential)
    return block.branch.layers


@pytest.mark.parametrize("name", INITS)
@pytest.mark.parametrize("m", [1, 2, 3])
def test_every_scheme_runs_and_passes_gradients_back(name: str, m: int) -> None:
    if name == "fixup" and m == 1:
        with pytest.raises(ValueError, match="layers_per_branch must be at least 2"):
            network(name, m)
        return
    net, rng = network(name, m), stream(0, "rivals", name, m)
    assert len(net.layers) == BLOCKS + 2
    assert sum(1 for _ in net.weights()) == m * BLOCKS + 2
    parameters, x = net.draw(rng, 2), rng.normal(size=(2, BATCH, 4))
    run = net.run(parameters, x)
    assert run.output.shape == (2, BATCH, 3)
    gradients = run.gradients(np.ones_like(run.output))
    assert set(gradients) == set(parameters)
    assert np.isfinite(run.output).all()
    assert gradients["stem.weight"].any()


@pytest.mark.parametrize("name", INITS)
def test_every_scheme_says_what_it_is(name: str) -> None:
    first = (INITS[name].__doc__ or "").splitlines()
    assert len(first) == 1
    assert first[0].endswith(".")
    assert any(year in first[0] for year in map(str, range(1998, 2022)))


@pytest.mark.parametrize(("name", "kinds"), [
    ("he_lecun", [Dense, LeakyReLU, Dense]),
    ("skipinit", [LeakyReLU, Dense, LeakyReLU, Dense, ScalarMultiplier]),
    ("rezero", [Dense, LeakyReLU, Dense, ScalarMultiplier]),
    ("batch_norm", [Dense, BatchNorm, LeakyReLU, Dense, BatchNorm]),
    ("batch_norm_pre", [BatchNorm, LeakyReLU, Dense, BatchNorm, LeakyReLU, Dense]),
    ("group_norm", [Dense, GroupNorm, LeakyReLU, Dense, GroupNorm]),
    ("layer_norm", [LayerNorm, Dense, LeakyReLU, Dense]),
    ("weight_standardised", [WeightStandardised, LeakyReLU, WeightStandardised]),
    ("nf", [Scale, LeakyReLU, WeightStandardised, LeakyReLU, WeightStandardised, Scale]),
    ("shao", [Dense, LeakyReLU, Dense, Scale]),
])  # fmt: skip
def test_placement(name: str, kinds: list[type]) -> None:
    assert [type(part) for part in branch(name)] == kinds


@pytest.mark.parametrize(("name", "before", "last"), [
    ("he", 2.0, 2.0),
    ("he_lecun", 2.0, 1.0),
    ("lecun", 1.0, 1.0),
    ("glorot", 1.0, 1.0),
    ("post_addition", 2.0, 2.0),
    ("sqrt_half", 2.0, 1.0),
    ("inverse_sqrt_l", 2.0, 1 / BLOCKS),
    ("zero_last", 2.0, 0.0),
    ("skipinit", 2.0, 2.0),
    ("lsuv", 2.0, 1.0),
])  # fmt: skip
def test_variances(name: str, before: float, last: float) -> None:
    """Width times the variance of the weights of a branch of three layers."""
    dense = [part for part in branch(name, 3) if isinstance(part, Dense)]
    found = [WIDTH * one.init.deviation(one.fan_in, one.fan_out) ** 2 for one in dense]
    assert found == pytest.approx([before, before, last])


@pytest.mark.parametrize("name", ["skipinit", "rezero", "zero_last"])
def test_identities_at_the_start(name: str) -> None:
    net, rng = network(name), stream(0, "identity")
    states = net.run(net.draw(rng, 2), rng.normal(size=(2, 1, 4))).states
    for state in states[2:-1]:
        np.testing.assert_array_equal(state, states[1])


@pytest.mark.parametrize(("name", "shortcut"), [("sqrt_half", [0.5] * 3), ("shao", [1 / 2, 2 / 3, 3 / 4])])
def test_scaled_shortcuts(name: str, shortcut: list[float]) -> None:
    """With branches at zero a block multiplies the stream by the root of what its square keeps."""
    net, rng = network(name), stream(0, "shortcut")
    parameters = {key: value * (not key.startswith("block")) for key, value in net.draw(rng, 2).items()}
    states = net.run(parameters, rng.normal(size=(2, 1, 4))).states[1:-1]
    for kept, (before, after) in zip(shortcut, pairwise(states), strict=True):
        np.testing.assert_allclose(after, math.sqrt(kept) * before, rtol=1e-14)


def test_trailing_batch_norm_makes_branches_of_unit_variance() -> None:
    net, rng = network("batch_norm"), stream(0, "unit")
    states = net.run(net.draw(rng, 4), rng.normal(size=(4, BATCH, 4))).states[1:-1]
    for before, after in pairwise(states):
        np.testing.assert_allclose((after - before).mean(axis=1), 0, atol=1e-12)
        np.testing.assert_allclose((after - before).var(axis=1), 1, rtol=1e-3)  # eps is 1e-5


def test_group_norm_has_groups_of_two_or_more() -> None:
    groups = {}
    for width in (2, 6, 8, 32, 48, 64):
        net = build("group_norm", width=width, blocks=1, features=4, classes=3)
        block = net.layers[1]
        assert isinstance(block, Residual)
        assert isinstance(block.branch, Sequential)
        norm = block.branch.layers[1]
        assert isinstance(norm, GroupNorm)
        groups[width] = norm.groups
    assert groups == {2: 1, 6: 2, 8: 4, 32: 16, 48: 16, 64: 32}


def test_nf_book_and_gain() -> None:
    assert nf_variances(0.5, 3) == (1.0, 1.25, 1.5)
    assert pytest.approx(1.71286, abs=1e-5) == CENTRED_GAIN
    for block in range(BLOCKS):
        scales = [part.factor for part in branch("nf", position=block) if isinstance(part, Scale)]
        assert scales == pytest.approx([(1 + 0.04 * block) ** -0.5, 0.2])


@pytest.mark.parametrize(("name", "relus"), [("weight_standardised", [0, 1, 1]), ("nf", [1, 1, 1])])
def test_standardised_weights_have_a_gain_where_a_relu_stands_before_them(name: str, relus: list[int]) -> None:
    gains = [part.gain * WIDTH**0.5 for part in branch(name, 3) if isinstance(part, WeightStandardised)]
    assert gains == pytest.approx([1.71286 if relu else 1.0 for relu in relus], abs=1e-5)


def test_fixup_starts_its_classifier_at_zero_unless_told() -> None:
    for zero_readout in (True, False):
        net = build("fixup", width=4, blocks=2, features=4, classes=3, zero_readout=zero_readout)
        assert net.draw(stream(0), 1)["readout.weight"].any() != zero_readout


def test_initialisers_are_the_usual_ones() -> None:
    dense = next(network("he_lecun").weights())
    assert dense == Dense("stem", 4, WIDTH, lecun)
    assert list(network("he_lecun").weights())[1] == Dense("block0.layer0", WIDTH, WIDTH, he)


@pytest.mark.parametrize(("name", "near"), [("fixip", "fixup"), ("batchnorm", "batch_norm"), ("re_zero", "rezero")])
def test_unknown_names(name: str, near: str) -> None:
    with pytest.raises(ValueError, match=f"unknown scheme '{name}'; did you mean '{near}'"):
        network(name)


@pytest.mark.parametrize("size", ["width", "blocks", "layers_per_branch", "features", "classes"])
def test_sizes_below_one(size: str) -> None:
    sizes = {"width": 4, "blocks": 2, "features": 4, "classes": 3} | {size: 0}
    with pytest.raises(ValueError, match=f"{size} must be at least 1, got 0"):
        build("he", **sizes)  # type: ignore[arg-type]
