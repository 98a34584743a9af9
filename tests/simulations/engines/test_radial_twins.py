"""Distances of twins in radial chains: the joint law with norms of drawn weights, and wrong versions that are seen."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from evidence import Finding, same_law
from simulations import Network, Record, Sampling, gaussian, he, measure, mlp, residual_mlp, stream
from simulations.engines import radial_twins
from simulations.engines.radial import radial
from simulations.engines.radial_twins import Branches, Twins
from simulations.numbers.arrays import Array
from tests.simulations.engines.radial_cases import NETWORKS

DRAWS, ALPHA, ERROR = 16_000, 1e-6, 0.08
"""As in ``test_radial_law.py``; the sampling unit is a pair of twins."""
INPUTS = np.array([[0.6, -1.1, 0.4, 0.9, 0.2, 1.3, -0.7, 0.1, 0.3, -0.2, 0.5, 0.8], [1.0, 0.5, -0.3, *[0.2] * 9]])
QUIET = 1e-300


def measured(network: Network, engine: Any, sampling: Sampling, name: str) -> Record:
    return measure(
        network,
        INPUTS[:, : next(network.weights()).fan_in],
        draws=DRAWS,
        rng=stream(0, "twins", engine, name),
        engine=engine,
        backward=gaussian,
        sampling=sampling,
    )


def statistics(record: Record) -> dict[str, Array]:
    """Variances, and what they have in common with norms of both twins and of the second's gradient."""
    found: dict[str, Array] = {}
    with np.errstate(divide="ignore"):
        variances, norms, gradients = (
            np.log2(np.maximum(one, QUIET))
            for one in (record.variances, record.square_norms, record.gradient_square_norms)
        )
    for place in range(1, len(record.widths)):
        found[f"variance {place}"] = variances[:, place]
        found[f"variance {place - 1} and {place}"] = variances[:, place - 1] + variances[:, place]
        found[f"variance {place} over the norms"] = 2 * variances[:, place] - norms[::2, place] - norms[1::2, place]
        found[f"variance and norm {place}"] = variances[:, place] + norms[::2, place]
        found[f"variance and gradient {place}"] = variances[:, place] - gradients[1::2, place]
    return {name: np.round(column, 8) for name, column in found.items()}


def compare(name: str, sampling: Sampling) -> Finding:
    sides = (statistics(measured(NETWORKS[name], engine, sampling, name)) for engine in ("drawn", "radial"))
    return same_law(*sides, error=ERROR, alpha=ALPHA)


@pytest.mark.slow
@pytest.mark.parametrize("same_input", [True, False])
@pytest.mark.parametrize("name", list(NETWORKS))
def test_twins_have_the_joint_law_of_drawn_weights(name: str, same_input: bool) -> None:
    finding = compare(name, Sampling(same_input=same_input))
    assert finding.verdict == "held", finding


def _nested(rng: np.random.Generator, width: int, open_units: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.minimum(open_units[::2], open_units[1::2])


def _orthogonal(rng: np.random.Generator, counts: NDArray[np.int64]) -> tuple[Array, Array]:
    squares, inner = SHARED(rng, counts)
    return squares, 0 * inner


def _in_one_plane(twins: Twins, norms: Array, width: int, rng: np.random.Generator) -> Branches:
    found = Branches.drawn(twins, norms, width, rng)
    along, across, third, fourth = found.vectors[1]
    found.vectors = found.vectors[0], (along, across, 0 * third, 0 * fourth)
    return found


SHARED = radial_twins._shared
WRONG: dict[str, tuple[str, object, str, Callable[..., Any]]] = {
    "the same units are open in both": ("plain", radial_twins, "both_open", _nested),
    "open units as if of either sign": ("plain", radial_twins, "_shared", _orthogonal),
    "branches in one plane": ("residual", Twins, "branches", _in_one_plane),
}


@pytest.mark.slow
@pytest.mark.parametrize("wrong", list(WRONG))
def test_a_wrong_chain_is_seen(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, where, attribute, instead = WRONG[wrong]
    monkeypatch.setattr(where, attribute, instead)
    assert compare(name, Sampling()).verdict == "refuted"


def test_equal_twins_stay_together_and_rounding_does_not_part_them() -> None:
    """Branches of deviation 0 add nothing; small ones add their own square, whatever the stream is."""
    for scale, expected in ((0.0, 0.0), (1e-9, 1e-18)):
        network = residual_mlp(64, 1, last_layer=he.scaled(scale))
        found = measure(network, np.ones((1, 64)), draws=2_000, rng=stream(0, "small"), engine="radial")
        assert found.variance[1] == pytest.approx(2 * expected, rel=0.1, abs=0)


def test_pairs_that_fill_several_turns_are_summed() -> None:
    """A mean square of 250,000 units and more is within 0.02 of 1 with probability 1 - 1e-9, and so are products."""
    counts = np.array([0, 3, 250_000, 0, 7, 400_000, 0])
    squares, inner = radial_twins._shared(stream(0, "shared"), counts)
    assert squares.shape == (14,)
    wide = counts > 100
    np.testing.assert_allclose(squares.reshape(7, 2)[wide] / counts[wide, None], 1, atol=0.02)
    np.testing.assert_allclose(inner[wide] / counts[wide], 2 / np.pi, atol=0.02)
    assert (squares.reshape(7, 2)[counts == 0] == 0).all()
    assert (inner[counts == 0] == 0).all()
    assert (2 * np.abs(inner) <= squares.reshape(7, 2).sum(axis=1)).all()


def test_distances_that_cannot_be_are_refused() -> None:
    network = mlp([3, 4])
    rng = stream(0, "refused")
    for draws, twins in ((4, np.ones(4)), (3, np.ones(1)), (4, -np.ones(2)), (4, np.full(2, 5.0))):
        with pytest.raises(ValueError, match="twins"):
            radial(network, np.ones(draws), rng=rng, twins=twins)
    with pytest.raises(ValueError, match=r"too wide to be compared; expected at most 999999999"):
        radial(mlp([3, 10**9]), np.ones(2), rng=rng, twins=np.zeros(1))
