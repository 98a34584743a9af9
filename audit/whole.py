"""The whole net: mean squares along it, predicted from the input and the rules of the weights, beside those measured.

What is compared: the graph says what the model does with its weights; the rules that are claimed, or else recognised,
say how these are drawn. Where all is exact (`audit.propagate`), two tests share an error rate. *Levels*: at every place
the ratio of what a seed made to what is predicted from the input alone has mean 1 and a variance that is bounded.
*Steps*: between places, given what a seed has at the one before, likewise; they scatter less, and are tested together.
(Catoni's bound in `evidence.mean` multiplies conditional moment generating functions, so differences of a martingale
may stand for independent samples.) A test that could not see a mean square half as large again is unsure.

On mean field alone nothing is said against a model: what disagrees by more than `FACTOR` is a note.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from audit.depth import FEWEST, blocks
from audit.graph import Node
from audit.layers import ENOUGH
from audit.measured import Array, Measured, Module
from audit.propagate import Known, State, propagate, through
from audit.statement import Statement, Verdict
from evidence import Finding, MeanTest
from evidence.finding import Verdict as FindingVerdict

FACTOR = 1.5
ROUNDING = 0.01
"""Relative, of half precision in depth; what scatters less than `STILL` must be right to it."""
STILL = 1e-9
GRID = 5
WHERE = "the whole net"


@dataclass(frozen=True)
class Place:
    """A place of the net: what is predicted there and what was seen."""

    name: str
    node: str
    seen: Array
    """Mean squares (seeds,)."""
    state: State
    finding: Finding | None = None
    """Of the test of its level, where that is exact."""

    @property
    def exact(self) -> bool:
        """Whether the prediction is exact."""
        return not self.state.inexact

    @property
    def ratio(self) -> float:
        """Seen / predicted."""
        expected = self.state.mean_square
        return float(self.seen.mean()) / expected if expected > 0 else math.nan

    @property
    def error(self) -> float:
        """The standard error of the mean of what was seen."""
        return float(self.seen.std(ddof=1)) / math.sqrt(self.seen.size)

    def as_numbers(self) -> dict[str, str | float]:
        """Return a row of a table: a line, a band around it, and a point with its error.

        The band is two standard deviations, at most, of what a mean over so many seeds does around an exact line.
        """
        expected, exact = self.state.mean_square, self.finding is not None
        wide = 2 * math.sqrt((self.state.second - 1) / self.seen.size) if exact else math.nan
        return {
            "name": self.name,
            "reading": "mean field" if self.state.inexact else "exact",
            "why": self.state.inexact,
            "predicted": expected,
            "low": expected * max(0.0, 1 - wide - self.state.slack) if exact else math.nan,
            "high": expected * (1 + wide) if exact else math.nan,
            "measured": float(self.seen.mean()),
            "standard error": self.error,
        }


def tests(found: Measured) -> int:
    """Return how many tests the whole net may have: one a place, and one of all steps."""
    return len(_places(found)) + 1 if found.graph.nodes else 0


def along(found: Measured, known: Known, share: float) -> list[Place]:
    """Return the places of a net, those that are exact with their tests."""
    if not found.graph.nodes:
        return []
    states = propagate(found.graph, known)
    made = [Place(name, node, rows, states[node]) for name, node, rows in _places(found) if node in states]
    told = [one for one in made if one.state.depends and not (one.state.taken or isinstance(one.state.squares, tuple))]
    return [replace(one, finding=_level(one, share)) if one.exact else one for one in told]


def whole(found: Measured, places: list[Place], known: Known, share: float) -> Iterator[Statement]:
    """Say how what is predicted of the whole net agrees with what was seen, and which block is unlike the others."""
    if found.graph.lost:
        words = f"the model cannot be traced, so nothing is said of the whole net ({found.graph.lost})"
        yield Statement(kind="mean field", where=WHERE, verdict="note", words=words)
        return
    exact = [one for one in places if one.finding is not None]
    if exact:
        yield _exactly(exact, _steps(found, exact, known, share))
    inexact = [one for one in places if not one.exact]
    if not places and found.graph.nodes:
        words = "nothing is predicted of the whole net: no rule is known of what its blocks are made of"
        yield Statement(kind="mean field", where=WHERE, verdict="note", words=words)
    if inexact:
        yield _on_mean_field(inexact)
    yield from _unlike(found)


def _places(found: Measured) -> list[tuple[str, str, Array]]:
    """Return name, node and mean squares: behind every block, or before every layer but the first; and at the end."""
    chain, graph = blocks(found), found.graph
    made = []
    if len(chain) >= FEWEST and chain[0].squares is not None:
        made = [(f"before {one.name}", graph.starts.get(one.name, ""), one, "input") for one in chain[1:]]
    elif len(chain) >= FEWEST:
        made = [(one.name, graph.ends.get(one.name, ""), one, "output") for one in chain]
    last = found.modules.get("")
    end = graph.ends.get("", "")
    if last is not None and end not in [node for _, node, _, _ in made]:
        made.append(("the output", end, last, "output"))
    order = {node: number for number, node in enumerate(graph.nodes)}
    known = {node: (name, node, _rows(one, side)) for name, node, one, side in made if node in order}
    return sorted((one for one in known.values() if np.isfinite(one[2]).all()), key=lambda one: order[one[1]])


def _rows(module: Module, side: str) -> Array:
    return module.moments.get(f"{side} mean square", np.full(module.seeds, np.nan))


def _level(place: Place, share: float) -> Finding:
    """Test that the mean of seen / predicted is 1, or a little less behind norms."""
    state = place.state
    if not state.mean_square > 0:
        return _mean(place.seen, 0.0, 0.0, share)
    ratios = place.seen / state.mean_square
    return _mean(ratios, float(np.clip(ratios.mean(), 1 - state.slack, 1)), state.second - 1, share)


def _mean(ratios: Array, expected: float, variance: float, share: float) -> Finding:
    """Test a mean; without a variance every one of them must be it, but for rounding."""
    if variance < STILL:
        found = MeanTest(0.0, variance=1.0, error=ROUNDING, alpha=share, unit=1.0)(np.zeros(ratios.size))
        verdict: FindingVerdict = "refuted" if np.abs(ratios - expected).max() > ROUNDING else "held"
        seen = float(ratios.mean())
        return replace(found, verdict=verdict, expected=expected, measured=seen, detectable=ROUNDING, note="")
    return MeanTest(expected, variance=variance, error=ENOUGH, alpha=share, unit=1.0)(ratios)


def _steps(found: Measured, exact: list[Place], known: Known, share: float) -> Finding | None:
    """Test all steps between places at once, in units of their deviations."""
    first = exact[0].state
    start = (np.array(first.mean_square), first.second - 1, first.slack)
    steps = [(one, _step(found, before, one, known)) for before, one in pairwise(exact)]
    samples, variances = [], []
    for after, told in [(exact[0], start), *steps]:
        if told is None or not (STILL < told[1] < math.inf and told[0].min() > 0):
            continue
        predicted, variance, slack = told
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


def _exactly(exact: list[Place], steps: Finding | None) -> Statement:
    last = exact[-1]
    levels = [(one, one.finding) for one in exact if one.finding is not None]
    wrong = [(one, finding) for one, finding in levels if _refuted(finding)]
    stepped = steps is not None and _refuted(steps)
    sees = float(levels[-1][1].detectable)
    each = "" if steps is None else f"; from place to place {float(steps.measured):.3g} (sees {_share(steps)})"
    words = (
        f"at {last.name} the rules of the weights predict a mean square of {last.state.mean_square:.3g}, at any width; "
        f"seen / predicted {last.ratio:.3g} (sees {_share(levels[-1][1])}){each}"
    )
    verdict: Verdict = "against" if wrong or stepped else "unsure"
    least = min([sees] + ([] if steps is None else [float(steps.detectable)]))
    if verdict == "unsure" and least <= ENOUGH:
        verdict = "sound"
    ratio = wrong[0][0].ratio if wrong else float(steps.measured) if steps is not None else 1.0
    cause = {
        "against": f"{f'at {wrong[0][0].name}' if wrong else 'from place to place'} there is {ratio:.3g} of what the "
        "rules of its weights make of the input: they are not drawn as they are said to be, or not independently",
        "unsure": "mean squares may scatter so much that half as much again would not be seen; more seeds",
    }
    return Statement(
        kind="exact, whole net",
        where=WHERE,
        verdict=verdict,
        words=words,
        cause=cause.get(verdict, ""),
        severity=abs(math.log(ratio)) if verdict == "against" and ratio > 0 else 0.0,
        numbers={
            "predicted": last.state.mean_square,
            "seen": float(last.seen.mean()),
            "seen / predicted": last.ratio,
            "sees": sees,
            "step": float(steps.measured) if steps is not None else math.nan,
            "step sees": float(steps.detectable) if steps is not None else math.nan,
        },
    )


def _refuted(finding: Finding) -> bool:
    """Whether a mean or, by its note, a variance is refuted."""
    return finding.verdict == "refuted" or "refutes the stated" in finding.note


def _share(finding: Finding) -> str:
    size = float(finding.detectable)
    return f"{size:.0%}" if size < 10 else "nothing"


def _on_mean_field(places: list[Place]) -> Statement:
    able = [one for one in places if one.ratio > 0]
    last = places[-1]
    worst = max(able, key=lambda one: abs(math.log(one.ratio)), default=last)
    off = abs(math.log(worst.ratio)) if worst.ratio > 0 else math.inf
    far = off > math.log(FACTOR) and abs(worst.seen.mean() - worst.state.mean_square) > 3 * worst.error
    words = (
        f"mean square {last.state.mean_square:.3g} at {last.name} by mean field from the input's; seen "
        f"{last.seen.mean():.3g} +- {last.error:.2g}, {last.ratio:.3g} of it"
    )
    if worst is not last:
        words += f"; they differ most at {worst.name}, {worst.ratio:.3g}"
    why = f"; mean field from {places[0].name} on, for {places[0].state.inexact}"
    return Statement(
        kind="mean field",
        where=WHERE,
        verdict="note" if far else "sound",
        words=words + why,
        severity=off if far else 0.0,
        numbers={
            "predicted": last.state.mean_square,
            "seen": float(last.seen.mean()),
            "standard error": last.error,
            "seen / predicted": last.ratio,
            "worst": worst.ratio,
        },
    )


def _unlike(found: Measured) -> Iterator[Statement]:
    """Say which block lacks a scale that its siblings have, or has one that they have not."""
    chain = [one for one in blocks(found) if one.squares is None and one.name in found.graph.ends]
    scales = [_scales(found, one) for one in chain]
    usual, count = Counter(frozenset(one.items()) for one in scales).most_common(1)[0] if chain else (frozenset(), 0)
    if count < 2 or 3 * count < 2 * len(chain):
        return
    for one, own in zip(chain, scales, strict=True):
        lost, more = dict(usual), own
        lost = {size: number - own[size] for size, number in lost.items() if number > own[size]}
        more = Counter({size: n - dict(usual).get(size, 0) for size, n in own.items() if n > dict(usual).get(size, 0)})
        told = [f"no scale by {size:.4g}, as {count} of {len(chain)} blocks have" for size in lost]
        told += [f"a scale by {size:.4g} that {count} of {len(chain)} blocks have not" for size in more]
        if told:
            factor = math.prod(size**number for size, number in more.items())
            factor /= math.prod(size**number for size, number in lost.items())
            yield Statement(
                kind="exact, whole net",
                where=one.name,
                verdict="note",
                words=f"the graph has {', '.join(told)}: a factor of {factor:.3g}, {factor**2:.3g} in squares",
                severity=abs(math.log(factor)) if factor > 0 else math.inf,
                numbers={"factor": factor},
            )


def _scales(found: Measured, block: Module) -> Counter[float]:
    """Return the constant factors inside a block, to four digits."""
    start, end = found.graph.starts.get(block.name, ""), found.graph.ends[block.name]
    nodes = found.graph.between(start, end) if start else []
    sizes = [one.value for one in nodes if one.kind == "scale" and not one.constants and one.value is not None]
    return Counter(float(f"{one.flat[0]:.4g}") for one in sizes if one.size == 1)
