"""Which engine a measurement takes, what it refuses, and that neither engines nor executors change what is measured."""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import fields
from multiprocessing import get_context
from typing import Any

import numpy as np
import pytest

from evidence import draws_for_same_law, same_law
from simulations import (
    Network,
    Record,
    Sampling,
    Tanh,
    gaussian,
    he,
    lecun,
    measure,
    mlp,
    residual_mlp,
    stream,
    uniform,
)
from simulations.engines.choice import automatic, pays
from simulations.numbers.arrays import Array
from simulations.weights.kinds import Drawn
from simulations.weights.undrawn import Undrawn
from tests.simulations.engines.radial_cases import MIXED

ALPHA, ERROR = 1e-6, 0.1
"""How often one law is taken for two, a test, and the distance that is seen with probability 0.999."""
INPUTS = stream(0, "engines").standard_normal((6, 3))
WIDE = mlp([3, 64, 64], classes=5)
RESIDUAL = residual_mlp(8, 2, stem=3, classes=4)
ENGINES = ["auto", "radial", "active", "undrawn", "drawn"]


def run(network: Network = WIDE, inputs: Array = INPUTS, draws: int = 4, **settings: Any) -> Record:
    return measure(network, inputs, draws=draws, rng=stream(1, "engines"), **({"extras": ()} | settings))


def one_hot_start(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """A cotangent that names a unit."""
    return np.eye(shape[-1])[np.zeros(shape[:-1], np.int64)]


REFUSALS: list[tuple[Network, dict[str, Any], str]] = [
    (WIDE, {"engine": "dense"}, r"unknown engine 'dense'; expected one of auto, radial, active, undrawn, drawn"),
    (WIDE, {"engine": None}, r"unknown engine None; expected one of"),
    (
        WIDE,
        {"engine": "radial", "sampling": Sampling(batch=2)},
        r"radial .* inputs of one batch share weights; take 'auto'",
    ),
    (WIDE, {"engine": "radial", "dtype": np.float32}, r"radial .* double precision only; take 'auto'"),
    (WIDE, {"engine": "radial", "backward": uniform}, r"radial .* no other cotangents.*; take"),
    (mlp([3, 8], bias_deviation=1.0), {"engine": "radial"}, r"radial .* 'layer0' has a bias; take 'auto'"),
    (mlp([3, 8], init=he.with_law(uniform)), {"engine": "radial"}, r"radial .* 'layer0' .* not Gaussian.*; take"),
    (WIDE, {"engine": "active", "sampling": Sampling(batch=2)}, r"active .* one batch share weights; take 'auto'"),
    (
        WIDE,
        {"engine": "active", "backward": one_hot_start},
        r"active .* of another law may treat units differently; take",
    ),
    (mlp([3, 8], bias_deviation=1.0), {"engine": "active"}, r"active .* 'layer0' has a bias; take 'auto'"),
    (mlp([3, 8], activation=Tanh()), {"engine": "active"}, r"active .* Tanh\(\).*; take 'auto'"),
    (
        MIXED,
        {"engine": "active", "inputs": INPUTS[:, :2]},
        r"active .* block 1 has a shortcut from a ReLU.*; take 'auto'",
    ),
    (mlp([3, 8], init=he.with_law(uniform)), {"engine": "undrawn"}, r"'layer0' are not Gaussian .* take 'auto' or"),
    (mlp([3, 8], classes=2, readout=lecun.with_law(uniform)), {"engine": "undrawn"}, r"'readout' are not Gaussian"),
]


@pytest.mark.parametrize(("network", "settings", "message"), REFUSALS)
def test_an_engine_that_cannot_do_it_says_why_and_what_can(
    network: Network, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        run(network, **settings)


BROKEN = [np.where(np.arange(18).reshape(6, 3) == 7, value, INPUTS) for value in (np.nan, np.inf)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"inputs": BROKEN[0]}, r"must be finite and within the range of float64, got .* at \(\d+, \d+\); leave"),
        ({"inputs": BROKEN[1]}, r"must be finite and within the range of float64, got .* at \(\d+, \d+\); leave"),
        ({"inputs": INPUTS + 1j}, r"expected real inputs"),
        ({"inputs": INPUTS[:, :2]}, r"'layer0' expects 3 features, got .*2"),
        ({"inputs": INPUTS[:, :0]}, r"'layer0' expects 3 features, got .*0"),
        ({"inputs": INPUTS[:0]}, r"at least one row of inputs \(samples, features\), got .* shape \(0, 3\)"),
        ({"inputs": INPUTS[0]}, r"inputs \(samples, features\), got .* shape \(3,\)"),
        ({"draws": 0}, r"at least one draw, got draws=0"),
        ({"draws": -3}, r"at least one draw, got draws=-3"),
        ({"sampling": Sampling(batch=7)}, r"a batch of 7 needs as many inputs, got 6"),
        ({"dtype": np.float16}, r"precision is np.float64 or np.float32, got .*float16"),
        ({"dtype": int}, r"precision is np.float64 or np.float32, got .*int"),
        ({"targets": np.eye(5)[:4]}, r"one target an input, got 4 targets and 6 inputs"),
        ({"targets": np.eye(4)[[0, 1, 2, 3, 0, 1]]}, r"5.* 4"),
        ({"targets": True}, r"targets=True takes the labels of Inputs; with an array"),
        ({"targets": np.eye(5)[[0, 1, 2, 3, 0, 1]], "backward": gaussian}, r"cotangent is the gradient of the loss"),
        ({"extras": ("weight_gradients",)}, r"weight_gradients needs backward=True"),
        ({"extras": "active"}, r"extras takes a tuple of names out of variances, active, .*, got 'active'"),
        ({"extras": ("weights",)}, r"extras takes a tuple of names out of variances, active, .*, got \('weights',\)"),
        ({"inputs": [[1.0, 2.0], [3.0]]}, r"inputs \(samples, features\), got rows of different lengths"),
        ({"inputs": [["1", "2", "3"]]}, r"expected real inputs \(samples, features\), got <U1"),
    ],
)
def test_no_engine_takes_what_makes_no_sense(engine: str, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        run(**({"engine": engine} | settings))


@pytest.mark.parametrize("engine", ["auto", "undrawn", "drawn"])
def test_inputs_beyond_single_precision_are_refused(engine: str) -> None:
    with pytest.raises(ValueError, match="inputs must be finite and within the range of float32, got"):
        run(inputs=INPUTS * 1e60, engine=engine, dtype=np.float32)


def test_the_record_says_which_engine_was_taken_and_why() -> None:
    assert run().engine == "radial: one input a draw, norms only"
    assert run(engine="radial").engine == "radial: one input a draw, norms only"
    assert run(extras=("variances",)).engine == "undrawn: 2 of 3 matrices, where that is cheaper"
    assert run(sampling=Sampling(batch=2)).engine == "undrawn: 1 of 3 matrices, where that is cheaper"
    assert run(engine="active").engine == "active: as asked"
    assert run(engine="undrawn").engine == "undrawn: as asked"
    assert run(engine="drawn").engine == "drawn: as asked"
    assert (
        run(residual_mlp(7, 2, stem=3), extras=("variances",)).engine == "drawn: matrices too small for anything else"
    )
    assert run(mlp([3, 8], init=he.with_law(uniform))).engine == "drawn: not Gaussian"


@pytest.mark.parametrize(("batch", "fan_in", "fan_out"), [(1, 8, 8), (1, 3, 1000), (16, 128, 128), (1, 9, 72)])
def test_it_pays_where_fewer_numbers_are_drawn_by_a_margin(batch: int, fan_in: int, fan_out: int) -> None:
    numbers = batch * (fan_in + fan_out)
    assert pays(batch, fan_in, fan_out) == (fan_in * fan_out / numbers >= 4)
    assert pays(batch, fan_in, fan_out) == pays(batch, fan_out, fan_in)


def test_automatic_kinds_are_chosen_matrix_by_matrix() -> None:
    make, rng = automatic(np.float32), stream(2, "engines")
    cases = ((he, 2, 100, Undrawn), (he, 2, 3, Drawn), (he, 20, 100, Drawn), (he.with_law(uniform), 2, 100, Drawn))
    for init, rows, fan_out, taken in cases:
        weights = make(init, rng, 3, 100, fan_out)
        product: Any = weights.__rmatmul__(np.ones((3, rows, 100), np.float32))
        assert product.dtype == np.float32
        assert isinstance(weights.decided(1), taken)
        assert weights.rows == rows
    assert run(extras=("variances",)).engine.startswith("undrawn")
    many = np.ones((50, 3))
    assert run(inputs=many, extras=("variances",), sampling=Sampling(batch=50)).engine.startswith("drawn")


@pytest.mark.parametrize("workers", ["threads", "processes"])
def test_results_do_not_depend_on_the_executor(workers: str) -> None:
    pool = ThreadPoolExecutor(3) if workers == "threads" else ProcessPoolExecutor(2, mp_context=get_context("spawn"))
    targets = np.eye(5)[[0, 1, 2, 3, 4, 0]]
    network = mlp([3, 600, 600], classes=5)
    with pool:
        for engine in ENGINES:
            settings: dict[str, Any] = {"engine": engine, "draws": 7, "backward": True}
            settings |= {
                "extras": ("weight_gradients",),
                "targets": targets,
                "dtype": np.float64 if engine == "radial" else np.float32,
            }
            alone, spread = (run(network, executor=executor, **settings) for executor in (None, pool))
            for one in fields(Record):
                np.testing.assert_equal(getattr(alone, one.name), getattr(spread, one.name), one.name)
            assert not np.array_equal(alone.square_norms[0], alone.square_norms[1])


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("batch", [1, 4])
def test_undrawn_and_drawn_measurements_have_one_law(batch: int, dtype: type) -> None:
    inputs = np.concatenate([INPUTS[:2], INPUTS[:1], np.zeros((1, 3))])  # equal rows and zeros in a batch
    draws = draws_for_same_law(60, error=ERROR, alpha=ALPHA)
    sides = []
    for engine in ("undrawn", "drawn"):
        record = measure(
            RESIDUAL,
            inputs,
            draws=2 * draws,
            rng=stream(3, "engines", engine, batch),
            backward=gaussian,
            engine=engine,
            dtype=dtype,
            extras=("variances", "active", "weight_gradients"),
            sampling=Sampling(batch=batch),
        )
        found = {f"variance {place}": column for place, column in enumerate(record.variances.T)}
        for place in range(len(record.widths)):
            found[f"norm {place}"] = record.square_norms[::2, place]
            found[f"gradient {place}"] = record.gradient_square_norms[::2, place]
            found[f"active {place}"] = record.active[::2, place]
            found[f"norm and gradient {place}"] = found[f"norm {place}"] * found[f"gradient {place}"]
        found |= {name: norms[::2] for name, norms in record.weight_gradients.items()}
        sides.append({name: np.round(column.astype(float), 3) for name, column in found.items()})
    finding = same_law(*sides, error=ERROR, alpha=ALPHA)
    assert finding.verdict == "held", finding
