"""The whole net: expected squares that are exact at any width, bounds on their scatter, mean field, and lost scales."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from audit import Report, Statement, audit
from audit.graph import Graph
from audit.propagate import propagate
from audit.pytorch.trace import traced
from audit.state import Known, State
from tests.audit import nets
from tests.audit.nets import inputs
from theory.fluctuations.norms import relative_variance
from theory.layer.any_activation import examine
from theory.residual.fluctuations import growth_relative_second_moment
from theory.residual.post_addition import limit_growth, rectified_growth

DRAWS = 800


class Block(nn.Module):  # type: ignore[misc]
    """A branch of two layers, He and LeCun, on a shortcut; perhaps with a norm before, a scale or a ReLU behind."""

    def __init__(self, width: int, *, before: Any = None, scale: float = 1.0, twice: bool = False) -> None:
        super().__init__()
        self.before = before or nn.Identity()
        self.first, self.second = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.scale, self.twice = scale, twice
        nets.he(self.first.weight)
        nets.lecun(self.second.weight)

    def forward(self, x: Any) -> Any:
        shortcut = x + x if self.twice else x
        made = shortcut + self.second(torch.relu(self.first(self.before(x))))
        return made if self.scale == 1 else made * self.scale


def blocks(number: int, width: int = 8, *, scales: Any = None, **options: Any) -> Any:
    scales = scales or [1.0] * number
    return nn.Sequential(*(Block(width, scale=scale, **options) for scale in scales))


class Projected(nn.Module):  # type: ignore[misc]
    """A ReLU behind a sum of two fresh layers, as in a ResNet's first block of a stage."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other = nn.Linear(6, 5, bias=False), nn.Linear(6, 5, bias=False)

    def forward(self, x: Any) -> Any:
        return torch.relu(self.one(torch.relu(x)) + self.other(x))


class Functional(nn.Module):  # type: ignore[misc]
    """Weights without a module, transposed; a slope that is no ReLU's; a constant that is learnt later."""

    def __init__(self) -> None:
        super().__init__()
        self.weight, self.size = nn.Parameter(torch.randn(4, 6)), nn.Parameter(torch.full((1,), 0.5))

    def forward(self, x: Any) -> Any:
        return self.size * nn.functional.leaky_relu(x @ self.weight.t(), negative_slope=0.3) / 2**0.5


def chained(*layers: Any) -> Any:
    return nn.Sequential(*layers)


def dense(inputs: int, outputs: int) -> Any:
    return nn.Linear(inputs, outputs, bias=False)


EXACT: dict[str, tuple[Callable[[], Any], tuple[int, ...], float | None]] = {
    "He keeps it": (lambda: chained(dense(6, 5), nn.ReLU(), dense(5, 7), nn.ReLU()), (6,), None),
    "leaky and linear": (lambda: chained(dense(6, 5), nn.LeakyReLU(0.2), dense(5, 4), dense(4, 3)), (3, 6), None),
    "residual": (lambda: blocks(3), (1, 8), 8.0),
    "residual, scaled": (lambda: blocks(3, scales=[0.5**0.5] * 3), (2, 8), 1.0),
    "shortcut twice": (lambda: blocks(1, twice=True), (2, 8), 5.0),
    "norm before": (lambda: blocks(3, before=nn.LayerNorm(8, eps=0.0, elementwise_affine=False)), (2, 8), None),
    "sum, then ReLU": (Projected, (4, 6), None),
    "functional": (Functional, (3, 6), None),
    "padded convolution": (
        lambda: chained(nn.Conv2d(2, 4, 3, padding=1, bias=False), nn.ReLU(), nn.Conv2d(4, 3, 3, 2, bias=False)),
        (1, 2, 5, 5),
        None,
    ),
    "batch norm at rest": (lambda: chained(dense(6, 5), nn.BatchNorm1d(5), nn.ReLU()).eval(), (3, 6), None),
    "dropout, rearranged": (lambda: chained(dense(6, 5), nn.Dropout(0.5), nn.Unflatten(1, (5, 1))), (3, 6), None),
}
"""A model, the shape of its input, and what it makes of a mean square where that is a number to know."""


def plain(variances: dict[str, float]) -> Known:
    """Return what is known where every weight has its variance and nothing else is drawn."""
    return Known(lambda name: (variances[name], ""), lambda _: (0.0, 0.0, ""), lambda _: True, lambda *_: math.nan)


def end(model: Any, x: Any, known: Known) -> State:
    graph = traced(model, torch.as_tensor(x, dtype=torch.float32))
    assert not graph.lost
    return propagate(graph, known)[graph.ends[""]]


def drawn(model: Any, generator: Any) -> dict[str, float]:
    """Draw all matrices anew, He's variance, and return it."""
    variances = {}
    for name, weight in model.named_parameters():
        if weight.ndim > 1:
            variances[name] = 2 / weight[0].numel() if "second" not in name else 1 / weight[0].numel()
            weight.normal_(0, math.sqrt(variances[name]), generator=generator)
    return variances


@pytest.mark.parametrize("name", EXACT)
def test_expected_squares_are_exact_at_any_width(name: str) -> None:
    factory, shape, growth = EXACT[name]
    x = torch.as_tensor(inputs(*shape), dtype=torch.float32)
    generator = torch.Generator().manual_seed(3)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(5)
        model = factory()
        state = end(model, x, plain(drawn(model, generator)))
        seen = []
        for _ in range(DRAWS):
            drawn(model, generator)
            seen.append(float(model(x.clone()).double().square().mean()))
    ratios = np.array(seen) / state.mean_square
    assert not state.inexact
    assert abs(ratios.mean() - 1) < 5 * ratios.std() / math.sqrt(DRAWS)
    assert (ratios**2).mean() < state.second + 5 * (ratios**2).std() / math.sqrt(DRAWS)
    if growth is not None:
        assert state.mean_square / float(x.square().mean()) == pytest.approx(growth)


def test_the_bound_on_the_scatter_is_what_theory_derives() -> None:
    """It is attained by Gaussian weights and one input."""
    with torch.no_grad():
        chain = chained(dense(6, 5), nn.ReLU(), dense(5, 7), nn.ReLU())
        known = plain({"0.weight": 2 / 6, "2.weight": 2 / 5})
        assert end(chain, inputs(1, 6), known).second - 1 == pytest.approx(float(relative_variance([5, 7])))
        model = blocks(3)
        known = plain({name: (2 if "first" in name else 1) / 8 for name, _ in model.named_parameters()})
        second = growth_relative_second_moment(8, 8, 1, 3)
        assert end(model, inputs(1, 8), known).second == pytest.approx(float(second))


def test_mean_field_of_gelu_is_that_of_theory() -> None:
    """From mean square 1 at the gain that keeps it, thirty layers are at 80.4: the point is unstable."""
    answer = examine("GELU", layers=30)
    model = chained(*(layer for _ in range(30) for layer in (dense(4, 4), nn.GELU())))
    known = plain({name: answer.gain**2 / 4 for name, _ in model.named_parameters()})
    state = end(model, np.sign(inputs(1, 4)), known)
    assert state.inexact == "gelu is no leaky ReLU"
    assert state.mean_square == pytest.approx(answer.reached, rel=1e-9)
    assert state.mean_square == pytest.approx(80.4, rel=1e-3)


def test_mean_field_of_a_relu_after_the_addition_is_that_of_theory() -> None:
    """What comes out of such a block is not normal, and its law goes on to the next."""

    class After(Block):
        def forward(self, x: Any) -> Any:
            return torch.relu(super().forward(x))

    model = chained(dense(8, 8), nn.ReLU(), *(After(8) for _ in range(8)))
    known = plain({name: (1 if "second" in name else 2) / 8 for name, _ in model.named_parameters()})
    graph = traced(model, torch.as_tensor(inputs(2, 8), dtype=torch.float32))
    states = propagate(graph, known)
    squares = [states[graph.ends[str(number)]].mean_square for number in range(1, 10)]
    seen = [after / before for before, after in pairwise(squares)]
    assert seen[0] == pytest.approx(float(rectified_growth(1)), rel=5e-3)
    assert seen[-1] == pytest.approx(limit_growth(1.0), rel=5e-3)


def only(report: Report, kind: str, where: str = "the whole net") -> Statement:
    (found,) = report.about(where, kind)
    return found


HE = {"*": "he_fan_in", "*.second.*": "lecun"}


def test_he_keeps_the_mean_square_and_the_audit_says_so() -> None:
    report = audit(nets.chain, inputs(16, 32), claim={"*": "he_fan_in", "16.*": "lecun"})
    said = only(report, "exact, whole net")
    assert said.verdict == "sound", report
    assert said.numbers["predicted"] == pytest.approx(float((inputs(16, 32) ** 2).mean()), rel=1e-6)
    assert said.numbers["step sees"] < 0.25
    assert [one.exact for one in report.places] == [True] * 9
    assert '"along": [' in report.as_json()


@pytest.mark.slow
def test_he_residual_doubles_at_every_block() -> None:
    report = audit(lambda: blocks(4, 32), inputs(16, 32), claim=HE)
    square = float((inputs(16, 32) ** 2).mean())
    assert [one.state.mean_square / square for one in report.places] == pytest.approx([2, 4, 8, 16])
    assert only(report, "exact, whole net").verdict == "sound"
    rows = [one.as_numbers() for one in report.places]
    assert all(row["low"] < row["predicted"] < row["high"] for row in rows)  # type: ignore[operator]


@pytest.mark.slow
def test_a_scale_lost_in_one_block_is_found_with_its_factor() -> None:
    scales = [0.5**0.5] * 6
    sound = audit(lambda: blocks(6, 32, scales=scales), inputs(16, 32), seeds=10)
    assert not [one for one in sound.statements if "scale" in one.words]
    scales[3] = 1.0
    report = audit(lambda: blocks(6, 32, scales=scales), inputs(16, 32), seeds=10)
    said = only(report, "exact, whole net", "3")
    assert said.verdict == "note"
    assert said.numbers["factor"] == pytest.approx(2**0.5, rel=1e-3)
    assert "no scale by 0.7071, as 5 of 6 blocks have" in said.words


@pytest.mark.parametrize("scale", [1.0, 0.5**0.5])
def test_a_scale_lost_in_all_blocks_is_found_where_it_is_claimed(scale: float) -> None:
    factory = functools.partial(blocks, 3, 32, scales=[scale] * 3)
    report = audit(factory, inputs(16, 32), seeds=10, claim=HE | {"[0-9]": "kept"})
    verdicts = {only(report, "exact, whole net", str(number)).verdict for number in range(3)}
    assert verdicts == ({"sound"} if scale < 1 else {"against"})
    if scale == 1:
        said = only(report, "exact, whole net", "2")
        assert said.numbers["factor"] == pytest.approx(2)
        assert said.cause == "the summands bring 1 and 1 of it; a scale by 0.7071 is missing"


@pytest.mark.slow
def test_what_is_claimed_and_not_drawn_is_refuted_for_the_whole_net() -> None:
    report = audit(lambda: nets.chain(nets.lecun), inputs(16, 32), claim={"*": "he_fan_in", "16.*": "lecun"})
    said = only(report, "exact, whole net")
    assert said.verdict == "against"
    assert said.numbers["seen / predicted"] == pytest.approx(2**-8, rel=0.5)
    assert "at before 2 there is 0.49" in said.cause


def transposed() -> Any:
    """The second layer of a block is the first, transposed: every matrix alone is right."""
    model = blocks(4, 32)
    with torch.no_grad():
        for block in model:
            block.second.weight.copy_(block.first.weight.t() * 0.5**0.5)
    return model


@pytest.mark.slow
def test_layers_that_depend_on_each_other_are_refuted() -> None:
    report = audit(transposed, inputs(16, 32), claim=HE)
    assert only(report, "exact, whole net").verdict == "against"
    assert {one.verdict for one in report.statements if one.kind == "initialiser"} == {"sound"}


class Two(nn.Module):  # type: ignore[misc]
    """Two inputs, an option that is left alone, and a dictionary."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.other, self.head = dense(8, 64), dense(4, 64), dense(64, 3)
        for layer in (self.one, self.other, self.head):
            nets.he(layer.weight)

    def forward(self, x: Any, y: Any, scaled: bool = False) -> Any:
        made = self.one(x) + self.other(y)
        return {"logits": self.head(torch.relu(made * 2 if scaled else made)), "x": x}


class Repeated(nn.Module):  # type: ignore[misc]
    def __init__(self, width: int = 32) -> None:
        super().__init__()
        self.layer = dense(width, width)
        nets.he(self.layer.weight)

    def forward(self, x: Any) -> Any:
        for _ in range(4):
            x = torch.relu(self.layer(x))
        return x


class Tied(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.look, self.head = nn.Embedding(50, 16), nn.Linear(16, 50, bias=False)
        self.head.weight = self.look.weight

    def forward(self, x: Any) -> Any:
        return self.head(self.look(x))


class Spoilt(nn.Module):  # type: ignore[misc]
    """The ReLU changes what the shortcut is thought to pass on."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.relu, self.last = dense(8, 8), nn.ReLU(inplace=True), dense(8, 8)

    def forward(self, x: Any) -> Any:
        y = self.layer(x)
        return y + self.last(self.relu(y))


class Chance(nn.Module):  # type: ignore[misc]
    """A scale that every model draws."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.size = dense(8, 8), float(torch.rand(()))
        nets.he(self.layer.weight)

    def forward(self, x: Any) -> Any:
        return self.layer(x) * self.size


class Attending(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.keys, self.last = dense(8, 8), dense(8, 8)
        nets.he(self.last.weight)

    def forward(self, x: Any) -> Any:
        return self.last(torch.softmax(self.keys(x) @ x.transpose(-1, -2), -1) @ x)


OTHERS: dict[str, tuple[Any, Any, dict[str, str], str]] = {
    "two inputs, a dictionary": (
        Two,
        {"x": inputs(6, 8), "y": inputs(6, 4)},
        {"*": "he_fan_in"},
        "at the output the rules of the weights",
    ),
    "called four times": (Repeated, inputs(6, 32), {"*": "he_fan_in"}, "layer.weight is used more than once"),
    "tied, of tokens": (Tied, np.arange(8).reshape(2, 4), {}, "look.weight is tied to other weights"),
    "changed in place": (Spoilt, inputs(6, 8), {}, "layer is changed in place and used again"),
    "drawn with the model": (Chance, inputs(6, 8), {}, "no rule is known"),
    "attention": (Attending, inputs(2, 6, 8), {}, "the input of linear 'last' is taken as it was measured"),
}


@pytest.mark.parametrize("name", OTHERS)
def test_other_models_are_audited_and_one_line_says_what_is_lost(name: str) -> None:
    factory, given, claim, words = OTHERS[name]
    report = audit(factory, given, seeds=12, claim=claim)
    said = report.about("the whole net")
    assert len(said) == 1, report
    assert words in said[0].words
    assert said[0].verdict != "against"


class Dynamic(nn.Module):  # type: ignore[misc]
    """Control flow that depends on numbers, or on shapes alone."""

    def __init__(self, *, numbers: bool = True) -> None:
        super().__init__()
        self.layer, self.numbers = dense(32, 32), numbers
        nets.he(self.layer.weight)

    def forward(self, x: Any) -> Any:
        large = x.sum() > 1e9 if self.numbers else len(x) > 99
        return x if large else torch.relu(self.layer(x))


@pytest.mark.slow
def test_where_fx_fails_export_is_tried_and_then_hooks_are_left() -> None:
    by_shape = audit(lambda: Dynamic(numbers=False), inputs(6, 32), seeds=12, claim="he_fan_in")
    assert "at the output the rules of the weights" in by_shape.about("the whole net")[0].words
    (said,) = audit(Dynamic, inputs(6, 32), seeds=12).about("the whole net")
    assert (said.verdict, said.kind) == ("note", "mean field")
    assert "is not traced, so nothing is said of the whole net (torch.fx: TraceError" in said.words


def test_mean_field_alone_is_no_more_than_a_note() -> None:
    """The same narrow layer 12 times is far from what independent wide ones would do."""

    class Often(Repeated):
        def forward(self, x: Any) -> Any:
            for _ in range(12):
                x = self.layer(x)
            return x

    report = audit(lambda: Often(8), inputs(6, 8), seeds=12)
    said = only(report, "mean field")
    assert said.verdict in ("note", "sound")
    assert report.sound


def test_a_graph_without_nodes_predicts_nothing() -> None:
    assert propagate(Graph(lost="why"), plain({})) == {}
