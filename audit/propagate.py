"""Expected squares at every node of a graph, over the weights, from the input on; and what is known of their spread.

*exact* as long as only this is used, at any width: E (w.x)^2 is the variance times ||x||^2; a leaky ReLU keeps
(1 + a^2)/2 of an entry whose law is symmetric, as it is where turning the signs of some weights turns its own; and in
a sum the cross term has mean 0 if turning the signs of some weights turns one summand and leaves the other. So a state
knows which sets of weights turn it, and which it depends on at all; weights that are used again lose exactness. What
follows the first step that needs more is *mean field*: entries behind a linear map are normal, summands independent.

The spread: at every place (a sample; of an image, a position) E ||x||^4 is at most `second` times (E ||x||^2)^2. A
layer of n units multiplies that by 1 + c/n at entries of kurtosis 3 or less, c = 2 if linear and 5 for a ReLU
(`theory.fluctuations.weight_laws`). Of x + F(x), F = W h, W with n rows, the cross term C has E C^2 = E |x|^2 |F|^2 / n
and is uncorrelated with the rest: `theory.residual.branch_gains.deep_ratio` where F is a homogeneous branch from x,
else by the triangle inequality of root mean squares. A mean over places has at most the spread of the worst.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np

from audit import law as laws
from audit.graph import Graph, Node
from audit.law import Function, Law
from theory.fluctuations import weight_laws
from theory.layer import rectifiers
from theory.residual import branch_gains

FLIPS = 8
"""Sets of weights that are kept."""
SLIGHT = 0.01
"""How far a norm may be from mean square 1 and still count as exact."""
Flips = tuple[frozenset[str], ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """What is known of the entries at a node."""

    squares: Any
    """Expected squares, one an entry; a tuple of arrays of a node that makes several."""
    inexact: str = ""
    """Why this is mean field, or empty."""
    taken: bool = False
    """Whether it is what was measured there, but for constant factors."""
    law: Law = None
    turns: Flips = ()
    """Sets of weights: if the signs of all in one set turn, so does every entry."""
    depends: frozenset[str] = frozenset()
    sums: bool = False
    """Whether only sums of squares over the last axis are right."""
    slack: float = 0.0
    """By how much it may be off, relative, for norms that divide by a little more than a deviation."""
    root: str = ""
    """A node whose mean square this multiplies by `gain` at every place, whatever it is; or empty."""
    gain: float = 1.0
    base: float = 1.0
    """The spread there."""
    spread: float = 1.0
    """E ||x||^4 / (E ||x||^2)^2 given the root."""
    fresh: tuple[float, int] | None = None
    """Behind a linear map: the spread before it, and its rows."""
    axis: int | None = -1
    """The axis of the units of a place; None where they are on several."""

    @property
    def mean_square(self) -> float:
        """The mean over all entries."""
        return float(np.mean(self.squares))

    @property
    def second(self) -> float:
        """A bound on E ||x||^4 / (E ||x||^2)^2."""
        return self.base * self.spread


@dataclass(frozen=True)
class Known:
    """What is known of parameters and modules, of which a graph has the names alone.

    Attributes
    ----------
    weight : function
        From the name of a weight to its variance and why that is no rule's (empty if it is).
    bias : function
        From the name of a bias, or "", to its variance, its constant value, and why that is no rule's.
    constant : function
        Whether a parameter is the same in every draw.
    seen : function
        From the name of a module and "input" or "output" to the mean square seen there, or NaN.
    """

    weight: Callable[[str], tuple[float, str]]
    bias: Callable[[str], tuple[float, float, str]]
    constant: Callable[[str], bool]
    seen: Callable[[str, str], float]


def propagate(graph: Graph, known: Known) -> dict[str, State]:
    """Return the states of all nodes of which anything is known."""
    states: dict[str, State] = {}
    users = _users(graph.nodes.values())
    for node in graph.nodes.values():
        read = [states.get(name) or _taken(graph.nodes[name], node, known) for name in node.inputs]
        made = _step(node, [one for one in read if one is not None], known) if None not in read else None
        made = made or _taken(node, node, known)
        if made is not None:
            states[node.name] = rooted(node.name, made) if users[node.name] > 1 else made
    return states


def through(nodes: list[Node], start: str, state: State, known: Known) -> State | None:
    """Return the state at the last of `nodes` given that at `start`, or None if it needs anything else."""
    states, users = {start: rooted(start, state)}, _users(nodes)
    for node in nodes:
        if node.inputs and all(name in states for name in node.inputs):
            made = _step(node, [states[name] for name in node.inputs], known)
            if made is not None:
                states[node.name] = rooted(node.name, made) if users[node.name] > 1 else made
    return states.get(nodes[-1].name)


def _users(nodes: Iterable[Node]) -> Counter[str]:
    return Counter(name for node in nodes for name in node.inputs)


def rooted(name: str, state: State) -> State:
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


def _step(node: Node, read: list[State], known: Known) -> State | None:
    """Return the state behind a node, or None where theory says nothing."""
    rules: Mapping[str, Callable[..., State | None]] = {
        "input": _input,
        "linear": _linear,
        "activation": _activation,
        "add": _add,
        "shift": _shift,
        "scale": _scale,
        "dropout": _dropout,
        "norm": _norm,
        "reshape": _reshape,
    }
    return rules[node.kind](node, read, known) if node.kind in rules else None


def _input(node: Node, read: list[State], known: Known) -> State:
    assert node.value is not None
    return State(squares=node.value.astype(np.float64) ** 2, law=laws.of_values(node.value))


def _linear(node: Node, read: list[State], known: Known) -> State | None:
    assert node.apply is not None
    x = read[0] if read else State(squares=np.ones(()))
    variance, why = known.weight(node.weight)
    offset, constant, biased = known.bias(node.bias)
    if math.isnan(variance) or math.isnan(offset):
        return None
    if node.weight in x.depends:
        why = why or f"{node.weight} is used more than once"
    if x.sums and not node.dense:
        why = why or f"what {node.what} reads is known as a sum only"
    own = frozenset({node.weight, node.bias} - {""}) if offset else frozenset({node.weight})
    plain = not (offset or constant)
    before = x.spread if node.groups == 1 or not x.depends else math.inf
    drawn = offset + constant**2
    return State(
        squares=variance * np.asarray(node.apply(*([x.squares] if read else []))) + drawn,
        inexact=x.inexact or why or biased,
        turns=() if constant else (own, *(x.turns if plain else ()))[:FLIPS],
        depends=x.depends | own | ({node.bias} - {""}),
        slack=x.slack,
        root=x.root if plain and node.dense and x.root else "",
        gain=x.gain * variance * (np.shape(x.squares)[-1] if read else 1),
        base=x.base,
        spread=before * _widened(node.rows, 1.0),
        fresh=(before, node.rows),
        axis=node.axis,
    )


@cache
def _widened(rows: int, slope: float) -> float:
    return 1 + float(weight_laws.layer_relative_variance(rows, slope))


@cache
def _kept(slope: float) -> float:
    return float(rectifiers.leaky_second_moment(slope, 1))


def _activation(node: Node, read: list[State], known: Known) -> State | None:
    (x,) = read
    if node.slope is None:
        return _smooth(node, node.function, x, f"{node.what} is no leaky ReLU")
    slope = node.slope
    if slope == 1:
        return x

    def leaky(z: float) -> float:
        return z if z > 0 else slope * z

    if not x.turns:
        return _smooth(node, leaky, x, f"what {node.what} reads is not symmetric")
    if not all(map(known.constant, node.constants)):
        return _smooth(node, leaky, x, f"the slope of {node.what} is drawn")
    kept, largest = _kept(slope), max(1.0, slope**2)
    spread = x.fresh[0] * _widened(x.fresh[1], slope) if x.fresh else x.spread * (largest / kept) ** 2
    law = laws.behind(leaky, 1.0, x.law)
    return replace(x, squares=kept * x.squares, law=law, turns=(), gain=kept * x.gain, spread=spread, fresh=None)


def _smooth(node: Node, function: Function, x: State, why: str) -> State | None:
    try:
        squares, law = laws.activated(function, x.squares, x.law)
    except (ArithmeticError, ValueError):
        return None
    return State(squares=squares, inexact=x.inexact or why, law=law, depends=x.depends, spread=math.inf, axis=x.axis)


def _add(node: Node, read: list[State], known: Known) -> State | None:
    x, f = read if read[1].fresh is not None or not read[1].squares.any() else read[::-1]
    if not f.squares.any() and np.shape(x.squares) == node.shape:
        return replace(x, inexact=x.inexact or f.inexact, depends=x.depends | f.depends)
    apart = any(not turn & f.depends for turn in x.turns) or any(not turn & x.depends for turn in f.turns)
    cross = 0.0 if apart else 2 * laws.mean(x.law) * laws.mean(f.law)
    one, other = np.broadcast_arrays(x.squares, f.squares)
    return State(
        squares=one + other + cross * np.sqrt(one * other),
        inexact=x.inexact or f.inexact or ("" if apart else "summands depend on the same weights, or on none"),
        law=laws.added((x.mean_square, x.law), (f.mean_square, f.law)),
        turns=_both(x, f),
        depends=x.depends | f.depends,
        sums=x.sums or f.sums,
        slack=max(x.slack, f.slack),
        spread=_summed(x, f) if apart and np.shape(x.squares) == np.shape(f.squares) else math.inf,
        fresh=_fresh(x, f) if apart else None,
        axis=f.axis,
    )


def _fresh(x: State, f: State) -> tuple[float, int] | None:
    """Return what is known of w.x + u.y, row by row one linear map of x and y."""
    if x.fresh is None or f.fresh is None or x.fresh[1] != f.fresh[1] or not _both(x, f):
        return None
    return max(x.base * x.fresh[0], f.base * f.fresh[0]), x.fresh[1]


def _both(x: State, f: State) -> Flips:
    """Return the sets that turn two summands at once."""
    pairs = [(one, other) for one in x.turns for other in f.turns]
    fit = [one | other for one, other in pairs if not (other - one) & x.depends and not (one - other) & f.depends]
    return tuple(dict.fromkeys(fit))[:FLIPS]


def _summed(x: State, f: State) -> float:
    """Bound the spread of x + F (see the module)."""
    own = f.turns[0] if f.turns else x.depends
    if f.fresh is None or own & x.depends or not own or not math.isfinite(x.second * f.second):
        return math.inf
    rows = f.fresh[1]
    if x.root and x.root == f.root and x.spread == 1 and x.gain > 0:
        gain = f.gain / x.gain
        return x.base * float(_deep(rows, gain, f.spread)) / (1 + gain) ** 2
    if f.axis is None:
        return math.inf
    whole = (x.squares + f.squares).sum(axis=f.axis)
    share = np.divide(f.squares.sum(axis=f.axis), whole, out=np.zeros_like(whole), where=whole > 0)
    sides = (1 - share) * math.sqrt(x.second), share * math.sqrt(f.second)
    return float(((sides[0] + sides[1]) ** 2 + 4 / rows * sides[0] * sides[1]).max())


@cache
def _deep(rows: int, gain: float, spread: float) -> float:
    """Return E R^2 of a block; `spread` has the last layer's 1 + 2/rows in it."""
    return float(branch_gains.deep_ratio().at(n=rows, eta=math.sqrt(gain), kappa=spread / _widened(rows, 1.0)))


def _shift(node: Node, read: list[State], known: Known) -> State | None:
    (x,) = read
    assert node.value is not None
    if not node.value.any() and all(map(known.constant, node.constants)):
        return x
    why = "" if x.turns and all(map(known.constant, node.constants)) else "numbers are added that no rule draws"
    return State(
        squares=x.squares + node.value**2, inexact=x.inexact or why, depends=x.depends, sums=x.sums, spread=math.inf
    )


def _scale(node: Node, read: list[State], known: Known) -> State | None:
    (x,) = read
    assert node.value is not None
    fixed = all(map(known.constant, node.constants))
    factor = node.value**2
    even = factor.size > 0 and bool((factor == factor.flat[0]).all())
    if fixed and not factor.any():  # nothing is left that could scatter
        return State(squares=0 * x.squares * factor, depends=x.depends, axis=x.axis)
    return replace(
        x,
        squares=x.squares * factor,
        inexact=x.inexact or ("" if fixed else "a scale is drawn at random"),
        gain=x.gain * float(factor.flat[0]),
        root=x.root if even else "",
        spread=x.spread if even or not x.depends else math.inf,
    )


def _dropout(node: Node, read: list[State], known: Known) -> State | None:
    """Entries are kept with probability 1 - p and divided by it: squares grow, and at most so does their spread."""
    (x,) = read
    if not node.rate:
        return x
    if node.rate == 1:
        return None
    kept = 1 - node.rate
    return replace(
        x, squares=x.squares / kept, gain=x.gain / kept, spread=x.spread / kept, fresh=None, depends=x.depends
    )


def _norm(node: Node, read: list[State], known: Known) -> State | None:
    (x,) = read
    small = node.off <= SLIGHT
    why = "" if small and all(map(known.constant, node.constants)) else f"{node.what} is not over the last axis"
    return State(
        squares=np.ones(node.shape),
        inexact=why,
        law=None,
        turns=x.turns,
        depends=x.depends,
        sums=True,
        slack=max(x.slack, node.off) if small else 0.0,
        spread=1.0 if not why else math.inf,
    )


def _reshape(node: Node, read: list[State], known: Known) -> State | None:
    x = read[0]
    if node.apply is None:
        return x
    squares = node.apply(*(one.squares for one in read))
    turns, depends = x.turns, x.depends
    for one in read[1:]:
        turns = _both(replace(x, turns=turns, depends=depends), one)
        depends |= one.depends
    moved = not isinstance(squares, tuple) and np.size(squares) == np.size(x.squares)
    sums = any(one.sums for one in read)
    return State(
        squares=squares,
        inexact=next((one.inexact for one in read if one.inexact), "the layout of a sum changes" if sums else ""),
        law=x.law if len(read) == 1 else None,
        turns=turns,
        depends=depends,
        slack=max(one.slack for one in read),
        base=x.base,
        spread=x.spread if (moved and len(read) == 1) or not depends else math.inf,
        fresh=x.fresh if moved and len(read) == 1 else None,
        axis=None,
    )
