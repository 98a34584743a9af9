"""The first move of square norms against nets written out: symbolic means at width 1, samples, and a real step."""

import numpy as np
import pytest
import sympy as sp

from theory.training import first_move


def products(width: int, layers: int, draws: int) -> list[np.ndarray]:
    """Inner products of the gradients of half the square norms at each depth and at the top, for He's weights."""
    rng = np.random.default_rng(width)
    weights = rng.standard_normal((layers, draws, width, width)) * np.sqrt(2 / width)
    states, masks = [np.eye(width)[None, 0].repeat(draws, axis=0)], []
    for weight in weights:
        before = np.einsum("dij,dj->di", weight, states[-1])
        masks.append(before > 0)
        states.append(np.maximum(before, 0))

    def gradients(depth: int) -> list[np.ndarray]:
        found: list[np.ndarray] = []
        back = states[depth]
        for layer in reversed(range(depth)):
            back = masks[layer] * back
            found.insert(0, np.einsum("di,dj->dij", back, states[layer]))
            back = np.einsum("dij,di->dj", weights[layer], back)
        return found

    top = gradients(layers)
    return [
        np.sum([(one * other).sum((1, 2)) for one, other in zip(gradients(depth), top, strict=False)], axis=0)
        for depth in range(1, layers + 1)
    ]


def test_width_one_by_hand() -> None:
    """Active with probability 1/2 a layer, weights w of variance 2: the gradient in w_k is that of a product."""
    moment = {2: 2, 4: 12, 6: 120, 8: 1680}  # of N(0, 2)
    half = sp.Rational(1, 2)
    assert first_move.plain_move(1, 1, 1, 1) == half * moment[2] == 1
    both = half**2 * (moment[4] * moment[2] + moment[2] * moment[4])
    assert first_move.plain_move(2, 2, 1, 1) == both
    assert first_move.plain_move(1, 2, 1, 1) == half**2 * moment[2] * moment[2]
    assert first_move.plain_move_second_moment(1, 1, 1) == half * moment[4]
    assert first_move.plain_move_second_moment(2, 2, 1) >= half**2 * 4 * moment[6] * moment[6] / 2


@pytest.mark.parametrize(("width", "layers"), [(3, 2), (5, 3)])
def test_means_and_second_moments_of_samples(width: int, layers: int) -> None:
    for depth, sample in enumerate(products(width, layers, 40_000), 1):
        error = sample.std() / 200
        assert sample.mean() == pytest.approx(float(first_move.plain_move(depth, layers, width, 1)), abs=6 * error)
        assert np.square(sample).mean() < 1.5 * float(first_move.plain_move_second_moment(depth, layers, width))


def test_a_real_step_of_a_net_of_one_layer() -> None:
    """x_1 = relu(W x), the readout +-s sqrt n e_j, all of them: means of finite differences."""
    rng = np.random.default_rng(0)
    w, x, target, s, rate = rng.standard_normal((4, 3)), np.array([0.6, 0.0, 0.8]), 0.7, 0.5, 1e-7
    state, moved = np.maximum(w @ x, 0), []
    for sign in (1, -1):
        for axis in np.eye(4):
            v = sign * s * 2 * axis
            after = np.maximum((w - rate * (v @ state - target) * np.outer(v * (w @ x > 0), x)) @ x, 0)
            moved.append((after @ after - state @ state) / rate)
    assert np.mean(moved) == pytest.approx(-2 * s**2 * (state @ state), rel=1e-5)


def test_another_variance_is_a_power_of_the_growth() -> None:
    assert first_move.plain_move(2, 3, 4, sp.Rational(1, 2)) == first_move.plain_move(2, 3, 4, 1) / 16


@pytest.mark.parametrize("depth", [1, 2, 5])
def test_wide_layers(depth: int) -> None:
    wide = first_move.wide().at(l=depth)
    assert wide == sp.Rational(depth * (depth + 1), 2)
    assert float(first_move.plain_move(depth, depth, 10**7, 1)) == pytest.approx(float(wide), rel=1e-5)


def test_under_fixup_the_top_moves_alike_at_every_depth() -> None:
    assert {first_move.fixup_move(blocks, blocks, 4, 6) for blocks in (1, 10, 1000)} == {sp.Rational(3, 2)}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [((0, 1, 1, 1), "depth"), ((1, 0, 1, 1), "layers"), ((1, 1, 1.5, 1), "width"), ((1, 1, 1, 0), "growth")],
)
def test_refuses(arguments: tuple[float, float, float, float], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        first_move.plain_move(*arguments)


def test_refuses_sizes_of_fixup_and_of_the_bound() -> None:
    with pytest.raises(ValueError, match="blocks"):
        first_move.fixup_move(1, 0, 1, 1)
    with pytest.raises(ValueError, match="width"):
        first_move.plain_move_second_moment(1, 1, 0)
