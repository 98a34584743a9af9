"""The cure that an audit tells of exponential growth or decay: the model that has taken it is sound."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import Report, audit
from tests.audit import nets
from tests.audit.nets import chain, inputs

X = inputs(8, 32)


class Twice(nn.Module):  # type: ignore[misc]
    """Two layers, without a way around them."""

    def __init__(self, times: float) -> None:
        super().__init__()
        self.first, self.second = (nn.Linear(32, 32, bias=False) for _ in range(2))
        for layer in (self.first, self.second):
            nn.init.normal_(layer.weight, 0, times * 32**-0.5)

    def forward(self, x: Any) -> Any:
        return torch.relu(self.second(torch.relu(self.first(x))))


class Branch(nets.Block):
    """A residual block without a norm, whose branch is scaled, or started as Fixup says."""

    def __init__(self, times: float, inner: float = 1.0) -> None:
        super().__init__(32, norm=False, last=times)
        with torch.no_grad():
            self.first.weight *= inner


def plain(times: float) -> Any:
    return chain(lambda weight: nn.init.normal_(weight, 0, times * weight.shape[1] ** -0.5))


def pairs(times: float) -> Any:
    return nn.Sequential(*(Twice(times) for _ in range(8)))


def residual(times: float) -> Any:
    return nn.Sequential(*(Branch(times) for _ in range(8)))


def told(report: Report) -> list[dict[str, float]]:
    return [dict(one.numbers) for one in report.statements if one.kind == "depth" and one.verdict == "against"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "key", "expected"),
    [(plain, "weights times", 2**0.5), (pairs, "weights times", 2**0.5), (residual, "branch times", 16**-0.5)],
)
def test_the_cure_makes_it_sound(make: Any, key: str, expected: float) -> None:
    ill = told(audit(lambda: make(1.0), X, seeds=12))
    assert len(ill) == 2, "forwards and backwards"
    for one in ill:
        assert one[key] == pytest.approx(expected, rel=0.1)
    cured = audit(lambda: make(ill[0][key]), X, seeds=12)
    assert not told(cured), cured
    if make is residual:
        assert told(audit(lambda: make(ill[0][key] ** 0.25), X, seeds=12)), "a weaker one is none"


@pytest.mark.slow
def test_fixups_cure_is_told_with_its_number_and_works() -> None:
    words = [one.cause for one in audit(lambda: residual(1.0), X, seeds=12).statements if one.kind == "depth"]
    assert not any("most of all" in one for one in words)
    assert all("Fixup's, of one branch of 2 layers: the last 0, the others times 0.354" in one for one in words)
    assert not told(audit(lambda: nn.Sequential(*(Branch(0.0, 0.354) for _ in range(8))), X, seeds=12))


@pytest.mark.slow
def test_the_block_that_carries_most_of_it_is_named() -> None:
    """One of eight branches is four times as large; forwards and backwards it is that block."""
    report = audit(lambda: nn.Sequential(*(Branch(4.0 if number == 5 else 0.7) for number in range(8))), X, seeds=12)
    causes = [one.cause for one in report.statements if one.kind == "depth" and one.verdict == "against"]
    assert len(causes) == 2
    assert all("most of all 5, which alone multiplies it by" in one for one in causes)
