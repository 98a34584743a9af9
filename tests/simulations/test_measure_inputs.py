"""What `measure` takes as inputs, and what it says where they or the numbers do not fit."""

import doctest
import sys
from typing import Any

import numpy as np
import pytest

from simulations import Inputs, Network, Sampling, Sequential, Tanh, digits, he, measure, mlp, residual_mlp, stream
from simulations.engines.request import Extra
from simulations.layers.looks_linear import looks_linear

SMALL = mlp([16, 8], classes=10)


def norms(network: Network, inputs: Any, **settings: Any) -> np.ndarray:
    return measure(network, inputs, draws=4, rng=stream(0, "inputs"), **settings).square_norms


def test_the_example_of_measure() -> None:
    found = doctest.testmod(sys.modules["simulations.measure"])
    assert found.attempted > 5
    assert not found.failed


def test_inputs_stand_for_all_their_rows() -> None:
    network, inputs = mlp([64, 8]), digits()
    np.testing.assert_array_equal(norms(network, inputs), norms(network, inputs.x))


def test_labels_of_inputs_are_taken_only_if_asked() -> None:
    network, inputs = mlp([64, 8], classes=10), digits()
    found = [
        measure(network, inputs, draws=4, rng=stream(0), targets=targets).losses
        for targets in (True, inputs.targets, inputs.targets.tolist(), False, None)
    ]
    assert found[0].size == 4
    np.testing.assert_array_equal(found[0], found[1])
    np.testing.assert_array_equal(found[0], found[2])
    assert not found[3].size
    assert not found[4].size


def test_inputs_of_another_width_say_how_to_narrow_them() -> None:
    with pytest.raises(ValueError, match=r"'layer0' expects 16 features, got 64 an input; take inputs.narrowed\(16\)"):
        norms(SMALL, digits())
    assert norms(SMALL, digits().narrowed(16)).shape == (4, 3)
    with pytest.raises(ValueError, match=r"'layer0' expects 16 features, got 64 an input$"):
        norms(SMALL, digits().x)
    with pytest.raises(ValueError, match=r"'block0.layer0' expects 3 features, got 2 an input$"):
        norms(residual_mlp(3, 1, layers_per_branch=1), np.ones((1, 2)))
    assert norms(Network(looks_linear(4, 1).layers[1:]), np.ones((1, 4))).shape == (4, 2)  # twice as wide by itself


@pytest.mark.parametrize("kind", [list, tuple, np.int64, np.uint8, np.float32, bool])
def test_lists_and_arrays_of_any_real_numbers_are_taken(kind: Any) -> None:
    rows = np.eye(16)[:3]
    given = kind(map(kind, rows)) if kind in (list, tuple) else rows.astype(kind)
    np.testing.assert_array_equal(norms(SMALL, given), norms(SMALL, rows))


def test_a_batch_has_an_input() -> None:
    with pytest.raises(ValueError, match="a batch needs at least one input, got batch=0"):
        Sampling(batch=0)


TRIPLES = residual_mlp(8, 100, last_layer=he)
TANH = Network((*mlp([8] * 3, activation=Tanh()).layers, *mlp([8] * 9, init=he.scaled(1e30)).layers[2:]))
OVERFLOWS: list[tuple[Network, dict[str, Any], str]] = [
    (TRIPLES, {"dtype": np.float32, "engine": "drawn"}, r"float32 in block \d\d of 100 \('block\d\d.layer0' to"),
    (TRIPLES, {"dtype": np.float32, "engine": "undrawn"}, r"float32 in block \d\d of 100 \('block\d\d.layer0' to"),
    (TRIPLES, {"dtype": np.float32}, r"use dtype=np.float64, fewer layers or smaller weights, or deep_run of"),
    (mlp([8] * 31, init=he.scaled(1e10)), {"engine": "drawn"}, r"float64 in block 16 of 30 \('layer15'\); use fewer"),
    (mlp([8] * 40, init=he.scaled(1e10)), {"engine": "undrawn"}, r"float64 in block 16 of 39 \('layer15'\); use fewer"),
    (
        mlp([8] * 40, init=he.scaled(1e10)),
        {"extras": ()},
        r"squared norms after block 16 of 39 leave the range of float",
    ),
    (mlp([8] * 40, init=he.scaled(1e300)), {"engine": "undrawn"}, r"float64 in block 1 of 39 \('layer0'\)"),
    (TANH, {}, r"float64 in block 8 of 8 \('layer\d'\); use fewer layers or smaller weights$"),
    (TANH, {"dtype": np.float32, "engine": "undrawn"}, r"float32 in block 3 of 8 \('layer2'\); use dtype=np.float64"),
    (mlp([8] * 3), {"inputs": np.full((1, 8), 1e200)}, r"float64 at the input"),
]
"""Tripled 100 times a squared norm is 10^48; (10^20)^16 is beyond float64, (10^30)^2 beyond float32."""


@pytest.mark.parametrize(("network", "settings", "message"), OVERFLOWS)
@pytest.mark.filterwarnings("error")
def test_what_overflows_is_named(network: Network, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(OverflowError, match=message):
        norms(network, **({"inputs": np.ones((1, 8))} | settings))


@pytest.mark.parametrize("engine", ["drawn", "undrawn"])
def test_what_overflows_on_the_way_back_is_named(engine: str) -> None:
    """The inputs are so small that the states do not overflow, and the cotangents do."""
    network, x = mlp([8] * 31, init=he.scaled(1e10)), np.full((1, 8), 1e-150)
    extras: tuple[Extra, ...] = ("weight_gradients",)
    with pytest.raises(OverflowError, match=r"float64 on the way back through block 15 of 30 \('layer14'\); use fewer"):
        norms(network, x, backward=True, engine=engine, extras=extras)
    with pytest.raises(OverflowError, match=r"float64 in the gradient of 'layer0.weight'; use fewer layers"):
        norms(mlp([8, 8]), np.full((1, 8), 1e100), backward=_huge, engine=engine, extras=extras)
    with pytest.raises(OverflowError, match=r"float64 at the output's cotangent"):
        norms(mlp([8, 8]), x, backward=lambda rng, shape: 1e100 * _huge(rng, shape), engine=engine)


def _huge(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, 1e100)


def test_what_does_not_overflow_is_let_alone() -> None:
    assert np.isfinite(norms(TRIPLES, np.ones((1, 8)), engine="drawn")).all()
    assert np.isfinite(norms(Network((Sequential(()),)), np.ones((1, 8)))).all()


def test_inputs_are_a_class_of_their_own() -> None:
    inputs = Inputs(np.eye(3), np.array([0, 1, 1]), 2, "three rows")
    assert measure(mlp([3, 2]), inputs, draws=2, rng=stream(0), targets=True).losses.shape == (2,)
