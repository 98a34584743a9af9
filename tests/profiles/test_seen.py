"""What is measured: the same law on every engine, and twins, means and active units as they are."""

import numpy as np
import pytest
from scipy import stats

from profiles.seen import look
from simulations import Tanh, digits, mlp, residual_mlp, stream
from simulations.networks.resnet import resnet


def test_norms_have_the_law_of_states() -> None:
    """Two samples of 4,000 and 4,000: p-values above 1e-4 for a fixed stream, there and back."""
    seen = look(residual_mlp(6, 3, hidden=4), np.ones((1, 6)), rng=stream(0, "law"), draws=4_000, backward=True)
    assert seen.states is not None
    assert seen.engine.startswith("radial")
    for norms, states in ((seen.square_norms, seen.states.square_norms), (seen.gradients, seen.states.gradients)):
        assert norms.shape == states.shape == (4_000, 4)
        for position in range(1, 3):
            assert stats.ks_2samp(norms[:, position], states[:, position]).pvalue > 1e-4


def test_twins_share_their_input_and_nothing_else() -> None:
    seen = look(mlp([8, 8], activation=Tanh()), digits().narrowed(8), rng=stream(0, "twins"), draws=100)
    assert seen.states is not None
    assert seen.twins
    assert (seen.square_norms[::2, 0] == seen.square_norms[1::2, 0]).all()
    assert (seen.square_norms[::2, 1] != seen.square_norms[1::2, 1]).all()
    assert np.isneginf(seen.states.distances[:, 0]).all()
    assert len(set(seen.square_norms[::2, 0])) > 20


def test_means_and_active_units_are_counted() -> None:
    """Of 4 units of a ReLU layer half are active; its mean is sqrt(q / 2 pi), q = 2 for inputs of ones."""
    seen = look(mlp([4, 4]), np.ones((1, 4)), rng=stream(0, "means"), draws=20_000)
    assert seen.states is not None
    assert seen.states.means.mean(axis=0) == pytest.approx([1, (2 / (2 * np.pi)) ** 0.5], abs=0.02)
    assert seen.states.active.mean(axis=0) == pytest.approx([1, 0.5], abs=0.02)


def test_images_are_measured_as_all_their_pixels() -> None:
    network = resnet((2, 4), 1, image=(1, 4, 4), classes=3)
    seen = look(network, np.ones((2, 1, 4, 4)), rng=stream(0, "images"), draws=10)
    assert seen.widths == (16, 32, 32, 16, 3)
    assert seen.engine == "drawn"


def test_the_engine_says_what_was_drawn() -> None:
    seen = look(mlp([64, 64], activation=Tanh()), np.ones((1, 64)), rng=stream(0), draws=4)
    assert seen.engine == "undrawn where that is cheaper"


def test_what_is_too_deep_for_states_has_norms() -> None:
    seen = look(residual_mlp(16, 1200), np.ones((1, 16)), rng=stream(0, "deep"), draws=8)
    assert seen.states is None
    assert seen.square_norms.max() > 1024


def test_progress_goes_from_0_to_1() -> None:
    shares: list[float] = []
    look(mlp([8, 8]), np.ones((1, 8)), rng=stream(0), draws=9_000, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1
