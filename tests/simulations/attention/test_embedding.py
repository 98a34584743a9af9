"""Tables that are looked up, sinusoids and rotations: by hand, by central differences, by what they keep."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulations import Network, stream
from simulations.attention.embedding import Embedding, TiedReadout, summed_by_token
from simulations.attention.positions import rotated, sinusoids
from simulations.layers.dense import Dense, Gradients
from simulations.numbers.arrays import Array
from tests.simulations.layers.test_network import differences

TOKENS: Any = np.array([[[3, 0, 3], [1, 3, 4]], [[0, 0, 0], [2, 2, 1]]])
TABLE = Embedding("e", 5, 4, factor=2.0, sinusoid=1.0)


def test_lookup_by_hand() -> None:
    parameters = TABLE.draw(stream(0), 2)
    rows, _ = TABLE.forward(parameters, TOKENS)
    assert rows.shape == (2, 6, 4)
    expected = 2 * parameters["e.weight"][0, 4] + [np.sin(2), np.cos(2), np.sin(0.02), np.cos(0.02)]
    np.testing.assert_allclose(rows[0, 5], expected, rtol=1e-15)
    bare, _ = Embedding("e", 5, 4).forward(parameters, TOKENS)
    np.testing.assert_array_equal(bare[1], parameters["e.weight"][1][[0, 0, 0, 2, 2, 1]])


@pytest.mark.parametrize("tied", [False, True])
def test_gradients_equal_central_differences(tied: bool) -> None:
    """With tied embeddings the table's gradient comes from both ends."""
    network = Network((TABLE, TiedReadout(TABLE) if tied else Dense("readout", 4, 3)))
    parameters = network.draw(stream(0), 1)
    run = network.run(parameters, TOKENS[:1])
    cotangent, into = stream(1).normal(size=run.output.shape), Gradients()
    cotangents = run.backward(cotangent, into)
    assert not cotangents[0].any()
    assert cotangents[0].shape == (1, 2, 3)

    def projected(copies: Array) -> Array:
        repeated = {name: np.repeat(value, len(copies), axis=0) for name, value in parameters.items()}
        tokens = np.repeat(TOKENS[:1], len(copies), axis=0)
        total: Array = (network.run(repeated | {"e.weight": copies}, tokens).output * cotangent).sum(axis=(1, 2))
        return total

    expected, error = differences(projected, parameters["e.weight"])
    assert (abs(into["e.weight"].array - expected) <= error).all()
    assert error.max() < abs(expected).max() / 100


def test_sums_by_token_equal_a_loop() -> None:
    rng = stream(0)
    numbers: Any = rng.integers(0, 7, (3, 20))
    rows = rng.normal(size=(3, 20, 2))
    expected = np.zeros((3, 9, 2))
    for draw, place in np.ndindex(numbers.shape):
        expected[draw, numbers[draw, place]] += rows[draw, place]
    np.testing.assert_allclose(summed_by_token(numbers, rows, 9), expected, rtol=1e-13, atol=1e-14)


def test_precision_and_degrees() -> None:
    single: dict[str, Any] = {"e.weight": TABLE.draw(stream(0), 2)["e.weight"].astype(np.float32)}
    rows, pullback = TABLE.forward(single, TOKENS)
    into = Gradients()
    pullback(rows, into)
    assert rows.dtype == into["e.weight"].array.dtype == np.float32
    scaled, bare = frozenset({"e.weight"}), Embedding("e", 5, 4)
    assert [TABLE.degree(0, some) for some in (frozenset[str](), scaled)] == [0, None]
    assert [bare.degree(0, some) for some in (frozenset[str](), scaled)] == [0, 1]
    assert [TiedReadout(bare).degree(1, some) for some in (frozenset[str](), scaled)] == [1, 2]
    assert Network((bare, Dense("w", 4, 4), TiedReadout(bare))).parameter_names() == ("e.weight", "w.weight")


def test_inner_products_of_sinusoids_depend_on_the_distance_only() -> None:
    table = sinusoids(20, 8)
    products = table @ table.T
    for distance in range(20):
        diagonal = np.diagonal(products, distance)
        np.testing.assert_allclose(diagonal, diagonal[0], rtol=1e-13)
    np.testing.assert_allclose(np.diagonal(products), 4, rtol=1e-14)
    np.testing.assert_array_equal(sinusoids(5, 8, start=15), table[15:])


def test_rotations_keep_norms_and_see_distances() -> None:
    x, y = stream(0, "rotations").normal(size=(2, 3, 6))
    same = [np.repeat(one[:, None], 10, axis=1) for one in (x, y)]
    turned, other = (rotated(one) for one in same)
    np.testing.assert_allclose(np.linalg.norm(turned, axis=-1), np.linalg.norm(same[0], axis=-1), rtol=1e-14)
    products = turned @ other.mT
    for distance in range(-9, 10):
        diagonal = np.diagonal(products, distance, axis1=1, axis2=2)
        np.testing.assert_allclose(diagonal, diagonal[:, :1] * np.ones(diagonal.shape[1]), rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(rotated(turned, back=True), same[0], rtol=1e-14, atol=1e-15)
    np.testing.assert_array_equal(rotated(same[0][:, 4:], start=4), turned[:, 4:])
    # By hand: position 1, first pair, by one radian.
    expected = np.cos(1) * x[0, 0] - np.sin(1) * x[0, 1], np.sin(1) * x[0, 0] + np.cos(1) * x[0, 1]
    np.testing.assert_allclose(turned[0, 1, :2], expected, rtol=1e-14)
    low: Any = same[0].astype(np.float32)
    assert rotated(low).dtype == np.float32


@pytest.mark.parametrize(("make", "message"), [
    (lambda: Embedding("e", 0, 4), "tokens of embedding 'e' must be at least 1, got 0"),
    (lambda: TABLE.forward(TABLE.draw(stream(0), 2), TOKENS - 1), "has tokens 0 to 4, got numbers from -1 to 3"),
    (lambda: TABLE.forward(TABLE.draw(stream(0), 2), TOKENS + 1), "has tokens 0 to 4, got numbers from 1 to 5"),
    (lambda: TABLE.forward(TABLE.draw(stream(0), 2), TOKENS[0]), r"expects integers \(draws 2, batch, positions\)"),
    (lambda: TABLE.forward(TABLE.draw(stream(0), 2), TOKENS * 1.0), "expects integers .* got float64"),
    (lambda: sinusoids(3, 5), "features in pairs, got 5 features"),
])  # fmt: skip
def test_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
