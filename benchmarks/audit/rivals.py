"""Which tool catches which planted fault: python -m benchmarks.audit.rivals [--json FILE].

The faults are those of tests/audit/test_faults.py, and the sound models there count false alarms. Fathom gives a
verdict. The others print scales for the eye, so a rule must read them: a tool speaks against a model if one of its
scales leaves a band about 1. All are read with two bands, [1/2, 2] and [1/10, 10]. The scales are

- plain hooks: the standard deviation of every module's output, and of the gradient there;
- unit-scaling's analyse_module: what it prints of activations, forwards and backwards, but not of weights, which are
  no scales to be 1;
- mup's coordinate check: its l1 at the first step, over sqrt(2 / pi), which it is for a standard normal. Its own
  question is how that grows with the width, but these models have one width each;
- AnyInit: the deviation of every weight over that of the weights which it puts there itself.

A tool that cannot run a model says nothing. Everything is drawn from seed 0 and fed the same input; gradients start
from random signs. Packages: requirements/gallery.txt.
"""

from __future__ import annotations

import importlib.util
import io
import json
import math
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import nn

from audit import AuditError, audit
from audit.pytorch.watch import leaves
from benchmarks.audit.tables import BANDS, rivals_table
from docs import parts
from simulations.command_line import Parser, run
from simulations.files import write
from tests.audit import nets
from tests.audit.test_faults import FAULTS, SOUND, WIDE

RESULTS = Path(__file__).parents[1] / "results" / "audit_rivals.json"
SHARED = "a seed that all share"
EXPECTED = "orthogonal"
"""Its audit rightly says that the mean square halves at every rectifier, so it is no sound model here."""
ANNOTATION = re.compile(r"^\s*(\w+) = (.*);\s+\(-> ([^,)]+)(?:, <- ([^)]+))?\)", re.M)


def hooks(model: Any, x: Any) -> Iterator[float]:
    """Yield the standard deviation of every module's output, and of the gradient there."""
    scales: list[float] = []

    def seen(_: Any, __: Any, output: Any) -> None:
        for one in leaves(output):
            scales.append(float(one.detach().std()))
            if one.requires_grad:
                one.register_hook(lambda gradient: scales.append(float(gradient.std())))

    for module in model.modules():
        module.register_forward_hook(seen)
    _from_signs(model(x))
    yield from scales


def unit_scaling(model: Any, x: Any) -> Iterator[float]:
    """Yield the scales that analyse_module prints of what is no parameter."""
    analyse_module = import_module("unit_scaling.utils").analyse_module
    end = next(leaves(model(x)))
    printed = analyse_module(model, x, _signs(end), syntax_highlight=False)
    for name, made, forwards, backwards in ANNOTATION.findall(printed):
        if not re.search(r"\.(weight|bias)$", made) and not name.startswith("input"):
            yield from (float(one) for one in (forwards, backwards) if one and one != "n/a")


class WithLoss(nn.Module):  # type: ignore[misc]
    """What mup's check takes: a model that returns a dict with its loss."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Any) -> Any:
        """Return the dict."""
        return {"loss": next(leaves(self.model(x))).square().mean()}


def coordinates(model: Any, x: Any) -> Iterator[float]:
    """Yield the l1 of every module's output at the first step."""
    get_coord_data = import_module("mup.coord_check").get_coord_data
    made = {1: lambda: WithLoss(model)}
    data = get_coord_data(made, [{"x": x}], mup=False, dict_in_out=True, cuda=False, nsteps=1, show_progress=False)
    for name, size in zip(data["module"], data["l1"], strict=True):
        if name and "loss" not in name:
            yield float(size) / math.sqrt(2 / math.pi)


def any_init(model: Any, x: Any) -> Iterator[float]:
    """Yield the deviation of every weight over that of the weights that AnyInit draws for it."""
    before = {name: float(one.detach().std()) for name, one in model.named_parameters() if one.ndim > 1}
    import_module("anyinit").initialize(model, "analytic", tuple(x.shape), seed=0)
    for name, one in model.named_parameters():
        if name in before and (after := float(one.detach().std())) > 0:
            yield before[name] / after


Tool = Callable[[Any, Any], Iterator[float]]
TOOLS: dict[str, tuple[str, Tool]] = {
    "plain hooks": ("torch", hooks),
    "unit-scaling": ("unit_scaling", unit_scaling),
    "mup": ("mup", coordinates),
    "AnyInit": ("anyinit", any_init),
}


def scales(tool: Tool, factory: Callable[[], Any], shape: tuple[int, ...]) -> list[float] | str:
    """Return what a tool prints of a model, or why it cannot."""
    torch.manual_seed(0)
    x = torch.as_tensor(nets.inputs(*shape)).float().requires_grad_()
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            return list(tool(factory(), x))
    except Exception as error:
        return type(error).__name__


def speaks(found: list[float] | str, band: float) -> bool:
    """Say whether a scale leaves the band."""
    return not isinstance(found, str) and any(not 1 / band <= one <= band for one in found)


def fathom(factory: Callable[[], Any], shape: tuple[int, ...], options: dict[str, Any]) -> bool:
    """Say whether an audit speaks against a model."""
    try:
        return not audit(factory, nets.inputs(*shape), **options).sound
    except AuditError:
        return True


def raced() -> dict[str, Any]:
    """Show all models to all tools that are installed."""
    faulty = {name: fault[:3] for name, fault in FAULTS.items()}
    faulty[SHARED] = (lambda: nets.chain(nets.seeded, head=nets.seeded), WIDE, {"seeds": 5})
    sound = {name: model for name, model in SOUND.items() if name != EXPECTED}
    there = {name: tool for name, (package, tool) in TOOLS.items() if importlib.util.find_spec(package)}
    for name in TOOLS.keys() - there.keys():
        print(f"{name} is not installed and did not take part; see requirements/gallery.txt", file=sys.stderr)
    tables: dict[str, Any] = {}
    for kind, models in {"faults": faulty, "sound": sound}.items():
        rows: dict[str, Any] = {}
        tables[kind] = rows
        for name, (factory, shape, options) in models.items():
            row: dict[str, Any] = {"Fathom": {"speaks": fathom(factory, shape, options)}}
            for title, tool in there.items():
                found = scales(tool, factory, shape)
                row[title] = {f"{band:g}": speaks(found, band) for band in BANDS} | {
                    "failed": found if isinstance(found, str) else ""
                }
            rows[name] = row
    return tables


def _signs(end: Any) -> Any:
    return torch.randint(0, 2, end.shape).to(end.dtype) * 2 - 1


def _from_signs(output: Any) -> None:
    ends = [one for one in leaves(output) if one.requires_grad]
    torch.autograd.backward(ends, [_signs(one) for one in ends])


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run(partial(_main, arguments), "python -m benchmarks.audit.rivals")


def _main(arguments: list[str] | None) -> int:
    parser = Parser("python -m benchmarks.audit.rivals", (__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path, metavar="FILE", help="where results go, in place of the page and its data")
    options = parser.parse(arguments)
    results = raced()
    write(options.json or RESULTS, json.dumps(results, indent=1) + "\n")
    complete = len(next(iter(results["faults"].values()))) == 1 + len(TOOLS)
    if complete and options.json is None:
        parts.write("rivals", rivals_table(results))
    print(rivals_table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
