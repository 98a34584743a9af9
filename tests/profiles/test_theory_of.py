"""Which closed form each network gets, and why others get none."""

import math

import numpy as np
import pytest

from profiles import steps_of
from profiles.step import Step
from simulations import Dense, LeakyReLU, Network, Residual, Sequential, Tanh, glorot, he, lecun, mlp, uniform
from simulations.layers.dense import Layer
from simulations.layers.normalisation import LayerNorm
from simulations.numbers.arrays import Array
from simulations.weights.initialisers import Initialiser, truncated_gaussian
from tests.profiles.networks import CASES, case


def factor(step: Step, at: float = 0.0) -> float:
    """The factor on the squared norm, of an input of squared norm 2**at."""
    assert step.forward is not None
    return float(np.exp2(step.forward(np.array([at]))[0] - at))


FACTORS = {
    "plain": 1.0,
    "linear": 1.0,
    "leaky": 1.01,
    "residual": 2.0,
    "deep branch": 1 + 2,
    "sqrt_half": 1.0,
    "shao": 1.0,
    "skipinit": 1.0,
    "scalar": 2.0,
    "scalar signs": 1 + 2**3,
    "fixup": 1.0,
}
"""By hand: of the last block (or of the first layer, of equal width)."""


@pytest.mark.parametrize("name", FACTORS)
def test_a_block_multiplies_the_mean_square_by(name: str) -> None:
    network, _ = case(name)
    step = steps_of(network, nonnegative=True)[-1]
    assert step.reading == "exact"
    assert factor(step) == pytest.approx(FACTORS[name], rel=1e-12)
    if step.backward is not None:
        assert step.backward == pytest.approx(FACTORS[name], rel=1e-12)


def test_biases_add_their_variance() -> None:
    """Glorot at equal widths is 1/n: half of ||x||^2 + n b^2."""
    network, _ = case("biased")
    assert factor(steps_of(network)[1], at=3.0) == pytest.approx((8 + 4 * 0.25) / 2 / 8)


def test_a_smooth_layer_is_a_quadrature() -> None:
    """E tanh(z)^2 at variance 1 is 0.394294."""
    network, _ = case("tanh")
    assert factor(steps_of(network)[0], at=2.0) == pytest.approx(0.394294, abs=1e-6)


def test_a_truncated_law_has_less_variance_than_it_is_scaled_by() -> None:
    network = mlp([8, 8], init=he.with_law(truncated_gaussian))
    assert factor(steps_of(network)[0]) == pytest.approx(0.7737, abs=1e-4)


def test_behind_a_wide_relu_the_limit_of_post_addition_has_bounds() -> None:
    network, _ = case("fixup without rules")
    first, *later = steps_of(network)[1:]
    assert first.reading == "wide limit"
    assert first.bounds == pytest.approx((2.0, 3.0))
    assert factor(first) == pytest.approx(2 + 1 / math.pi)
    assert factor(later[-1]) == pytest.approx(2.3989, abs=1e-3)


@pytest.mark.parametrize("name", CASES)
def test_theory_is_silent_where_it_says_so(name: str) -> None:
    network, _ = case(name)
    for step in steps_of(network, nonnegative=True):
        assert (step.forward is None) == (step.reading == "none") == step.theory.startswith("no closed form")


def laplace(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.laplace(size=shape)


class Other(Initialiser):
    """An initialiser of another kind."""


RELU, INNER = LeakyReLU(), (Dense("a", 4, 4, he), LeakyReLU(), Dense("b", 4, 4, lecun))
SILENT: dict[str, Layer] = {
    "theory has no moments of": Sequential((Dense("a", 4, 4), LayerNorm("n", 4, 1e-5))),
    "entries that are not independent": Dense("a", 4, 4, Other(he.variance)),
    "spread of the law 'laplace'": Dense("a", 4, 4, he.with_law(laplace)),
    "the shortcut is not the identity": Residual(Sequential(INNER), Dense("c", 4, 4)),
    "begin and end in a dense layer": Residual(Sequential((RELU, Dense("a", 4, 4)))),
    "Gaussian weights only": Residual(Sequential((Dense("a", 4, 4, he.with_law(uniform)), RELU, Dense("b", 4, 4)))),
    "one smooth activation only": Residual(Sequential((*INNER[:1], Tanh(), *INNER, RELU, Dense("d", 4, 4)))),
    "no block of these layers": Sequential((Residual(Sequential(INNER)), Tanh())),
}


@pytest.mark.parametrize("reason", SILENT)
def test_no_closed_form_comes_with_its_reason(reason: str) -> None:
    (step,) = steps_of(Network((SILENT[reason],)))
    assert step.theory.startswith("no closed form")
    assert reason in step.theory


def test_gradients_below_a_relu_after_an_addition_have_no_closed_form() -> None:
    """The cotangent there depends on which units of the stream are positive, as do the masks further down."""
    network, _ = case("fixup without rules")
    assert [step.backward for step in steps_of(network, nonnegative=True)] == [None] * len(network.layers)


def test_identities_pass_gradients_on_below_the_first_relu_that_masks_them() -> None:
    network, _ = case("fixup")
    assert [step.backward for step in steps_of(network, nonnegative=True)[1:]] == [1.0, 1.0, 1.0, None]


def test_a_relu_after_an_addition_needs_a_state_without_negative_entries() -> None:
    network, _ = case("fixup")
    assert steps_of(Network(network.layers[1:]), nonnegative=False)[0].reading == "none"
    assert steps_of(Network(network.layers[1:]), nonnegative=True)[0].reading == "exact"


def test_glorot_takes_both_fans() -> None:
    network = mlp([4, 12], init=glorot)
    assert factor(steps_of(network)[0]) == pytest.approx(12 * (2 / 16) / 2)
    assert steps_of(network)[0].backward == pytest.approx(4 * (2 / 16) / 2)
