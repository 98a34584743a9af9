"""Undrawn weights against drawn ones: the same law of whole histories of questions, each made from answers before."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from evidence import draws_for_same_law, same_law
from simulations import mlp, stream
from simulations.numbers.arrays import Array
from simulations.numbers.normals import fill_normal
from simulations.weights.kinds import Outer
from simulations.weights.undrawn import Undrawn, undrawn
from tests.simulations.numbers.test_orthonormal import TYPES

pytestmark = pytest.mark.slow

ALPHA = 1e-6
"""How often a test fails though the laws are the same."""
ERROR = 0.1
"""A distance between cdfs that same_law sees with probability 0.999."""
DRAWS = draws_for_same_law(100, error=ERROR, alpha=ALPHA)


def alternately(weights: Array, x: Array) -> dict[str, Array]:
    """Each question is made from the last answer, on both sides by turns; the first is asked again."""
    found: dict[str, Array] = {}
    state = x
    for turn in range(3):
        y = state @ weights
        state = np.maximum(y, 0) @ weights.mT
        found |= {f"y{turn}": y, f"x{turn}": state}
    found["again"] = (x[:, :1] + state[:, -1:]) @ weights
    return _statistics(found)


def power_iteration(weights: Array, x: Array) -> dict[str, Array]:
    """The largest singular value, and how fast it comes."""
    state = x[:, :1]
    found = {}
    for turn in range(6):
        y = state @ weights
        state = y @ weights.mT
        length = np.sqrt(np.vecdot(state, state))[:, :, None]
        state = state / np.where(length > 0, length, 1)
        found[f"length {turn}"] = length
    return _statistics(found)


def descent(weights: Array, x: Array) -> dict[str, Array]:
    """Three steps of gradient descent on a loss that is not linear in what it sees."""
    found: dict[str, Array] = {}
    for turn in range(3):
        y = x @ weights
        dy = np.maximum(y, 0) - y.dtype.type(0.5)
        norm = Outer(x, dy).square_norm[:, None, None]
        found |= {f"y{turn}": y, f"gradient {turn}": norm, f"dx{turn}": dy @ weights.mT}
        if isinstance(weights, Undrawn):
            weights = weights.plus(x, dy, -0.3)
        else:
            weights = weights - weights.dtype.type(0.3) * x.mT @ dy
    return _statistics(found)


def _statistics(found: dict[str, Array]) -> dict[str, Array]:
    """Norms, first and last entries, inner products of first and last rows; with the one before, products."""
    values: dict[str, Array] = {}
    for name, answer in found.items():
        rows = answer.astype(float)
        values[f"|{name}|"] = np.sqrt((rows**2).sum(axis=(1, 2)))
        values[f"{name} first"], values[f"{name} last"] = rows[:, 0, 0], rows[:, -1, -1]
        values[f"{name} rows"] = (rows[:, 0] * rows[:, -1]).sum(axis=1)
    names = list(values)
    values |= {f"{one} * {other}": values[one] * values[other] for one, other in zip(names, names[4:], strict=False)}
    return {name: np.round(value, 4) for name, value in values.items()}  # equal rows are so to rounding only


def _degenerate(draws: int, fan_in: int, batch: int) -> Array:
    """Rows that are zero (in odd draws), equal, dependent, nearly dependent and of other sizes."""
    x = np.empty((draws, batch, fan_in))
    x[:] = stream(3, "degenerate", fan_in, batch).standard_normal((batch, fan_in))
    x[1::2, 0] = 0
    if batch > 4:
        x[:, 1], x[:, 3] = x[:, 2], x[:, 2] + 1e-9 * x[:, 4]
    if batch > 5:
        x[:, 5] = x[:, 2] - 0.1 * x[:, 4]
    return x


CASES = [
    (alternately, 4, 3, 1),
    (alternately, 5, 3, 2),
    (alternately, 6, 7, 6),
    (alternately, 3, 4, 7),
    (alternately, 1, 1, 2),
    (power_iteration, 5, 4, 1),
    (power_iteration, 2, 6, 1),
    (descent, 6, 3, 2),
    (descent, 4, 4, 6),
    (descent, 1, 2, 1),
]


@pytest.mark.parametrize(("rule", "fan_in", "fan_out", "batch"), CASES)
@pytest.mark.parametrize("dtype", TYPES)
def test_histories_have_the_law_of_drawn_weights(
    rule: Callable[[Array, Array], dict[str, Array]], fan_in: int, fan_out: int, batch: int, dtype: type
) -> None:
    name, deviation = rule.__name__, 0.8 / fan_in**0.5
    x: Array = _degenerate(DRAWS, fan_in, batch).astype(dtype)
    rng = stream(4, name, fan_in, fan_out, batch, np.dtype(dtype).name)
    drawn = rule((deviation * rng.standard_normal((DRAWS, fan_in, fan_out))).astype(dtype), x)
    answered = rule(Undrawn(rng, DRAWS, fan_in, fan_out, deviation, dtype), x)  # type: ignore[arg-type]
    finding = same_law(drawn, answered, error=ERROR, alpha=ALPHA)
    assert finding.verdict == "held", finding


@pytest.mark.parametrize(("rule", "fan_in", "fan_out", "batch"), [case for case in CASES if case[0] is not descent])
def test_the_matrix_that_explains_a_history_is_gaussian(
    rule: Callable[[Array, Array], dict[str, Array]], fan_in: int, fan_out: int, batch: int
) -> None:
    """Any combination of its entries is normal of the right size, and their squares sum to a chi-squared variable."""
    rng = stream(5, rule.__name__, fan_in, fan_out, batch)
    weights = Undrawn(rng, DRAWS, fan_in, fan_out, 0.3)
    rule(weights, _degenerate(DRAWS, fan_in, batch))  # type: ignore[arg-type]
    entries = (np.broadcast_to(np.eye(fan_in), (DRAWS, fan_in, fan_in)) @ weights).reshape(DRAWS, -1) / 0.3
    size = fan_in * fan_out
    directions = np.concatenate([np.eye(size), np.ones((1, size)), rng.standard_normal((20, size))])
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    values = [stats.kstest(entries @ direction, "norm").pvalue for direction in directions]
    values.append(stats.kstest((entries**2).sum(axis=1), "chi2", (size,)).pvalue)
    assert min(values) > ALPHA / len(values)


def test_covariance_of_answers() -> None:
    """Of x W: s^2 x x^T between rows, none between columns; each mean of products against its exact deviation."""
    x = np.array([[1.0, 2, 0, -1], [0.5, 0, 1, 1], [1.5, 2, 1, 0]])  # the last is the sum of the others
    draws = 40_000
    y = np.broadcast_to(x, (draws, 3, 4)) @ Undrawn(stream(6, "covariance"), draws, 4, 2, 0.5)
    flat = y.reshape(draws, -1)
    expected = np.kron(0.25 * x @ x.T, np.eye(2))
    deviation = np.sqrt((expected**2 + np.outer(np.diagonal(expected), np.diagonal(expected))) / draws)
    assert (np.abs(flat.T @ flat / draws - expected) <= stats.norm.isf(ALPHA / 2 / 21) * deviation).all()


def test_a_million_wide() -> None:
    width, depth = 1_000_000, 3
    network = mlp([width] * (depth + 1))
    x: Array = fill_normal(stream(7, "wide"), np.empty((1, 1, width), np.dtype("f4")))
    tracemalloc.start()
    try:
        run = network.run(network.draw(stream(8, "wide"), 1, undrawn(np.float32)), x)
        dx = run.backward(run.output)[0]
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 12 * 4 * width * depth  # a dozen vectors a layer; one matrix is 4 TB
    # <x, dx> = <y, y> for ReLU; |y|^2 = |x|^2 to within the fluctuation sqrt(5 depth / n)
    assert float((x * dx).sum(dtype=float)) == pytest.approx(float((run.output**2).sum(dtype=float)), rel=1e-4)
    growth = float((run.output**2).sum(dtype=float) / (x**2).sum(dtype=float))
    assert abs(growth - 1) < stats.norm.isf(ALPHA / 2) * (5 * depth / width) ** 0.5
