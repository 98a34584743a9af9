"""Steps between places, given what a seed has at the one before: they scatter less than levels; one test of them all.

Catoni's bound (`evidence.mean`) multiplies moment generating functions that are conditional on what went before, so
differences of a martingale may stand for independent samples.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import numpy as np

from audit.graph import Node
from audit.layers import ENOUGH
from audit.measured import Array, Measured
from audit.places import STILL, Place
from audit.propagate import through
from audit.state import Known, State
from evidence import Finding, MeanTest

GRID = 5
"""Mean squares at which the map from place to place is asked; it is affine, its spread is the largest."""


def steps(found: Measured, exact: list[Place], known: Known, share: float) -> Finding | None:
    """Test all steps between places at once, in units of their deviations."""
    first = exact[0].state
    start = (np.array(first.mean_square), first.second - 1, first.slack)
    told = [(one, _step(found, before, one, known)) for before, one in pairwise(exact)]
    samples, variances = [], []
    for after, step in [(exact[0], start), *told]:
        if step is None or not (STILL < step[1] < math.inf and step[0].min() > 0):
            continue
        predicted, variance, slack = step
        ratios = after.seen / predicted
        centre = np.clip(ratios.mean(), 1 - slack, 1)
        samples.append((ratios - centre)[: ratios.size // 2 * 2] / math.sqrt(variance))
        variances.append(variance)
    if not samples:
        return None
    typical = math.sqrt(float(np.mean(variances)))
    test = MeanTest(0.0, variance=1.0, error=ENOUGH / typical, alpha=share, unit=1.0)
    one = test(np.concatenate(samples))
    return replace(
        one, expected=1.0, measured=1 + float(one.measured) * typical, detectable=float(one.detectable) * typical
    )


def _step(found: Measured, before: Place, after: Place, known: Known) -> tuple[Array, float, float] | None:
    """Return what each seed's mean square becomes, a bound on the relative variance of that, and the slack.

    Only where a mean square says all that counts: behind dense layers, which do not ask how it lies over the entries,
    and behind one layer of any layout, of which it was noted what its input lets one expect.
    """
    nodes = found.graph.between(before.node, after.node)
    maps = [one for one in nodes if one.kind == "linear"]
    if not all(one.dense for one in maps):
        return _one_layer(found, nodes, before, known) if len(maps) == 1 else None
    if not (before.seen > 0).all():
        return None
    grid = np.unique(np.geomspace(before.seen.min(), before.seen.max(), GRID))
    states = [_from(nodes, before, square, known) for square in grid]
    if any(one is None for one in states):
        return None
    able = [one for one in states if one is not None]
    predicted = np.interp(before.seen, grid, [one.mean_square for one in able])  # the map is affine
    return predicted, max(one.second for one in able) - 1, max(one.slack for one in able)


def _one_layer(found: Measured, nodes: list[Node], before: Place, known: Known) -> tuple[Array, float, float] | None:
    """Return the same for one layer without bias and what follows it entry by entry."""
    first, state = nodes[0], _from(nodes, before, 1.0, known)
    module = found.modules.get(first.module)
    if module is None or module.expected is None or first.apply is None or first.bias or state is None:
        return None
    if not (module.expected > 0).all():
        return None
    ones = float(np.mean(first.apply(np.ones(np.shape(before.state.squares)))))
    return state.mean_square / ones * module.expected, state.second - 1, state.slack


def _from(nodes: list[Node], before: Place, square: float, known: Known) -> State | None:
    """Return the exact state behind nodes given the same mean square everywhere before them."""
    start = State(squares=np.full(np.shape(before.state.squares), square), depends=before.state.depends)
    state = through(nodes, before.node, start, known)
    if state is None or state.inexact or not STILL < state.second - 1 < math.inf or not state.mean_square > 0:
        return None
    return state
