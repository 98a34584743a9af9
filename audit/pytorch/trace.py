"""The graph of a model: traced by torch.fx, by torch.export where that fails, and run once for shapes and numbers.

Nothing here depends on the numbers that random weights have. What depends on no input (parameters, buffers, numbers) is
static: a node that multiplies by it is a scale, one that adds it a shift.
"""

from __future__ import annotations

import inspect
import io
import logging
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any

import torch
from torch import fx

from audit.factory import line
from audit.graph import Graph
from audit.pytorch.nodes import Reader
from audit.pytorch.watch import leaves

NORMS = ("RMSNorm", "LayerNorm")
"""Endings of names of classes that are not looked into; whether they are norms is seen from what they put out."""
SHAPES = {"size", "dim", "numel", "len", "getattr", "ndimension"}
"""What is read by these of an input depends on its shape alone."""


def traced(model: Any, fed: Any) -> Graph:
    """Return the graph of a model on these inputs, or an empty one that says why there is none."""
    reasons = []
    with torch.no_grad(), _silent():
        for tracer in (_symbolic, _exported):
            try:
                module, starts, ends = tracer(model, _copied(fed))
                run = _Run(module)
                run.run(*_arguments(module, _copied(fed)))
                return _read(module, run, starts, ends, {id(one): name for name, one in model.named_parameters()})
            except Exception as error:  # user code runs here, with proxies for tensors
                reasons.append(line(error))
    return Graph(lost=f"torch.fx: {reasons[0][:120]}; torch.export: {reasons[1][:120]}")


@contextmanager
def _silent() -> Iterator[None]:
    """Keep what tracers print of their failures from the terminal."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(before)


class _Tracer(fx.Tracer):  # type: ignore[misc]
    """A tracer that remembers what every module was given and returned at its first call."""

    def __init__(self) -> None:
        super().__init__()
        self.starts: dict[str, str] = {}
        self.ends: dict[str, str] = {}

    def is_leaf_module(self, module: Any, name: str) -> bool:
        """Return whether a module is one node."""
        return bool(super().is_leaf_module(module, name)) or type(module).__name__.endswith(NORMS)

    def call_module(self, module: Any, forward: Any, args: Any, kwargs: Any) -> Any:
        """Trace a module's call."""
        output, name = super().call_module(module, forward, args, kwargs), self.path_of_module(module)
        if args and isinstance(args[0], fx.Proxy):
            self.starts.setdefault(name, args[0].node.name)
        if isinstance(output, fx.Proxy):
            self.ends.setdefault(name, output.node.name)
        return output


def _symbolic(model: Any, fed: Any) -> tuple[Any, dict[str, str], dict[str, str]]:
    tracer = _Tracer()
    graph = tracer.trace(model, concrete_args=_unfed(model, fed))
    return fx.GraphModule(model, graph), tracer.starts, tracer.ends


def _unfed(model: Any, fed: Any) -> dict[str, Any]:
    """Return the arguments that are left at their defaults."""
    known = inspect.signature(model.forward).parameters.values()
    names = [one.name for one in known if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)]
    given = set(fed) if isinstance(fed, dict) else set(names[:1])
    return {one.name: one.default for one in known if one.name not in given and one.default is not one.empty}


def _exported(model: Any, fed: Any) -> tuple[Any, dict[str, str], dict[str, str]]:
    args, kwargs = ((), fed) if isinstance(fed, dict) else ((fed,), {})
    module = torch.export.export(model, args, kwargs, strict=False).module(check_guards=False)
    starts: dict[str, str] = {}
    ends: dict[str, str] = {}
    calls: dict[str, set[str]] = defaultdict(set)
    for node in module.graph.nodes:
        for call, (name, _) in node.meta.get("nn_module_stack", {}).items():
            calls[name].add(call)
            if node.all_input_nodes:
                starts.setdefault(name, node.all_input_nodes[0].name)
            ends[name] = node.name
    once = [name for name, found in calls.items() if len(found) == 1]
    return module, {name: starts[name] for name in once if name in starts}, {name: ends[name] for name in once}


def _copied(fed: Any) -> Any:
    return {name: one.clone() for name, one in fed.items()} if isinstance(fed, dict) else fed.clone()


def _arguments(module: Any, fed: Any) -> list[Any]:
    """Return inputs in the order of the graph's placeholders."""
    if not isinstance(fed, dict):
        return [fed]
    nodes = [node for node in module.graph.nodes if node.op == "placeholder"]
    return [fed[node.target] if node.target in fed else node.args[0] for node in nodes]


class _Run(fx.Interpreter):  # type: ignore[misc]
    """One run that keeps shapes, static values, and how far mean squares are from 1; tensors may change later."""

    def __init__(self, module: Any) -> None:
        super().__init__(module)
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.values: dict[str, Any] = {}
        self.off: dict[str, float] = {}
        self.named: set[str] = set()
        """Names of nodes that are made of parameters and buffers."""
        self.several: set[str] = set()
        """Names of nodes that make several tensors."""
        self.moving: set[str] = set()
        """Names of nodes that depend on what inputs are, and not on their shapes alone."""
        self.raw: set[str] = set()
        """Names of those that depend on no parameter or buffer either."""

    def run_node(self, node: Any) -> Any:
        """Run a node and look at what it makes."""
        made = super().run_node(node)
        if node.op == "get_attr" or any(one.name in self.named for one in node.all_input_nodes):
            self.named.add(node.name)
        name = getattr(node.target, "__name__", str(node.target))
        given = node.op == "placeholder" and torch.is_tensor(made)
        if given or (name not in SHAPES and any(one.name in self.moving for one in node.all_input_nodes)):
            self.moving.add(node.name)
            if self._is_raw(node) and torch.is_tensor(made) and made.is_floating_point():
                self.raw.add(node.name)
        first = next(leaves(made), None)
        if isinstance(made, (tuple, list)):
            self.several.add(node.name)
        self.shapes[node.name] = tuple(first.shape) if first is not None else ()
        kept = node.name not in self.moving or node.op == "placeholder" or node.name in self.raw
        if kept or first is None:
            self.values[node.name] = made.clone() if torch.is_tensor(made) else made
        elif first.is_floating_point() and first.ndim:
            squares = first.double().square().mean(-1)
            self.off[node.name] = float((squares - 1).abs().max()) if squares.numel() else 1.0
        return made

    def _is_raw(self, node: Any) -> bool:
        if node.op == "call_module" and next(self.module.get_submodule(node.target).parameters(), None) is not None:
            return False
        known = self.raw | (set(self.values) - self.named)
        return node.op == "placeholder" or all(one.name in known for one in node.all_input_nodes)


def _spoilt(module: Any) -> str | None:
    """Return a node that is read after another has worked in place on it: it is no longer what the graph says."""
    order = {node: number for number, node in enumerate(module.graph.nodes)}
    for node in order:
        changed = node.args[0] if node.args and _in_place(module, node) else None
        if isinstance(changed, fx.Node) and any(order[user] > order[node] for user in changed.users):
            return str(changed.name)
    return None


def _in_place(module: Any, node: Any) -> bool:
    if node.op == "call_module":
        return bool(getattr(module.get_submodule(node.target), "inplace", False))
    schema = getattr(node.target, "_schema", None)
    name = schema.name if schema is not None else getattr(node.target, "__name__", str(node.target))
    return bool(node.kwargs.get("inplace")) or (name.endswith("_") and not name.startswith("_"))


def _read(module: Any, run: _Run, starts: dict[str, str], ends: dict[str, str], names: dict[int, str]) -> Graph:
    if (again := _spoilt(module)) is not None:
        return Graph(lost=f"{again} is changed in place and used again")
    reader, graph = Reader(module, run.shapes, run.values, run.off, run.moving, run.several, names), Graph()
    for node in module.graph.nodes:
        if node.op == "output":
            outputs = [one.name for one in node.all_input_nodes if run.shapes.get(one.name)]
            ends = ends | {"": outputs[0]} if outputs else ends
        elif node.name in run.raw:
            graph.nodes[node.name] = reader.given(node)
        elif node.name in run.moving:
            graph.nodes[node.name] = reader.read(node)
    graph.starts = {name: node for name, node in starts.items() if node in graph.nodes}
    graph.ends = {name: node for name, node in ends.items() if node in graph.nodes}
    return graph
