"""States of all nodes of a graph: from the input on, or between two nodes given what is at the first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from audit.graph import Graph, Node
from audit.squares import behind
from audit.state import Known, State


def propagate(graph: Graph, known: Known) -> dict[str, State]:
    """Return the states of all nodes of which anything is known."""
    states: dict[str, State] = {}
    users = _users(graph.nodes.values())
    for node in graph.nodes.values():
        read = [states.get(name) or _taken(graph.nodes[name], node, known) for name in node.inputs]
        made = behind(node, [one for one in read if one is not None], known) if None not in read else None
        made = made or _taken(node, node, known)
        if made is not None:
            states[node.name] = _rooted(node.name, made) if users[node.name] > 1 else made
    return states


def through(nodes: list[Node], start: str, state: State, known: Known) -> State | None:
    """Return the state at the last of `nodes` given that at `start`, or None if it needs anything else."""
    states, users = {start: _rooted(start, state)}, _users(nodes)
    for node in nodes:
        if node.inputs and all(name in states for name in node.inputs):
            made = behind(node, [states[name] for name in node.inputs], known)
            if made is not None:
                states[node.name] = _rooted(node.name, made) if users[node.name] > 1 else made
    return states.get(nodes[-1].name)


def _users(nodes: Iterable[Node]) -> Counter[str]:
    return Counter(name for node in nodes for name in node.inputs)


def _rooted(name: str, state: State) -> State:
    """Return a state from which several ways go out."""
    return replace(state, root=name, gain=1.0, base=state.second, spread=1.0, fresh=None)


def _taken(node: Node, module: Node, known: Known) -> State | None:
    """Take what was measured at a node: behind a module, or before the one that reads it."""
    side = "output" if node is module else "input"
    seen = known.seen(module.module, side) if module.module and len(module.inputs) <= 1 else math.nan
    if math.isnan(seen) or not node.shape:
        return None
    why = f"the {side} of {module.what} {module.module!r} is taken as it was measured"
    return State(squares=np.full(node.shape, seen), inexact=why, taken=True, spread=math.inf)
