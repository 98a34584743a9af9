"""Running deep networks segment by segment, against running them whole."""

from typing import cast

import numpy as np
import pytest

from simulations import mlp, residual_mlp, stream
from simulations.deep import deep_run
from simulations.engines.choice import automatic
from simulations.layers.network import Network
from simulations.numbers.arrays import Array
from simulations.weights.kinds import Kind, arrays, drawn
from simulations.weights.undrawn import undrawn

X = stream(0, "deep", "x").standard_normal((3, 2, 6))


def log2_squares(states: tuple[np.ndarray, ...]) -> np.ndarray:
    return np.stack([np.log2(np.square(state).sum(-1)) for state in states], axis=-1)


@pytest.mark.parametrize("network", [mlp([6, 6, 7, 5, 6, 6]), residual_mlp(6, 7), mlp([6, 6], classes=3)])
@pytest.mark.parametrize("kind", [arrays, drawn(), undrawn(), automatic()])
def test_one_segment_is_the_plain_run(network: Network, kind: Kind) -> None:
    rng = stream(0, "deep", "weights")
    run = network.run(network.draw(rng, 3, kind), X)
    cotangent = np.ones_like(run.output)
    cotangents = run.backward(cotangent)
    found = deep_run(
        network, X, streams=lambda _: stream(0, "deep", "weights"), kind=kind, cotangent=cotangent, segment=100
    )
    np.testing.assert_allclose(found.states, log2_squares(run.states), rtol=1e-13)
    np.testing.assert_allclose(found.cotangents, log2_squares(cotangents), rtol=1e-13)


@pytest.mark.parametrize("segment", [1, 2, 3, None])
def test_segments_pass_on_what_the_whole_would(segment: int | None) -> None:
    """Arrays drawn segment by segment, put together into one network."""
    network, size, parameters = residual_mlp(6, 7), segment or 2, dict[str, Array]()
    for number, start in enumerate(range(0, 7, size)):
        part = Network(network.layers[start : start + size])
        parameters |= part.draw(stream(1, "deep", number), 3)
    run = network.run(parameters, X)
    found = deep_run(
        network,
        X,
        streams=lambda number: stream(1, "deep", number),
        kind=arrays,
        cotangent=np.ones_like(X),
        segment=segment,
    )
    np.testing.assert_allclose(found.states, log2_squares(run.states), rtol=1e-13)
    np.testing.assert_allclose(found.cotangents, log2_squares(run.backward(np.ones_like(X))), rtol=1e-13)


@pytest.mark.slow
@pytest.mark.parametrize("kind", [drawn(np.float32), undrawn(np.float32)])
def test_states_and_cotangents_beyond_the_range_of_floats(kind: Kind) -> None:
    """2^2000 in the mean, both ways."""
    network, x = residual_mlp(6, 2000), cast(Array, X[:, :1].astype(np.float32))
    found = deep_run(
        network, x, streams=lambda number: stream(2, "deep", number), kind=kind, cotangent=np.ones_like(x), segment=20
    )
    assert np.isfinite(found.states).all()
    assert np.isfinite(found.cotangents).all()
    assert (found.states[..., -1] > 1000).all()
    assert (found.cotangents[..., 0] > 1000).all()
    np.testing.assert_allclose(found.cotangents[..., -1], np.log2(6), rtol=1e-6)


@pytest.mark.slow
def test_refusals() -> None:
    one = np.ones((1, 1, 4))

    def run(network: Network, segment: int | None = None) -> None:
        deep_run(network, one, streams=lambda number: stream(0, number), kind=arrays, cotangent=one, segment=segment)

    with pytest.raises(ValueError, match="degree 1 only"):
        run(mlp([4, 4], bias_deviation=1.0))
    with pytest.raises(ValueError, match="at least one block, got 0"):
        run(mlp([4, 4]), 0)
    with pytest.raises(OverflowError, match="blocks 0 to 3999 is not finite: take a shorter segment"):
        run(residual_mlp(4, 4000), 4000)
