"""The LSTM cell by hand and its pullback against finite differences."""

from __future__ import annotations

import math

import numpy as np

from simulations import lecun, stream
from simulations.layers.lstm import Cell, draw_cell

STEP = 1e-6


def test_pullback_equals_central_differences() -> None:
    """One copy of the cell a direction, so that all are run together."""
    rng = stream(0, "lstm")
    for forgets in (True, False):
        cell = draw_cell(rng, 1, 3, 4, init=lecun, bias_deviation=1.0, forgets=forgets)
        x = np.repeat(rng.standard_normal((5, 1, 1, 3)), 4, axis=2)
        states = np.repeat(rng.standard_normal((2, 1, 1, 4)), 4, axis=2)
        run = cell.run(x, *states)
        jacobians = run.pullback(np.eye(4)[None])
        assert abs(jacobians[1]).max() > 1e-3, "the gate paths should be seen"
        directions = STEP * np.eye(4)[None]
        for which, jacobian in enumerate(jacobians):
            sides = []
            for sign in (1, -1):
                moved = list(states)
                moved[which] = states[which] + sign * directions
                sides.append(cell.run(x, *moved).cells[-1])
            np.testing.assert_allclose((sides[0] - sides[1]) / (2 * STEP), jacobian.swapaxes(1, 2), atol=1e-8)
        assert (cell.run(x, *states, held=run.outputs).cells == run.cells).all()
        held = cell.run(x, states[0] + directions, states[1], held=run.outputs)
        change = (held.cells[-1] - run.cells[-1]) / STEP
        np.testing.assert_allclose(change, run.pullback(np.eye(4)[None], gate_paths=False)[0], atol=1e-8)


def test_a_step_by_hand() -> None:
    """One unit whose gates see only their biases."""
    cell = Cell(np.zeros((1, 1, 4)), np.zeros((1, 1, 4)), np.log([[[1.0, 3.0, 2.0, 1.0]]]))
    run = cell.run(np.ones((1, 1, 1, 1)), np.full((1, 1, 1), 2.0), np.zeros((1, 1, 1)))
    assert [float(gate[0, 0, 0, 0]) for gate in run.gates] == [0.5, 0.75, math.tanh(math.log(2)), 0.5]
    assert math.isclose(run.cells[-1].item(), 0.75 * 2 + 0.5 * 0.6)
    assert math.isclose(run.outputs[-1].item(), 0.5 * math.tanh(1.8))


def test_forget_bias_replaces_the_gate_s_weights_only() -> None:
    cell = draw_cell(stream(0), 2, 3, 4, init=lecun, bias_deviation=1.0, forget_bias=5.0)
    for weights in (cell.input_weights, cell.hidden_weights):
        assert not weights[..., 4:8].any()
        assert (np.delete(weights, np.s_[4:8], axis=-1) != 0).all()
    assert (cell.bias[..., 4:8] == 5).all()
    assert (np.delete(cell.bias, np.s_[4:8], axis=-1) != 5).all()
