"""Moments of what modules take and put out: at any size, and anew when a tensor was changed in place."""

from __future__ import annotations

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit.measured import Measured
from audit.pytorch import measure
from audit.pytorch.watch import PIECE, sums
from tests.audit.nets import inputs


@pytest.mark.parametrize("size", [1e-25, 1.0, 1e25])
@pytest.mark.parametrize("count", [7, 2 * PIECE + 3])
def test_sums_at_sizes_whose_squares_single_precision_cannot_hold(size: float, count: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(count, generator=generator) * size + size
    x[::3] = 0
    double = x.double()
    expected = [float(double.square().mean()), float(double.mean()), float((x == 0).double().mean())]
    assert sums(x) == pytest.approx(expected, rel=1e-6, abs=0)


def test_a_tensor_that_is_changed_in_place_is_counted_anew() -> None:
    found: Measured = measure(
        lambda: nn.Sequential(nn.Linear(32, 32), nn.ReLU(inplace=True)), inputs(16, 32), range(3), train=False
    )
    before, after = (found.modules[name].mean("output zeros") for name in ("0", "1"))
    assert before == 0
    assert 0.4 < after < 0.6
    assert found.modules["1"].mean("input zeros") == before
    assert found.modules[""].mean("output zeros") == after
