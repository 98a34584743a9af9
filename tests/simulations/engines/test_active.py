"""Active units alone: the identities that hold in every draw, and the law of drawn weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evidence import Finding, draws_for_same_law, same_law
from simulations import (
    Dense,
    Network,
    Record,
    Residual,
    Sampling,
    Sequential,
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
)
from simulations.engines import active
from simulations.engines.active import ActiveUnits
from simulations.engines.active_chain import LAWS, read, why_not_active
from simulations.layers.dense import Layer
from simulations.numbers.arrays import Array
from tests.simulations.engines.radial_cases import ACTIVE_NETWORKS, NETWORKS, RELU, ZERO_RELU, dense
from tests.simulations.engines.test_radial_law import statistics

ALPHA, ERROR = 1e-6, 0.075
"""How often one law is taken for two, a test, and a distance that is seen with probability 0.999."""
CHAINS = {name: network for name, network in NETWORKS.items() if not why_not_active(network)} | ACTIVE_NETWORKS
TYPES = (np.float64, np.float32)


def inputs(network: Network, draws: int, dtype: type = np.float64) -> Array:
    x: Array = stream(1, "active").standard_normal((draws, next(network.weights()).fan_in)).astype(dtype)
    return x


def elements(layer: Layer) -> int:
    """Count matrices and residual blocks, one behind the other."""
    if isinstance(layer, Sequential):
        return sum(map(elements, layer.layers))
    return int(isinstance(layer, Dense | Residual))


def test_chains_are_read_and_others_refused() -> None:
    assert [name for name in NETWORKS if name not in CHAINS] == ["mixed", "zeros"]
    assert len(read(NETWORKS["residual"]).blocks) == 4
    assert why_not_active(NETWORKS["mixed"]) == "block 1 has a shortcut from a ReLU, to whose units it adds one by one"
    assert why_not_active(mlp([3, 8], bias_deviation=1.0)) == "layer 'layer0' has a bias"
    assert "not Gaussian" in why_not_active(mlp([3, 8], init=he.with_law(uniform)))


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", CHAINS)
def test_what_holds_in_every_draw(name: str, dtype: type) -> None:
    """Squared norms are those of the entries, and state and cotangent have one inner product at all depths."""
    network, close = CHAINS[name], 1e-12 if dtype is np.float64 else 1e-4
    run = ActiveUnits(network, inputs(network, 50, dtype), stream(2, "active", name))
    assert list(run.positions) == [0, *np.cumsum([elements(layer) for layer in network.layers])]
    start = run.start(gaussian)
    cotangents = [start, *run.back(start)][::-1]
    inner = np.vecdot(run.states[-1].array, start.array)
    for state, cotangent in zip(run.states, cotangents, strict=True):
        x, g = state.array, cotangent.array
        assert x.dtype == g.dtype == dtype
        assert x.shape == g.shape == (50, state.width)
        np.testing.assert_allclose(np.vecdot(x, x), state.square_norms, rtol=close, atol=close)
        np.testing.assert_allclose(np.vecdot(g, g), cotangent.active_square, rtol=10 * close, atol=10 * close)
        alive = state.square_norms > 0
        np.testing.assert_allclose(np.vecdot(x, g)[alive], inner[alive], rtol=10 * close, atol=10 * close)
        assert (np.count_nonzero(x, axis=1) == state.active).all()
        assert (cotangent.dead_square >= 0).all()
    for state in run.states[1:-1] if name.startswith("plain") else ():
        assert (state.array >= 0).all()


@pytest.mark.parametrize("law", LAWS)
def test_a_cotangent_at_the_output_has_its_law_on_active_units_and_on_others(law: Callable[..., Array]) -> None:
    network = mlp([3, 5])
    run = ActiveUnits(network, np.ones((40_000, 3)), stream(3, "start"))
    start, counts = run.start(law), run.states[-1].active
    mean = np.square(law(stream(4, "start"), (200_000,))).mean()
    assert start.active_square.sum() / counts.sum() == pytest.approx(mean, rel=0.05)
    assert start.dead_square.sum() / (5 - counts).sum() == pytest.approx(mean, rel=0.05)
    if law is rademacher:
        np.testing.assert_allclose(start.square_norms, 5)


def test_a_dead_layer_leaves_nothing_above_and_nothing_below() -> None:
    run = ActiveUnits(mlp([2, 1, 3, 3], classes=2), np.ones((400, 2)), stream(5, "dead"))
    dead = run.states[1].active == 0
    assert 100 < dead.sum() < 300
    assert all((state.square_norms[dead] == 0).all() for state in run.states[1:])
    start = run.start(gaussian)
    gradients: dict[str, Array] = {}
    squares = [one.square_norms for one in run.back(start, gradients)]
    assert (squares[-1][dead] == 0).all()
    assert (gradients["layer0.weight"][dead] == 0).all()
    assert all(np.isfinite(one).all() for one in (*squares, *gradients.values()))


def test_a_relu_behind_zeros_is_closed_and_its_weights_have_no_gradient() -> None:
    run, gradients = ActiveUnits(ZERO_RELU, np.ones((20, 3)), stream(6, "closed")), dict[str, Array]()
    cotangents = list(run.back(run.start(gaussian), gradients))
    assert (run.states[2].square_norms == 0).all()
    assert (cotangents[0].active_square == 0).all()
    assert all((gradients[f"{name}.weight"] == 0).all() for name in "abc")
    assert (cotangents[-1].square_norms == 0).all()


def test_inputs_of_zero_and_single_units_are_no_trouble() -> None:
    run = ActiveUnits(mlp([1, 1, 1]), np.zeros((6, 1)), stream(6, "zero"))
    squares = [one.square_norms for one in run.back(run.start(gaussian))]
    assert all((state.square_norms == 0).all() for state in run.states)
    assert (squares[-1] == 0).all()


def test_an_overflow_is_named() -> None:
    network = mlp([64] * 40, init=he.scaled(1e5))
    with pytest.raises(OverflowError, match=r"squared norms overflow float64 in block 3\d of 39"):
        measure(network, np.ones((1, 64)), draws=2, rng=stream(0, "over"), engine="active")


@pytest.mark.parametrize("backward", [False, True])
def test_in_single_precision_it_is_that_of_single_precision(backward: bool) -> None:
    """Squared norms are in double precision, but states go no further than others at theirs."""
    network = mlp([64] * 11, classes=3, init=he.scaled(1e5))
    with pytest.raises(OverflowError, match=r"squared norms overflow float32 in block 4 of 11"):
        measure(
            network,
            np.ones((1, 64)),
            draws=2,
            rng=stream(0, "single"),
            engine="active",
            targets=np.eye(3)[:1],
            backward=backward,
            dtype=np.float32,
        )


def test_gradients_of_weights_and_variances_may_overflow_alone() -> None:
    blocks = tuple(Sequential((dense(name, 8, 8, scale), RELU)) for name, scale in (("a", 1e-50), ("b", 1e50)))
    x = np.full((1, 8), 1e125)
    settings: dict[str, Any] = {"draws": 2, "engine": "active", "backward": gaussian, "extras": ("weight_gradients",)}
    with pytest.raises(OverflowError, match=r"overflow float64 in the gradient of 'a\.weight'"):
        measure(Network(blocks), x, rng=stream(0, "weights"), **settings)
    network, x = mlp([256, 256], activation=None, init=lecun), np.full((1, 256), 7e152)
    settings = {"draws": 2, "engine": "active"}
    assert np.isfinite(measure(network, x, rng=stream(0, "twins"), extras=(), **settings).square_norms).all()
    with pytest.raises(OverflowError, match="overflow float64 in block 1 of 1"):
        measure(network, x, rng=stream(0, "twins"), extras=("variances",), **settings)


SHRINKING = mlp([64] * 41, init=he.scaled(1e-5))
IN_A_BRANCH = Network((Residual(Sequential((dense("a", 8, 8, 1e-50), dense("b", 8, 8, 1e-59), dense("c", 8, 8)))),))


@pytest.mark.parametrize(
    ("network", "size", "dtype", "place"),
    [
        (SHRINKING, 1.0, np.float64, r"float64 in block 3\d of 40 .*; take engine='undrawn' or 'drawn', fewer layers"),
        (IN_A_BRANCH, 1e-50, np.float64, r"float64 in block 1 of 1 \('a' to 'c'\)"),
        (mlp([64] * 4), 1e-24, np.float32, r"float32 at the input.*dtype=np.float64"),
        (mlp([64] * 4, init=he.scaled(1e-15)), 1.0, np.float32, r"float32 in block 2 of 3"),
    ],
)
def test_an_underflow_is_named(network: Network, size: float, dtype: type, place: str) -> None:
    """A state that is not zero has signs, however small it is; its squared norm does not."""
    x = np.full((1, next(network.weights()).fan_in), size)
    with pytest.raises(OverflowError, match="squared norms underflow " + place):
        measure(network, x, draws=2, rng=stream(0, "under"), engine="active", dtype=dtype)


def test_so_is_one_on_the_way_back() -> None:
    x = np.full((1, 64), 1e150)  # states stay in range, cotangents do not
    with pytest.raises(OverflowError, match=r"underflow float64 on the way back through block \d+ of 40"):
        measure(SHRINKING, x, draws=2, rng=stream(0, "back"), engine="active", backward=True)
    run = ActiveUnits(mlp([3, 4], classes=2), np.ones((2, 3)), stream(0, "start"))
    with pytest.raises(OverflowError, match="underflow float64 at the output's cotangent"):
        list(run.back(run.start_with(np.full((2, 2), 1e-160))))
    assert len(list(run.back(run.start_with(np.zeros((2, 2)))))) == 2
    branch = ActiveUnits(IN_A_BRANCH, np.full((2, 8), 1e100), stream(0, "branch"))
    with pytest.raises(OverflowError, match=r"on the way back through block 1 of 1 \('a' to 'c'\)"):
        list(branch.back(branch.start_with(np.full((2, 8), 1e-100))))


@pytest.mark.parametrize(("scale", "dtype"), [(1e-5, np.float32), (1e-9, np.float64)])
def test_variances_of_streams_that_hardly_move(scale: float, dtype: type) -> None:
    """Twins are close to each other there: their distance is no difference of squared norms."""
    network, means = residual_mlp(64, 3, hidden=64, last_layer=lecun.scaled(scale)), []
    for engine in ("undrawn", "active"):
        record = measure(network, np.ones((1, 64)), draws=40, rng=stream(8, engine), engine=engine, dtype=dtype)
        means.append(record.variances[:, 1:].mean(axis=0))
    np.testing.assert_allclose(means[1], means[0], rtol=0.2)


def test_targets_name_units_unless_a_relu_ends_the_network() -> None:
    settings: dict[str, Any] = {"draws": 2, "targets": np.eye(3)[:1], "engine": "active", "backward": True}
    for below in (Sequential((dense("a", 3, 3), RELU)), Residual(dense("a", 3, 3))):
        network = Network((below, Sequential((dense("b", 3, 3), RELU)), Sequential(())))
        with pytest.raises(ValueError, match=r"targets name .*, and a ReLU at the end keeps none of them apart; take"):
            measure(network, np.ones((1, 3)), rng=stream(0, "t"), **settings)
    ends = Residual(dense("b", 3, 3)), Sequential((dense("c", 3, 3), RELU, dense("d", 3, 3)))
    for network in (Network((ends[0],)), Network((ends[1],)), Network((ends[1], ends[0], Sequential(())))):
        assert measure(network, np.ones((1, 3)), rng=stream(0, "t"), **settings).losses.shape == (2,)


def test_nonsense_is_refused() -> None:
    run = ActiveUnits(mlp([3, 4]), np.ones((3, 3)), stream(0, "nonsense"))
    with pytest.raises(ValueError, match="expected an even number of draws, got 3"):
        run.half_square_distance(run.states[1])
    with pytest.raises(ValueError, match="a ReLU at the end keeps no units apart: take start"):
        run.start_with(np.ones((3, 4)))
    with pytest.raises(ValueError, match=r"expected a law out of gaussian, rademacher, .*, got <function"):
        run.start(lambda rng, shape: np.ones(shape))
    for x in (np.ones((2, 4)), np.ones(3)):
        with pytest.raises(ValueError, match=r"expected x \(draws, 3\), got shape"):
            ActiveUnits(mlp([3, 4]), x, stream(0, "nonsense"))
    linear = ActiveUnits(mlp([3, 4], classes=2), np.ones((3, 3)), stream(0, "nonsense"))
    with pytest.raises(ValueError, match=r"expected dy \(3, 2\), got shape \(3, 4\)"):
        linear.start_with(np.ones((3, 4)))


def compare(network: Network, dtype: type = np.float64, law: Any = gaussian, loss: bool = False) -> Finding:
    start = inputs(network, 1)
    sides = []
    draws = draws_for_same_law(200, error=ERROR, alpha=ALPHA)
    for engine in ("drawn", "active"):
        record = measure(
            network,
            np.concatenate([start, 2 * start]),
            draws=2 * draws,
            rng=stream(7, engine),
            engine=engine,
            backward=True if loss else law,
            targets=one_hot(np.array([0, 0]), record_width(network)) if loss else None,
            extras=("variances", "active", "weight_gradients"),
            sampling=Sampling(same_input=False),
            dtype=dtype,
        )
        sides.append(told(record))
    return same_law(*sides, error=ERROR, alpha=ALPHA)


def record_width(network: Network) -> int:
    return [*network.weights()][-1].fan_out


def told(record: Record) -> dict[str, Array]:
    """The statistics of every other draw, and of twins, alone and with what belongs to the first of them."""
    found = {name: column[::2] for name, column in statistics(record).items()}
    for place, column in enumerate(record.variances.T):
        found[f"variance {place}"] = np.round(column, 6)
        found[f"variance {place} and norm"] = np.round(column + 0.7 * record.square_norms[::2, place], 6)
    return {name: np.round(column.astype(float), 4) for name, column in found.items()}


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("name", CHAINS)
def test_active_units_have_the_joint_law_of_drawn_weights(name: str, dtype: type) -> None:
    finding = compare(CHAINS[name], dtype)
    assert finding.verdict == "held", finding


@pytest.mark.slow
@pytest.mark.parametrize("law", [rademacher, uniform, "loss"])
def test_so_they_have_with_other_cotangents(law: Any) -> None:
    finding = compare(mlp([3, 4, 2, 5], classes=3, readout=lecun.scaled(3)), law=law, loss=law == "loss")
    assert finding.verdict == "held", finding


def _nested(rng: np.random.Generator, width: int, open_units: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.minimum(open_units[::2], open_units[1::2])


def _no_dead(rng: np.random.Generator, degrees: Any, draws: int) -> Array:
    return np.zeros(draws)


WRONG = {
    "the same units active in both twins": ("both_open", _nested),
    "dead units ask for nothing": ("chi_square", _no_dead),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_engine_is_seen(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    attribute, instead = WRONG[wrong]
    monkeypatch.setattr(active, attribute, instead)
    assert compare(CHAINS["plain to a ReLU"]).verdict == "refuted"
