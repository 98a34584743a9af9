"""PyTorch's LSTMCell and autograd against the hand-written cell: states, and pullbacks with and without gate paths."""

from __future__ import annotations

from typing import Any

import pytest

from simulations import lecun, stream
from simulations.layers.lstm import Cell, draw_cell
from tests.oracles.test_torch import agree, leaf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow
pytestmark = pytest.mark.slow

DRAWS, BATCH, FEATURES, UNITS, STEPS = 2, 3, 5, 4, 6


def theirs(cell: Cell, draw: int, x: Any, c: Any, h: Any, cut: bool) -> tuple[Any, Any]:
    """One draw of the cell, run by PyTorch; `cut` detaches what enters the gates."""
    module = torch.nn.LSTMCell(FEATURES, UNITS, dtype=torch.float64)
    module.weight_ih.data = torch.tensor(cell.input_weights[draw].T)
    module.weight_hh.data = torch.tensor(cell.hidden_weights[draw].T)
    module.bias_ih.data, module.bias_hh.data = torch.tensor(cell.bias[draw, 0]), torch.zeros(4 * UNITS).double()
    for row in x:
        h, c = module(torch.tensor(row[draw]), (h.detach() if cut else h, c))
    return c, h


@pytest.mark.parametrize("cut", [False, True], ids=["all paths", "gate paths cut"])
def test_lstm_cell(cut: bool) -> None:
    rng = stream(0, "oracle", "lstm")
    cell = draw_cell(rng, DRAWS, FEATURES, UNITS, init=lecun, bias_deviation=1.0)
    x = rng.standard_normal((STEPS, DRAWS, BATCH, FEATURES))
    c, h, v = rng.standard_normal((3, DRAWS, BATCH, UNITS))
    run = cell.run(x, c, h)
    dc, dh = run.pullback(v, gate_paths=not cut)
    for draw in range(DRAWS):
        start = leaf(c[draw]), leaf(h[draw])
        end, output = theirs(cell, draw, x, *start, cut)
        agree(run.cells[-1, draw], end)
        agree(run.outputs[-1, draw], output)
        found = torch.autograd.grad((end * torch.tensor(v[draw])).sum(), start, allow_unused=True)
        agree(dc[draw], found[0])
        if cut:
            assert found[1] is None
            assert not dh.any()
        else:
            agree(dh[draw], found[1])


def test_cell_without_forget_gate() -> None:
    """Autograd on the recursion of 1997, written out."""
    rng = stream(0, "oracle", "1997")
    cell = draw_cell(rng, 1, FEATURES, UNITS, init=lecun, bias_deviation=1.0, forgets=False)
    x = rng.standard_normal((STEPS, 1, BATCH, FEATURES))
    c, h, v = rng.standard_normal((3, 1, BATCH, UNITS))
    state, output = start = leaf(c), leaf(h)
    u, w, b = (torch.tensor(array) for array in (cell.input_weights, cell.hidden_weights, cell.bias))
    for row in x:
        i, _, g, o = (torch.tensor(row) @ u + output @ w + b).chunk(4, dim=-1)
        state = state + torch.sigmoid(i) * torch.tanh(g)
        output = torch.sigmoid(o) * torch.tanh(state)
    run = cell.run(x, c, h)
    agree(run.cells[-1], state)
    for mine, reference in zip(
        run.pullback(v), torch.autograd.grad((state * torch.tensor(v)).sum(), start), strict=True
    ):
        agree(mine, reference)
