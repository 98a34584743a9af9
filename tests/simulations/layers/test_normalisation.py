"""Norms and standardised weights: by their moments, by central differences, by scaling; what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from simulations import Dense, LeakyReLU, Network, stream
from simulations.layers.convolution import Convolution
from simulations.layers.dense import Layer
from simulations.layers.losses import EPS
from simulations.layers.normalisation import BatchNorm, GroupNorm, LayerNorm, WeightStandardised
from simulations.layers.row_norms import RMSNorm, RowNorm
from simulations.numbers.arrays import Array
from tests.simulations.layers.layer_cases import check_degrees, check_draws_and_precision, check_gradients

IMAGES, FEATURES = (stream(0, "x").normal(1, 2, shape) for shape in ((2, 3, 6, 2, 3), (2, 5, 6)))
NORMS: dict[str, Layer] = {
    "batch": BatchNorm("n", 6, 0.0),
    "batch, eps": BatchNorm("n", 6, 0.5),
    "batch, gain": BatchNorm("n", 6, 0.0, 1.0),
    "batch, bias": BatchNorm("n", 6, 0.0, None, 0.0),
    "batch, eps, gain, bias": BatchNorm("n", 6, 0.5, 1.0, 0.0),
    "batch, gain, bias": BatchNorm("n", 6, 0.0, 1.0, 0.0),
    "layer": LayerNorm("n", 6, 0.0),
    "layer, eps, gain, bias": LayerNorm("n", 6, 0.5, 1.0, 0.0),
    "groups": GroupNorm("n", 6, 0.0, groups=2),
    "groups, gain, bias": GroupNorm("n", 6, 0.0, 1.0, 0.0, groups=2),
    "groups, eps, gain": GroupNorm("n", 6, 0.5, 1.0, groups=2),
}
STANDARDISED: dict[str, Dense | Convolution] = {
    "plain": Dense("d", 6, 3),
    "bias": Dense("d", 6, 3, bias_deviation=1.0),
    "images": Convolution("c", 6, 3, 2, padding=1),
    "images, bias": Convolution("c", 6, 3, 2, padding=1, bias_deviation=1.0),
}
CASES: dict[str, tuple[Layer, Array]] = {
    f"{name}, {kind}": (layer, x)
    for name, layer in NORMS.items()
    for kind, x in (("images", IMAGES), ("features", FEATURES))
}
CASES |= {
    "rows": (RowNorm("n", 6, 0.0), FEATURES),
    "rows, eps, gain, bias": (RowNorm("n", 6, 0.5, 1.0, 0.0), FEATURES),
    "rows, bias": (RowNorm("n", 6, 0.0, None, 0.0), FEATURES),
    "root mean square": (RMSNorm("n", 6, 0.0), FEATURES),
    "root mean square, eps, gain, bias": (RMSNorm("n", 6, 0.5, 1.0, 0.0), FEATURES),
    "root mean square, gain": (RMSNorm("n", 6, 0.0, 1.0), FEATURES),
}
CASES |= {
    f"standardised {name}, eps {eps}": (WeightStandardised(layer, 0.7, eps), FEATURES if layer.name == "d" else IMAGES)
    for name, layer in STANDARDISED.items()
    for eps in (0.0, 0.5)
}
every_case = pytest.mark.parametrize(("layer", "x"), CASES.values(), ids=CASES.keys())


@every_case
def test_gradients_equal_central_differences(layer: Layer, x: Array) -> None:
    check_gradients(layer, x[:1])


@every_case
def test_degrees(layer: Layer, x: Array) -> None:
    check_degrees(layer, x)


@every_case
def test_draws_and_precision(layer: Layer, x: Array) -> None:
    check_draws_and_precision(layer, x)


@pytest.mark.parametrize(("layer", "axes"), [
    (BatchNorm("n", 6, 0.0), (1, 3, 4)),
    (LayerNorm("n", 6, 0.0), (2, 3, 4)),
    (GroupNorm("n", 6, 0.0, groups=6), (3, 4)),
])  # fmt: skip
def test_moments(layer: Layer, axes: tuple[int, ...]) -> None:
    """Means of 0 and mean squares of 1, in each draw, over the axes that the layer says."""
    y, _ = layer.forward({}, IMAGES)
    assert abs(y.mean(axis=axes)).max() < 100 * EPS
    assert abs(np.square(y).mean(axis=axes) - 1).max() < 100 * EPS


@pytest.mark.parametrize("equal", [0.0, 0.1, 1e6 / 3])
def test_rows_whose_entries_are_all_equal(equal: float) -> None:
    for features in range(2, 40):
        x = np.full((1, 2, features), equal)
        x[0, 1] = stream(0, "x").normal(size=features)
        with pytest.raises(ValueError, match=r"'n' got a row whose entries are all equal .*take eps > 0"):
            RowNorm("n", features, 0.0).forward({}, x)
        assert abs(RowNorm("n", features, 1e-5).forward({}, x)[0][0, 0]).max() < 1e-6


@pytest.mark.parametrize("eps", [0.0, 0.5])
def test_norms_of_rows_are_layer_norms(eps: float) -> None:
    rows, layer = (kind("n", 6, eps, 1.0, 0.0) for kind in (RowNorm, LayerNorm))
    parameters = {name: value + 1 for name, value in rows.draw(stream(0), 2).items()}
    (y, through), (other, back) = (norm.forward(parameters, FEATURES) for norm in (rows, layer))
    np.testing.assert_allclose(y, other, rtol=1e-13, atol=1e-13)
    cotangent = stream(0).normal(size=y.shape)
    np.testing.assert_allclose(through(cotangent, None), back(cotangent, None), rtol=1e-12, atol=1e-13)


def test_mean_squares_without_a_mean_taken_off() -> None:
    y, _ = RMSNorm("n", 6, 0.0).forward({}, FEATURES)
    assert abs(np.square(y).mean(axis=2) - 1).max() < 100 * EPS
    np.testing.assert_allclose(y / FEATURES, np.repeat((y / FEATURES)[..., :1], 6, axis=2), rtol=1e-14)
    assert abs(y.mean(axis=2)).min() > 0.01


def test_gains_multiply_and_biases_add_where_they_should() -> None:
    start = BatchNorm("n", 6, 0.0, 2.0, 3.0)
    bare, _ = BatchNorm("n", 6, 0.0).forward({}, IMAGES)
    parameters = start.draw(stream(0), 2)
    assert {name: value.shape for name, value in parameters.items()} == {"n.gain": (2, 1, 6), "n.bias": (2, 1, 6)}
    np.testing.assert_array_equal(start.forward(parameters, IMAGES)[0], 2 * bare + 3)


def test_standardised_weights() -> None:
    """A unit's weights sum to 0 and their squares to gain^2 fan_in, seen through a unit matrix for x."""
    layer = WeightStandardised(Dense("d", 6, 3), 0.5)
    seen, _ = layer.forward(layer.draw(stream(0), 2), np.broadcast_to(np.eye(6), (2, 6, 6)))
    assert abs(seen.sum(axis=1)).max() < 100 * EPS
    assert abs(np.square(seen).sum(axis=1) - 0.25 * 6).max() < 100 * EPS


def test_sets_of_a_normalised_network() -> None:
    """What precedes the norm changes nothing, in a set or not; the norm's bias has to be scaled with its gain."""
    layers = (Dense("one", 6, 5), BatchNorm("n", 5, 0.0, 1.0, 0.0), LeakyReLU(), Dense("two", 5, 2))
    network = Network(layers)
    assert network.parameter_names() == ("one.weight", "n.gain", "n.bias", "two.weight")
    assert set(network.homogeneous_sets(3)) == {
        frozenset({"two.weight"}),
        frozenset({"one.weight", "two.weight"}),
        frozenset({"n.gain", "n.bias"}),
        frozenset({"one.weight", "n.gain", "n.bias"}),
    }


@pytest.mark.parametrize("equal", [0.0, 0.1, 1e6 / 3])
def test_entries_that_are_all_equal(equal: float) -> None:
    """With eps = 0 they are refused, whatever their mean rounds to; with eps > 0 they become 0."""
    rounded = []
    for count in range(2, 40):
        x = np.concatenate([np.full((1, count, 1), equal), stream(0, "x").normal(size=(1, count, 1))], axis=2)
        rounded.append(x.mean(axis=1)[0, 0] != equal)
        with pytest.raises(ValueError, match=r"'n' got entries that are all equal.*take eps > 0"):
            BatchNorm("n", 2, 0.0).forward({}, x)
        assert abs(BatchNorm("n", 2, 1e-5).forward({}, x)[0][..., 0]).max() < 1e-6
    assert any(rounded) or equal == 0


@pytest.mark.parametrize(("make", "message"), [
    (lambda: BatchNorm("n", 0), "features of norm 'n' must be at least 1, got 0"),
    (lambda: LayerNorm("n", 6, -1.0), "eps of norm 'n' must be a finite number of at least 0, got -1.0"),
    (lambda: LayerNorm("n", 6, float("nan")), "eps of norm 'n' .* got nan"),
    (lambda: GroupNorm("n", 6, groups=4), "can't part 6 features into 4 equal groups"),
    (lambda: GroupNorm("n", 6, groups=0), "can't part 6 features into 0 equal groups"),
    (lambda: WeightStandardised(Dense("d", 6, 2), eps=-1.0), "eps of weight standardisation of 'd' .* got -1.0"),
    (lambda: BatchNorm("n", 3).forward({}, FEATURES), r"expects \(draws, batch, 3\) or .* got shape \(2, 5, 6\)"),
    (lambda: BatchNorm("n", 5).forward({}, FEATURES[0]), "norm 'n' expects"),
    (lambda: BatchNorm("n", 6).forward({}, FEATURES[:, :1]), "batch norm 'n' normalises one entry at a time"),
    (lambda: GroupNorm("n", 6, groups=6).forward({}, FEATURES), "norm 'n' normalises one entry at a time"),
    (lambda: RMSNorm("n", 6).forward({}, IMAGES), r"norm 'n' expects \(draws, batch, 6\), got shape \(2, 3, 6, 2, 3\)"),
    (lambda: RMSNorm("n", 6, 0.0).forward({}, 0 * FEATURES), "got a row whose entries are all equal .*take eps > 0"),
    (lambda: WeightStandardised(Dense("d", 1, 2)).forward({"d.weight": np.ones((2, 1, 2))}, FEATURES[..., :1]),
     "standardisation of 'd.weight' normalises one entry at a time"),
    (lambda: WeightStandardised(Dense("d", 6, 2)).forward({"d.weight": np.zeros((2, 6, 2))}, FEATURES),
     "standardisation of 'd.weight' got entries that are all equal"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
