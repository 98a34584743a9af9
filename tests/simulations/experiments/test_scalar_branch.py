"""The scalar-branch chain: exact differences, zeros, and SGD steps."""

import math

import numpy as np
import pytest

from simulations import stream
from simulations.experiments.scalar_branch import (
    branch,
    branch_step,
    cotangents,
    forward,
    gradient,
    products_of_others,
    states,
    step,
)
from simulations.layers.losses import EPS
from simulations.numbers.arrays import Array


def chain(m: int, branches: int = 4) -> Array:
    return stream(0, "chain", m).uniform(-1.5, 1.5, (3, branches, m))


@pytest.mark.parametrize("m", [1, 2, 3, 4])
def test_gradient_equals_differences(m: int) -> None:
    """f is affine in each entry, so (f(a + e) - f(a - e)) / 2 is the derivative up to rounding at any step."""
    a = chain(m)
    found = gradient(a, 1.7)
    bound = 1.7 * np.prod(1 + np.prod(abs(a) + 1, axis=-1), axis=-1)
    for index in np.ndindex(*a.shape[1:]):
        e = np.zeros(a.shape[1:])
        e[index] = 1.0
        expected = (forward(a + e, 1.7) - forward(a - e, 1.7)) / 2
        assert (abs(found[:, *index] - expected) <= 4 * a[0].size * EPS * bound).all()


def test_forward_and_branches_by_hand() -> None:
    a = np.array([[2.0, 3.0], [-1.0, 0.5]])
    assert forward(a, 10.0) == 7 * 0.5 * 10
    np.testing.assert_array_equal(branch(a, 10.0), [60, -5])


@pytest.mark.parametrize("m", [1, 2, 3])
def test_gradient_where_entries_or_factors_are_zero(m: int) -> None:
    """With all branches at 0 the gradient is 0 for m > 1 and x for m = 1; an entry of 0 leaves the others' product."""
    np.testing.assert_array_equal(gradient(np.zeros((5, m)), 3.0), 3.0 if m == 1 else 0.0)
    a = np.full((2, m), 0.5)
    a[0, 0] = 0.0
    rest = 0.5 ** (m - 1)
    expected = np.zeros(m)
    expected[0] = 3.0 * rest * (1 + 0.5**m)
    np.testing.assert_array_equal(gradient(a, 3.0)[0], expected)
    # A factor 1 + prod a = 0 stops every other branch's gradient, not its own.
    a = np.full((2, m), 0.5)
    a[0] = [-1.0] + [1.0] * (m - 1)
    found = gradient(a, 3.0)
    assert forward(a, 3.0) == 0
    assert not found[1].any()
    assert found[0].all()


def test_products_of_others() -> None:
    np.testing.assert_array_equal(products_of_others(np.array([2.0, 3.0, 5.0])), [15, 10, 6])
    np.testing.assert_array_equal(products_of_others(np.array([0.0, 3.0, 5.0])), [15, 0, 0])
    np.testing.assert_array_equal(products_of_others(np.array([0.0, 3.0, 0.0])), [0, 0, 0])
    np.testing.assert_array_equal(products_of_others(np.array([4.0])), [1])


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_step_lowers_the_loss_by_the_rate_times_the_squared_gradient(m: int) -> None:
    """Loss (f - t)^2 / 2: its decrease over the rate tends to |dl/da|^2, with an error proportional to the rate."""
    a, target = chain(m), 20.0
    slope = forward(a, 1.0) - target
    squared = slope**2 * np.square(gradient(a, 1.0)).sum(axis=(1, 2))
    errors = []
    for rate in (1e-6, 5e-7):
        moved = np.stack([step(one, 1.0, float(s), rate) for one, s in zip(a, slope, strict=True)])
        decrease = (slope**2 - (forward(moved, 1.0) - target) ** 2) / 2
        assert (decrease > 0).all()
        errors.append(abs(decrease / rate - squared) / squared)
    assert (errors[0] < 0.01).all()
    np.testing.assert_allclose(errors[0] / errors[1], 2, rtol=0.02)


def test_branch_step_moves_each_branch_by_its_own_gradient() -> None:
    """Alone, a branch F = prod a x has dF/da_i = x times the product of the others."""
    a = chain(3)
    np.testing.assert_array_equal(branch_step(a, 2.0, 0.5, 0.1), a - 0.1 * 0.5 * 2.0 * products_of_others(a))
    before, after = branch(a, 2.0), branch(branch_step(a, 2.0, 1.0, 1e-7), 2.0)
    squared = 4 * np.square(products_of_others(a)).sum(axis=-1)
    np.testing.assert_allclose((before - after) / 1e-7, squared, rtol=1e-4)


@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 0)])
def test_shapes_that_are_refused(shape: tuple[int, ...]) -> None:
    for call in (forward, gradient, branch):
        with pytest.raises(ValueError, match="must have shape"):
            call(np.zeros(shape), 1.0)
    assert math.prod(shape) <= 3


def test_states_and_cotangents_meet_at_every_depth() -> None:
    a = stream(0, "depths").uniform(-1, 1, (5, 7, 3))
    ahead, back = states(a, 0.7), cotangents(a)
    assert ahead.shape == back.shape == (5, 8)
    np.testing.assert_allclose(ahead[:, 0], 0.7)
    # f is linear in the state at every depth: 8 products of 8 factors, each rounded.
    np.testing.assert_allclose(ahead * back, np.repeat(forward(a, 0.7)[:, None], 8, axis=1), rtol=100 * EPS)
