"""Expected squares behind a node, over the weights, from those before it.

*exact* as long as only this is used, at any width: E (w.x)^2 is the variance times ||x||^2; a leaky ReLU keeps
(1 + a^2)/2 of an entry whose law is symmetric, as it is where turning the signs of some weights turns its own; and in
a sum the cross term has mean 0 if turning the signs of some weights turns one summand and leaves the other. So a state
knows which sets of weights turn it, and which it depends on at all; weights that are used again lose exactness. What
follows the first step that needs more is *mean field*: entries behind a linear map are normal, summands independent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from audit import law as laws
from audit.graph import Node
from audit.law import Function
from audit.spreads import FLIPS, both, fresh, summed, widened
from audit.state import Known, State
from theory.layer import rectifiers

SLIGHT = 0.01
"""How far a norm may be from mean square 1 and still count as exact."""


def behind(node: Node, read: list[State], known: Known) -> State | None:
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
        spread=before * widened(node.rows, 1.0),
        fresh=(before, node.rows),
        axis=node.axis,
    )


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
    spread = x.fresh[0] * widened(x.fresh[1], slope) if x.fresh else x.spread * (largest / kept) ** 2
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
        turns=both(x, f),
        depends=x.depends | f.depends,
        sums=x.sums or f.sums,
        slack=max(x.slack, f.slack),
        spread=summed(x, f) if apart and np.shape(x.squares) == np.shape(f.squares) else math.inf,
        fresh=fresh(x, f) if apart else None,
        axis=f.axis,
    )


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
        turns = both(replace(x, turns=turns, depends=depends), one)
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
