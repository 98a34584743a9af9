"""Radial chains against drawn weights: the same joint law, and what must be so in every draw."""

import math

import numpy as np
import pytest

from evidence import same_law
from simulations import (
    Dense,
    Initialiser,
    LeakyReLU,
    Network,
    Record,
    Residual,
    Sequential,
    Tanh,
    gaussian,
    he,
    lecun,
    measure,
    mlp,
    one_hot,
    rademacher,
    residual_mlp,
    stream,
    uniform,
    zero,
)
from simulations.initialisers import Array
from simulations.radial import RadialRecord, radial, why_not_radial

RELU = LeakyReLU()
DRAWS = 10_000
ALPHA = 1e-6
"""Two simulators of one law are told apart this often, a test."""
ERROR = 0.075
"""A distance between cdfs that is seen with probability 0.999 (in the cases of most statistics)."""


def dense(name: str, fan_in: int, fan_out: int, scale: float = 1.0) -> Dense:
    return Dense(name, fan_in, fan_out, he.scaled(scale))


def one_branch(width: int) -> Network:
    """Linear branches of one layer, which `residual_mlp` does not build."""
    return Network(tuple(Residual(dense(f"layer{block}", width, width, 0.7)) for block in range(3)))


MIXED = Network(
    (
        Sequential((dense("stem", 2, 3), RELU)),
        Residual(Sequential((dense("a", 3, 2), RELU, dense("b", 2, 4), dense("c", 4, 3)))),
        Residual(Sequential((dense("d", 3, 1), RELU, dense("e", 1, 3)))),
        Sequential((dense("f", 3, 4), RELU, dense("g", 4, 2), dense("h", 2, 3), RELU)),
        Residual(dense("i", 3, 3)),
        Sequential(()),
        Dense("j", 3, 4),
    )
)
"""ReLU layers below, between and behind residual blocks; branches with linear layers; layers that share a block."""
ZEROS = Network(
    (
        Residual(Sequential((dense("a", 3, 2), RELU, Dense("b", 2, 3, zero)))),
        Sequential((dense("c", 3, 3), RELU)),
        Residual(Sequential((dense("d", 3, 2), RELU, Dense("e", 2, 3, zero)))),
        Residual(Sequential((Dense("f", 3, 2, zero), RELU, dense("g", 2, 3)))),
        Residual(Sequential((Dense("h", 3, 2, zero), dense("i", 2, 3)))),
        Dense("readout", 3, 2),
    )
)
NETWORKS = {
    "plain": mlp([3, 4, 2, 5], classes=3),
    "plain to a ReLU": mlp([3, 4, 2, 5]),
    "plain of one unit": mlp([1, 1, 1, 1], classes=1),
    "plain of two units": mlp([2, 2, 2, 2], classes=2),
    "plain, wide": mlp([5, 30, 20, 40], classes=10),
    "linear": mlp([3, 1, 4, 2], activation=None),
    "residual": residual_mlp(4, 3, hidden=3, classes=3),
    "residual, no readout": residual_mlp(3, 3),
    "residual, three layers": residual_mlp(3, 2, hidden=2, layers_per_branch=3, stem=2, classes=2),
    "residual of one unit": residual_mlp(1, 3, classes=2),
    "residual of one unit, hidden three": residual_mlp(1, 3, hidden=3, layers_per_branch=3),
    "residual of two units": residual_mlp(2, 3, hidden=1, classes=2),
    "linear branches": one_branch(3),
    "linear branches of one unit": one_branch(1),
    "linear branches of two units": one_branch(2),
    "mixed": MIXED,
    "zeros": ZEROS,
    "residual, wide": residual_mlp(12, 3, hidden=20, classes=10),
}


def statistics(record: Record | RadialRecord) -> dict[str, Array]:
    """Squared norms, products and ratios of neighbours, in logarithms without rounding; counts; losses."""
    places = range(len(record.widths))
    norms: dict[str, Array] = {}
    for place in places:
        norms[f"norm {place}"] = record.square_norms[:, place]
        norms[f"gradient {place}"] = record.gradient_square_norms[:, place]
    norms |= record.weight_gradients
    with np.errstate(divide="ignore"):
        logs = {name: np.maximum(np.log2(column), -5000.0) for name, column in norms.items()}
    del logs["norm 0"]  # the same in all draws
    if len(record.losses):
        logs["loss"] = record.losses
    names = list(logs)
    near = [(first, second) for apart in (1, 2, 3) for first, second in zip(names, names[apart:], strict=False)]
    found = logs | {f"{first} * {second}": logs[first] + logs[second] for first, second in near}
    found |= {f"{first} / {second}": logs[first] - logs[second] for first, second in near}
    for place in places[1:]:
        count = np.nan_to_num(record.active[:, place], nan=record.widths[0])  # behind dead branches alone: the input
        found[f"active {place}"] = count
        found[f"active {place} and its gradient"] = count + 0.3 * logs[f"gradient {place}"]
    return {name: np.round(column, 8) for name, column in found.items()}


@pytest.mark.parametrize("loss", [False, True], ids=["", "loss"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_radial_chain_has_the_joint_law_of_drawn_weights(name: str, loss: bool) -> None:
    network = NETWORKS[name]
    last = network.layers[-1]
    if loss and not isinstance(last, Dense):
        pytest.skip("no logits")
    start = np.array([[0.6, -1.1, 0.4, 0.9, 0.2, 1.3, -0.7, 0.1, 0.3, -0.2, 0.5, 0.8]])[
        :, : next(network.weights()).fan_in
    ]
    targets = one_hot(np.array([0]), last.fan_out) if loss and isinstance(last, Dense) else None
    law = rademacher if isinstance(last, Dense) else gaussian
    drawn = measure(
        network,
        start,
        draws=DRAWS,
        rng=stream(0, "drawn", name),
        backward=True,
        weight_gradients=True,
        cotangent=law,
        targets=targets,
    )
    chain = radial(
        network,
        np.repeat(np.square(start).sum(), DRAWS),
        rng=stream(0, "radial", name),
        backward=True,
        weight_gradients=True,
        cotangent=law,
        targets=None if targets is None else np.repeat(targets, DRAWS, axis=0),
    )
    assert list(chain.weight_gradients) == list(drawn.weight_gradients)
    assert chain.widths == drawn.widths
    finding = same_law(statistics(drawn), statistics(chain), error=ERROR, alpha=ALPHA)
    assert finding.verdict == "held", finding


def run(network: Network, draws: int = 2000, square_norm: float = 1.0, *, seed: int = 0) -> RadialRecord:
    """A run in both directions from inputs of one norm."""
    rng = stream(seed, "radial alone")
    return radial(network, np.full(draws, square_norm), rng=rng, backward=True, weight_gradients=True)


@pytest.mark.parametrize("network", [mlp([1, 2, 1, 2], classes=1), residual_mlp(2, 3, hidden=1, classes=1)])
def test_no_state_and_cotangent_are_shorter_than_their_constant_inner_product_allows(network: Network) -> None:
    record = run(network)
    products = record.square_norms * record.gradient_square_norms
    assert (products >= products[:, -1:] * (1 - 1e-9)).all()
    assert products[:, -1] == pytest.approx(record.square_norms[:, -1])  # one logit, whose cotangent is a sign


def test_in_one_dimension_the_product_of_norms_is_constant() -> None:
    for network in (one_branch(1), residual_mlp(1, 3, hidden=3)):
        readout = Network((*network.layers, Dense("readout", 1, 1)))
        record = run(readout)
        products = record.square_norms * record.gradient_square_norms
        np.testing.assert_allclose(products, np.repeat(products[:, -1:], products.shape[1], axis=1), rtol=1e-12)


def test_a_dead_layer_kills_what_is_above_it_and_all_gradients_but_its_successor_s() -> None:
    record = run(mlp([3, 2, 2, 2], classes=3))
    dead = record.active[:, 1] == 0
    assert 0.2 < dead.mean() < 0.3  # 1/4: four standard errors are 0.04
    assert not record.square_norms[dead, 1:].any()
    assert not record.active[dead, 1:].any()
    assert not record.gradient_square_norms[dead, 0].any()
    assert not any(gradient[dead].any() for gradient in record.weight_gradients.values())
    last = (record.active[:, 2] > 0) & (record.active[:, 3] == 0)
    assert record.gradient_square_norms[last, 3].all()
    assert not record.gradient_square_norms[last, :3].any()
    alive = record.active[:, 3] > 0
    assert all(gradient[alive].all() for gradient in record.weight_gradients.values())


def test_a_zero_input_gives_zeros_and_signs() -> None:
    record = run(MIXED, 50, 0.0)
    assert not record.square_norms.any()
    assert not record.active.any()
    assert record.gradient_square_norms[:, -1] == pytest.approx(4)
    assert not any(gradient.any() for gradient in record.weight_gradients.values())


def test_a_branch_whose_last_layer_is_zero_is_the_identity_and_learns_in_that_layer_alone() -> None:
    record = run(ZEROS)
    assert record.square_norms[:, 1] == pytest.approx(1)
    np.testing.assert_allclose(record.square_norms[:, 2:6], record.square_norms[:, 2:3].repeat(4, axis=1), rtol=1e-12)
    np.testing.assert_allclose(record.gradient_square_norms[:, 0], record.gradient_square_norms[:, 1], rtol=1e-12)
    learns = {name: bool(gradient.any()) for name, gradient in record.weight_gradients.items()}
    assert learns == dict.fromkeys(learns, False) | dict.fromkeys(
        ("readout.weight", "h.weight", "e.weight", "c.weight", "b.weight"), True
    )


def test_equal_seeds_give_equal_numbers_and_others_do_not() -> None:
    first, second, third = run(MIXED), run(MIXED), run(MIXED, seed=1)
    np.testing.assert_array_equal(first.gradient_square_norms, second.gradient_square_norms)
    assert not np.array_equal(first.square_norms, third.square_norms)


def test_width_costs_nothing() -> None:
    record = run(mlp([10**9] * 5, classes=10**6), 100)
    assert record.square_norms[:, :-1] == pytest.approx(1, abs=2e-3)
    assert record.gradient_square_norms / 10**6 == pytest.approx(1, abs=2e-2)


def test_a_hundred_thousand_layers_neither_overflow_nor_underflow() -> None:
    width, depth, scale = 8, 100_000, 1e-3
    network = mlp([width] * (depth + 1), init=lecun.scaled(scale), activation=None)
    record = radial(network, np.ones(2), rng=stream(0, "deep"), log2=True)
    # For 8 degrees of freedom E log chi^2 = log 2 + psi(4), psi(4) = 11/6 - Euler's constant; Var = psi'(4) = 0.2838.
    mean = 2 * math.log(scale) + math.log(2 / width) + 11 / 6 - 0.5772156649015329
    assert record.square_norms[:, -1] * math.log(2) == pytest.approx(depth * mean, abs=6 * math.sqrt(0.2838 * depth))
    with pytest.raises(OverflowError, match="ask for log2=True"):
        radial(Network(network.layers[:200]), np.ones(2), rng=stream(0, "deep"))


def test_five_thousand_blocks_there_and_back_in_logarithms() -> None:
    network = residual_mlp(4, 5000, classes=3)
    record = radial(network, np.ones(3), rng=stream(0, "deep"), backward=True, weight_gradients=True, log2=True)
    assert all(np.isfinite(norms).all() for norms in (record.square_norms, record.gradient_square_norms))
    products = record.square_norms + record.gradient_square_norms
    assert (record.square_norms[:, -1] > 2048).all()
    assert products[:, 0] == pytest.approx(products[:, -1], abs=60)  # both ends of the chain grow alike
    with pytest.raises(OverflowError, match="logits that are not finite"):
        radial(network, np.ones(3), rng=stream(0, "deep"), targets=np.eye(3))


def test_logarithms_are_those_of_the_numbers() -> None:
    numbers, logs = (
        radial(MIXED, np.ones(500), rng=stream(0, "logs"), backward=True, weight_gradients=True, log2=log2)
        for log2 in (False, True)
    )
    np.testing.assert_allclose(np.exp2(logs.square_norms), numbers.square_norms, rtol=1e-12)
    np.testing.assert_allclose(np.exp2(logs.gradient_square_norms), numbers.gradient_square_norms, rtol=1e-12)
    np.testing.assert_allclose(np.exp2(logs.weight_gradients["a.weight"]), numbers.weight_gradients["a.weight"])


REFUSED = {
    "'layer0' has a bias": mlp([2, 2], bias_deviation=0.0),
    "'layer0' has entries that are not Gaussian": mlp([2, 2], init=he.with_law(uniform)),
    "'layer0' has deviation 1e-100": mlp([2, 2], init=Initialiser(lambda i, o: 1.0, scale=1e-100)),
    "Tanh": mlp([2, 2], activation=Tanh()),
    "slope=0.1": mlp([2, 2], activation=LeakyReLU(0.1)),
    "block 0 has a shortcut that is not the identity": residual_mlp(2, 2, project=True),
    "block 0 has a branch that begins with an activation": residual_mlp(2, 2, layers_per_branch=1),
    "block 0 has a branch that does not end": Network((Residual(Sequential((dense("a", 2, 2), RELU))),)),
    "block 0 has a branch that does not end in a": Network((Residual(Sequential(())),)),
    "block 0 has a branch from 2 to 1": Network((Residual(dense("a", 2, 1)),)),
    "a residual block inside": Network((Residual(Sequential((Residual(dense("a", 2, 2)), dense("b", 2, 2)))),)),
    "block 1 has a ReLU that follows no dense layer": Network((Residual(dense("a", 2, 2)), RELU)),
    "block 0 has a ReLU that follows no dense layer": Network((RELU, dense("a", 2, 2))),
    "'a' is used 2 times": Network((dense("a", 2, 2), dense("a", 2, 2))),
    "'b.weight' expects 3 features, got 2": Network((dense("a", 2, 2), dense("b", 3, 2))),
    "there is no dense layer": Network((Sequential(()),)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_networks_that_norms_alone_do_not_describe_are_refused_with_the_reason(reason: str) -> None:
    assert reason in why_not_radial(REFUSED[reason])
    with pytest.raises(ValueError, match=reason):
        radial(REFUSED[reason], np.ones(2), rng=stream(0))


def test_networks_that_norms_describe_are_not_refused() -> None:
    assert not any(why_not_radial(network) for network in NETWORKS.values())
    assert not why_not_radial(mlp([2, 2], init=zero.with_law(uniform)))


def test_arguments_that_do_not_fit_are_refused() -> None:
    hidden, logits = mlp([2, 3]), mlp([2, 3], classes=2)
    with pytest.raises(ValueError, match="random signs need a last linear layer"):
        run(hidden)
    with pytest.raises(ValueError, match="random signs need a last linear layer"):
        run(residual_mlp(2, 1))
    with pytest.raises(ValueError, match="gaussian or rademacher"):
        radial(logits, np.ones(2), rng=stream(0), backward=True, cotangent=uniform)
    with pytest.raises(ValueError, match="targets need logits"):
        radial(hidden, np.ones(2), rng=stream(0), targets=np.ones((2, 1)))
    with pytest.raises(ValueError, match="expected targets"):
        radial(logits, np.ones(2), rng=stream(0), targets=np.ones((2, 1)))
    with pytest.raises(ValueError, match="needs backward"):
        radial(logits, np.ones(2), rng=stream(0), weight_gradients=True)
    for wrong in (np.empty(0), np.ones((2, 2)), np.array([-1.0]), np.array([np.nan])):
        with pytest.raises(ValueError, match="squared norms"):
            radial(logits, wrong, rng=stream(0))
