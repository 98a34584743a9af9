"""LayerNorm and RMSNorm against PyTorch's variance conventions, SciPy's Beta law and direct averages."""

import numpy as np
import pytest
from scipy import integrate, stats

from theory.normalisation import layer_norm

X = np.array([0.3, -1.2, 2.5, 0.9, 1.1])


@pytest.mark.parametrize("eps", [0.0, 0.1])
def test_square_norm_by_hand(eps: float) -> None:
    centred = X - X.mean()
    y, z = centred / np.sqrt(X.var() + eps), X / np.sqrt((X**2).mean() + eps)
    assert float(layer_norm.output_square_norm(5, X.var(), eps)) == pytest.approx(y @ y)
    assert float(layer_norm.output_square_norm(5, (X**2).mean(), eps)) == pytest.approx(z @ z)


@pytest.mark.parametrize("free", [2, 3, 4, 7])
def test_the_law_of_a_share_is_beta(free: int) -> None:
    density = layer_norm.share().at({layer_norm.DEGREES: free})
    for share in (0.1, 0.4, 0.9):
        beta = stats.beta(0.5, (free - 1) / 2)
        assert float(layer_norm.share_cdf(share, free)) == pytest.approx(beta.cdf(share))
        assert float(density.subs(layer_norm.SHARE, share)) == pytest.approx(beta.pdf(share))


def test_entries_of_layer_norm_are_uniform_at_four_features() -> None:
    """Archimedes: a coordinate of a uniform direction in three dimensions is uniform."""
    for entry in (0.2, 1.0, 1.5):
        found = layer_norm.share_cdf(entry**2 / 3, layer_norm.free_directions(4, True))
        assert float(found) == pytest.approx(entry / 3**0.5)


@pytest.mark.parametrize("order", [1, 2, 4])
def test_moments_by_quadrature(order: int) -> None:
    for free in (2, 5):
        beta = stats.beta(0.5, (free - 1) / 2)
        found = integrate.quad(lambda u, beta=beta: u ** (2 * order) * beta.pdf(u**2) * 2 * u, 0, 1)[0]
        assert float(layer_norm.entry_moment(order, free)) == pytest.approx(free**order * found, rel=1e-6)


def test_fourth_moments_as_quoted() -> None:
    """Quoted: at d = 6, 2.153 +- .009 and 2.250 +- .010 were measured."""
    layer, rms = (layer_norm.entry_moment(2, layer_norm.free_directions(6, mean)) for mean in (True, False))
    assert float(layer) == pytest.approx(15 / 7) == pytest.approx(2.153, abs=0.03)
    assert float(rms) == pytest.approx(18 / 8) == pytest.approx(2.250, abs=0.03)
    assert layer_norm.entry_moment(2, 4) == layer_norm.fourth_moment().at({layer_norm.FREE: 4}) == 2


def test_wide_inputs_are_normal() -> None:
    assert float(layer_norm.entry_moment(2, 10**6)) == pytest.approx(3, rel=1e-5)


def test_domain_errors_name_the_argument() -> None:
    with pytest.raises(ValueError, match="width is 1"):
        layer_norm.free_directions(1, True)
    with pytest.raises(ValueError, match="size is 0"):
        layer_norm.output_square_norm(3, 0)
    with pytest.raises(ValueError, match="free is 1"):
        layer_norm.share_cdf(0.5, 1)
