"""Undrawn weights: one matrix explains all answers, to rounding, and that matrix is Gaussian.

The two together are exactness in law for any rule of asking. A rule makes each question from the answers before; if the
answers are x @ W for one W with the law of drawn weights, the whole history is the same function of W as for a drawn W.
"""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from simulations import he, stream, uniform
from simulations.numbers.arrays import Array
from simulations.numbers.orthonormal import NOISE, cholesky, unit_rows
from simulations.strategies import inputs, seeds
from simulations.weights.kinds import Outer
from simulations.weights.undrawn import Undrawn, undrawn
from tests.simulations.numbers.test_orthonormal import TYPES, staircase, within_range

ALPHA = 1e-6
"""How often a stochastic test fails though the laws are the same."""
DRAWS = 6000
FAN_IN, FAN_OUT = 5, 4


class Asked:
    """Undrawn weights that keep each question and answer, to be explained by one matrix in the end."""

    def __init__(self, weights: Undrawn) -> None:
        self.weights = weights
        self.history: list[tuple[Array, Array, bool, int]] = []
        self.steps: list[Array] = []
        self.sizes = np.zeros(weights.shape[0], np.longdouble)
        self.amplified = np.ones(weights.shape[0])
        self.seen: set[bool] = set()

    def ask(self, x: Array, *, forward: bool = True) -> Array:
        if forward not in self.seen and cholesky(x) is not None:  # what rounding errors may be multiplied by
            rows = unit_rows(x).astype(float)
            distances = np.linalg.eigvalsh(rows @ rows.mT)[:, 0] if x.shape[1] > 1 else np.ones(len(x))
            self.amplified = np.maximum(self.amplified, 1 / distances)
        self.seen.add(forward)
        answer: Array = x @ self.weights if forward else x @ self.weights.mT
        self.history.append((x.copy(), answer.copy(), forward, len(self.steps)))
        return answer

    def add(self, x: Array, dy: Array, factor: float) -> None:
        self.weights = self.weights.plus(x, dy, factor)
        self.seen = {True, False}
        step = self.weights.dtype.type(factor) * x.astype(np.longdouble).mT @ dy.astype(np.longdouble)
        self.steps.append(step)

    def explained(self) -> float:
        """Return the largest error of an answer, as a part of what rounding may do.

        An answer is found from at most six products with sums of fan or rows terms, each off by eps a term, and from
        rows that may be NOISE eps from the span of those kept; relative to the length of the question times the norm of
        all that was ever added to the matrix.
        """
        draws, fan_in, fan_out = self.weights.shape
        entries = self.ask(np.broadcast_to(np.eye(fan_in), (draws, fan_in, fan_in)).astype(self.weights.dtype))
        assert np.isfinite(entries).all()
        size = sum((_norm(step) for step in self.steps), _norm(entries))
        rows = sum(x.shape[1] for x, *_ in self.history) + sum(2 for _ in self.steps)
        unit = np.finfo(self.weights.dtype).eps * (6 * (max(fan_in, fan_out) + rows) + NOISE) * self.amplified
        worst = 0.0
        for x, answer, forward, when in self.history:
            matrix = entries.astype(np.longdouble) - sum(self.steps[when:], np.longdouble(0))
            error = _lengths(answer - x.astype(np.longdouble) @ (matrix if forward else matrix.mT))
            allowed = _lengths(x) * (unit * size)[:, None] + np.finfo(self.weights.dtype).tiny
            worst = max(worst, float((error / allowed).max(initial=0)))
        return worst


def _norm(matrix: Array) -> Array:
    found: Array = np.sqrt((matrix.astype(np.longdouble) ** 2).sum(axis=(1, 2)))
    return found


def _lengths(x: Array) -> Array:
    found: Array = np.sqrt((x.astype(np.longdouble) ** 2).sum(axis=2))
    return found


def asked(name: str, draws: int = 2, fan_in: int = FAN_IN, fan_out: int = FAN_OUT, dtype: type = np.float64) -> Asked:
    return Asked(Undrawn(stream(0, "undrawn", name), draws, fan_in, fan_out, 1 / fan_in**0.5, dtype))


@pytest.mark.slow
@pytest.mark.parametrize("dtype", TYPES)
@settings(max_examples=150)
@given(st.data(), seeds(), st.integers(1, 6), st.integers(1, 6))
def test_one_matrix_explains_the_answers_to_any_questions(
    dtype: type, data: st.DataObject, seed: int, fan_in: int, fan_out: int
) -> None:
    """Hence linearity, adjointness, and the same answer to the same question, however asked."""
    rng = stream(seed, "any")
    one = Asked(Undrawn(rng, 2, fan_in, fan_out, data.draw(st.sampled_from([1.0, 0.3, 1e-8])), dtype))
    for _ in range(data.draw(st.integers(1, 6))):
        forward = data.draw(st.booleans())
        before: list[Array] = [x for x, _, way, _ in one.history if way == forward]
        if len(before) > 0 and data.draw(st.booleans()):  # asked before, up to a combination or a little noise
            x = before[data.draw(st.integers(0, len(before) - 1))]
            x = unit_rows(x) if data.draw(st.booleans()) else x
            noise = dtype(data.draw(st.sampled_from([0, 1e-15, 1e-9, 1e-4])))
            x = x[:, ::-1] * (1 + noise * rng.standard_normal(x.shape).astype(dtype))
        else:
            rows = within_range(data.draw(inputs(features=fan_in if forward else fan_out)), dtype)
            x = np.stack([rows, rows * data.draw(st.sampled_from([1, 0]))])
            x[1, 0] *= data.draw(st.sampled_from([0, 1]))  # dead in one draw only
        one.ask(x, forward=forward)
        if data.draw(st.booleans()):
            count = data.draw(st.integers(1, 3))
            step: Array
            dy: Array
            step, dy = (rng.standard_normal((2, count, fan)).astype(dtype) for fan in (fan_in, fan_out))
            step[:, 0] *= data.draw(st.sampled_from([0, 1]))
            one.add(step, dy, data.draw(st.sampled_from([-0.1, 3.0, 1e-3])))
    assert one.explained() <= 1


STEPS = [1, 0.8, 0.3, 0.1, 1e-2, 1e-3, 1e-4, 1e-6, 1e-9, 1e-12, 1e-14, 3e-15, 1e-15]


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("kind", ["near", "staircase"])
def test_nearly_dependent_rows(dtype: type, step: float, kind: str) -> None:
    rng, draws = stream(0, "near", kind, str(step)), 50
    turn = np.linalg.qr(rng.standard_normal((draws, 7, 7)))[0]
    rows = staircase(step, np.float64) @ turn
    if kind == "near":
        rows = rows[:, :1] + step * rng.standard_normal(rows.shape)
    x, dy = rows.astype(dtype), rows[:, ::-1].astype(dtype)
    one = asked(f"{kind} {step}", draws, 7, 7, dtype)
    one.ask(x)
    one.ask(dy, forward=False)
    one.ask(x[:, 1:] - x[:, :-1])
    one.ask(x)
    one.ask(dy, forward=False)
    one.add(x, dy, 0.1)
    one.ask(x)
    one.ask(dy[:, 1:] - dy[:, :-1], forward=False)
    assert one.explained() <= 1


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("far", [64, 1000, 1e6])
def test_inputs_that_hardly_differ_have_answers_that_do(dtype: type, far: float) -> None:
    """Of (x' - x) W over its length, from answers to x and x' asked at once: rounding is 1/64 of it at most."""
    rng, step = stream(1, "hardly"), dtype(far * np.finfo(dtype).eps)
    x: Array = np.zeros((DRAWS, 2, 8), dtype)
    x[:, :, 0] = 1
    x[:, 1, 1] = step
    y = x @ Undrawn(rng, DRAWS, 8, 3, 1.0, dtype)
    assert stats.kstest(((y[:, 1] - y[:, 0]) / step).ravel().astype(float), "norm").pvalue > ALPHA


SIZES: list[tuple[type, float]] = [(np.float64, 10.0**power) for power in (-300, -170, -140, 0, 150, 154, 200, 300)]
SIZES += [(np.float32, 10.0**power) for power in (-36, -20, -12, 0, 18, 19, 30, 36)]


@pytest.mark.parametrize(("dtype", "size"), SIZES)
@pytest.mark.parametrize("batch", [1, 3])
def test_huge_and_tiny_rows_in_one_batch_and_on_both_sides(dtype: type, size: float, batch: int) -> None:
    rng, draws = stream(2, "huge"), 30
    x: Array
    dy: Array
    x, dy = (rng.standard_normal((draws, batch, fan)).astype(dtype) for fan in (FAN_IN, FAN_OUT))
    for rows in (x * dtype(size), dy * dtype(size)):
        for first in (True, False):
            one = asked("huge", draws, dtype=dtype)
            forward = rows.shape[2] == FAN_IN
            questions = [(rows, forward), (dy if forward else x, not forward)]
            mixed = rows.copy()
            mixed[:, -1] /= dtype(size)  # rows of very different size
            for question, way in [*questions[:: 1 if first else -1], (mixed, forward), (rows, forward)]:
                one.ask(question, forward=way)
            assert one.explained() <= 1
    one = asked("huge", draws, dtype=dtype)
    if 1e-150 < size < 1e150:  # else <y, dy> leaves the range
        one.ask(x * dtype(size))
        one.ask(dy * dtype(size), forward=False)
        assert one.explained() <= 1


@pytest.mark.parametrize("shape", [(2, 3), (1, 3, 5), (2, 3, 4), (3, 3, 5)])
def test_wrong_shapes_are_refused(shape: tuple[int, ...]) -> None:
    weights = asked("refused").weights
    with pytest.raises(ValueError, match=r"got|expected float64 of \(draws 2, batch, features 5\)"):
        np.ones(shape) @ weights
    with pytest.raises(ValueError, match=r"expected float64 of \(draws 2, batch, features 4\)"):
        np.ones((2, 3, 5)) @ weights.mT
    with pytest.raises(ValueError, match=r"float32 of shape \(2, 3, 5\); expected float64"):
        np.ones((2, 3, 5)).astype("f4") @ weights


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("batch", [1, 3])
def test_what_is_not_finite_is_refused_and_leaves_no_trace(value: float, batch: int) -> None:
    one = asked("not finite")
    x, dy = np.ones((2, batch, FAN_IN)), np.ones((2, batch, FAN_OUT))
    broken = x.copy()
    broken[1, 0, 2] = value
    for _ in range(2):
        with pytest.raises(ValueError, match="NaN or infinite; expected finite"):
            one.ask(broken)
        with pytest.raises(ValueError, match="NaN or infinite"):
            one.add(broken, dy, 1)
        with pytest.raises(ValueError, match=r"a finite factor, got .* factor (nan|inf)"):
            one.add(x, dy, value)
        one.ask(x)
    with pytest.raises(ValueError, match=r"as many rows of x as of dy .* got 4 and 2 rows"):
        one.add(np.ones((2, 4, FAN_IN)), np.ones((2, 2, FAN_OUT)), 1)
    assert one.explained() <= 1


@pytest.mark.parametrize(
    ("sizes", "deviation", "dtype"),
    [
        ((0, 3, 4), 1, float),
        ((2, 0, 4), 1, float),
        ((2, 3, -1), 1, float),
        ((2, 3, 4), np.nan, float),
        ((2, 3, 4), np.inf, float),
        ((2, 3, 4), -1, float),
        ((2, 3, 4), 1, np.float16),
        ((2, 3, 4), 1, int),
    ],
)
def test_impossible_weights_are_refused(sizes: tuple[int, int, int], deviation: float, dtype: type) -> None:
    with pytest.raises(ValueError, match=r"expected at least one draw, fans of at least 1, .* got \(draws"):
        Undrawn(stream(0, "impossible"), *sizes, deviation, dtype)


def test_other_laws_are_refused() -> None:
    with pytest.raises(ValueError, match="'uniform' cannot stay undrawn, only Gaussian ones can; draw them"):
        undrawn()(he.with_law(uniform), stream(0, "law"), 2, 3, 4)


def test_zero_weights_answer_zero() -> None:
    one = Asked(Undrawn(stream(9, "zero"), 2, FAN_IN, FAN_OUT, 0.0))
    assert not one.ask(np.ones((2, 3, FAN_IN))).any()
    assert not one.ask(np.ones((2, 1, FAN_OUT)), forward=False).any()
    one.add(np.ones((2, 1, FAN_IN)), np.ones((2, 1, FAN_OUT)), 2)
    assert one.ask(np.ones((2, 1, FAN_IN))) == pytest.approx(2 * FAN_IN)


def test_the_same_question_costs_no_memory() -> None:
    weights = Undrawn(stream(10, "memory"), 3, 300, 200, 0.1)
    x = stream(11, "memory").standard_normal((3, 16, 300))
    for _ in range(20):
        x @ weights
        x[:, ::-1] * 3 @ weights
    assert weights._left.basis.shape[1] == 16


def test_outer_products_that_cancel_have_no_negative_norm() -> None:
    rng = stream(12, "outer")
    x, dy = (np.repeat(rng.standard_normal((500, 1, 30)), 2, axis=1) for _ in range(2))
    gradient = Outer(x * [[3], [1]], dy * [[1 / 3], [-1]])
    assert (gradient.square_norm >= 0).all()
    assert gradient.square_norm.max() <= 60 * np.finfo(float).eps * (np.vecdot(x, x) * np.vecdot(dy, dy)).max()
    other = Outer(x, dy * [[1], [2]])
    assert other.square_norm == pytest.approx((other.array**2).sum(axis=(1, 2)))
