"""The two pictures of an audit's page: mean squares forwards and backwards, a column for each module in order of call.

A column says what was measured over the seeds, what a statement predicts for it, and leads to what is said against it.
Positions are shares of the picture's width, so that one picture fits a phone and a printed page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise
from typing import Any

import numpy as np

from audit.depth import FEWEST, blocks
from audit.measured import Array, Module
from audit.report import Report
from audit.statement import Verdict

HEIGHT, FOOT, EDGE = 190, 22, 10
"""Pixels of the plotting area, of the numbers below it, and between its frame and the outermost points."""
MARKS: Mapping[Verdict, str] = {"against": "refuted", "unsure": "doubt", "note": "plain", "sound": "plain"}
"""How a column looks that bears a verdict."""
SPREAD = (0.05, 0.5, 0.95)
DIGITS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class Column:
    """A module at its place: a share of the width, quantiles over the seeds, and what is predicted of it."""

    number: int
    module: Module
    across: float
    spread: tuple[float, float, float] | None
    predicted: tuple[float, float, float] | None


@dataclass(frozen=True)
class Scale:
    """A logarithmic axis from one power of ten to another."""

    low: int
    high: int

    def down(self, value: float) -> float:
        """Return how many pixels below the top a value stands; zeros stand at the bottom."""
        power = math.log10(value) if value > 0 else -math.inf
        share = (min(self.high, max(self.low, power)) - self.low) / (self.high - self.low)
        return HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)


def picture(report: Report, what: str, title: str, links: Mapping[str, tuple[str, Verdict]]) -> str:
    """Return a figure of the mean squares of `what`, "output" or "gradient".

    Parameters
    ----------
    title : str
        Said above it.
    links : mapping
        From the name of a module to the place on the page where the worst about it is said, and its verdict.
    """
    columns = _columns(report, what)
    seen = [one for one in columns if one.spread]
    if not seen:
        return ""
    rows = along(report) if what == "output" else []
    scale = _scale(seen, [row["predicted"] for _, row in rows])
    parts = [
        f'<figure class="depth"><figcaption><b>{escape(title)}</b></figcaption><div class="plot">',
        *_axis(scale),
        f'<svg width="100%" height="{HEIGHT + FOOT}" role="group" aria-label="{escape(title, quote=True)}">',
        *(f'<line class="rule" x2="100%" y1="{at}" y2="{at}"/>' for at, _ in _ticks(scale)),
        *_whole(rows, scale),
        *_line(report, what, seen, scale),
        *(part for one in seen for part in _column(one, scale, links.get(one.module.name))),
        *_numbers(columns),
        "</svg></div></figure>",
    ]
    return "".join(parts)


def predictions(report: Report) -> dict[str, tuple[float, float, float]]:
    """Return the mean square that an exact statement promises behind a module, and the ends of its band.

    Layers that add a bias are left out: the promise is for what they put out without it.
    """
    found = {}
    for one in report.statements:
        module = report.measured.modules.get(one.where)
        if one.kind != "exact, given the input" or module is None or module.squares is None:
            continue
        behind = module.moments.get("output mean square", np.full(module.seeds, np.nan))
        if np.allclose(module.squares, behind, rtol=1e-4, atol=0, equal_nan=True):
            middle = one.numbers["keeps"] * module.mean("input mean square")
            found[one.where] = (middle * one.numbers["low"], middle, middle * one.numbers["high"])
    return found


def along(report: Report) -> list[tuple[float, Mapping[str, Any]]]:
    """Return the predictions of the whole net that a report has, each at its share of the width.

    A row says "name", "predicted", "low", "high" and "reading" ("exact", or "mean field", which has no band). It is of
    what a module puts out, "before" one of what it is given, or "the output".
    """
    modules = [one.name for one in report.measured.in_order()]
    rows: list[tuple[float, Mapping[str, Any]]] = []
    for one in report.places:
        row: Mapping[str, Any] = one.as_numbers()
        name = "" if row["name"] == "the output" else row["name"].removeprefix("before ")
        if name in modules and row["predicted"] > 0:
            early = 1.0 if row["name"].startswith("before ") else 0.5
            rows.append((100 * (modules.index(name) + 1 - early) / len(modules), row))
    return rows


def _columns(report: Report, what: str) -> list[Column]:
    modules = report.measured.in_order()
    promised = predictions(report) if what == "output" else {}
    return [
        Column(
            place + 1,
            one,
            100 * (place + 0.5) / len(modules),
            _quantiles(one.moments.get(f"{what} mean square")),
            promised.get(one.name),
        )
        for place, one in enumerate(modules)
    ]


def _quantiles(row: Array | None) -> tuple[float, float, float] | None:
    seen = row[np.isfinite(row)] if row is not None else np.empty(0)
    if not seen.size:
        return None
    low, middle, high = np.quantile(seen, SPREAD)
    return float(low), float(middle), float(high)


def _scale(columns: Sequence[Column], whole: Sequence[float]) -> Scale:
    values = [value for one in columns for value in (*(one.spread or ()), *(one.predicted or ())) if value > 0]
    values += whole
    low, high = math.log10(min(values, default=1.0)), math.log10(max(values, default=1.0))
    return Scale(math.floor(low), max(math.ceil(high), math.floor(low) + 1))


def _ticks(scale: Scale) -> Iterator[tuple[float, str]]:
    step = max(1, math.ceil((scale.high - scale.low) / 6))
    for power in range(scale.low, scale.high + 1, step):
        yield round(scale.down(10.0**power), 1), f"10{str(power).translate(DIGITS)}"


def _axis(scale: Scale) -> Iterator[str]:
    yield f'<svg class="axis" height="{HEIGHT + FOOT}" aria-hidden="true">'
    for at, label in _ticks(scale):
        yield f'<text x="96%" y="{at + 4}" text-anchor="end">{label}</text>'
    yield "</svg>"


def _line(report: Report, what: str, columns: Sequence[Column], scale: Scale) -> Iterator[str]:
    """Yield a line through the blocks that the depth is judged by, in the colour of its verdict."""
    chain = blocks(report.measured)
    if len(chain) < FEWEST:
        return
    ends = (chain[0], chain[-1]) if what == "output" else (chain[-1], chain[0])
    where = f"{ends[0].name} to {ends[1].name}"
    said = [one.verdict for one in report.statements if one.kind == "depth" and one.where == where]
    look = MARKS[said[0]] if said else "plain"
    names = {one.name for one in chain}
    points = [(one.across, scale.down(one.spread[1])) for one in columns if one.module.name in names and one.spread]
    for (x1, y1), (x2, y2) in pairwise(points):
        yield f'<line class="chain {look}" x1="{x1:.2f}%" x2="{x2:.2f}%" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _whole(rows: Sequence[tuple[float, Mapping[str, Any]]], scale: Scale) -> Iterator[str]:
    """Yield bands, where there are some, and a line through what is predicted, broken where it is mean field."""
    for x, row in rows:
        if row["low"] <= row["high"]:  # which NaN is not
            low, high = scale.down(row["low"]), scale.down(row["high"])
            yield f'<line class="band" x1="{x:.2f}%" x2="{x:.2f}%" y1="{low + 1:.1f}" y2="{high - 1:.1f}"/>'
    for (x1, one), (x2, other) in pairwise(rows):
        y1, y2 = scale.down(one["predicted"]), scale.down(other["predicted"])
        look = "whole" if one["reading"] == other["reading"] == "exact" else "whole field"
        yield f'<line class="{look}" x1="{x1:.2f}%" x2="{x2:.2f}%" y1="{y1:.1f}" y2="{y2:.1f}"/>'


def _column(one: Column, scale: Scale, link: tuple[str, Verdict] | None) -> Iterator[str]:
    assert one.spread is not None
    says = escape(_said(one), quote=True)
    look, x = MARKS[link[1]] if link else "plain", f"{one.across:.2f}%"
    yield f'<a class="{look}" href="#{link[0]}" aria-label="{says}">' if link else f'<g class="{look}">'
    yield f"<title>{says}</title>"
    if link:
        yield f'<line class="stripe" x1="{x}" x2="{x}" y1="0" y2="{HEIGHT}"/>'
    if one.predicted:
        low, middle, high = (scale.down(value) for value in one.predicted)
        yield f'<line class="band" x1="{x}" x2="{x}" y1="{low + 1:.1f}" y2="{high - 1:.1f}"/>'
        yield f'<svg x="{x}" y="{middle:.1f}" overflow="visible"><line class="predicted" x1="-7" x2="7"/></svg>'
    low, middle, high = (scale.down(value) for value in one.spread)
    yield f'<line class="spread" x1="{x}" x2="{x}" y1="{low:.1f}" y2="{high:.1f}"/>'
    yield f'<circle cx="{x}" cy="{middle:.1f}" r="{2.2 if one.spread[1] == 0 else 3.2}"/>'
    yield "</a>" if link else "</g>"


def _said(one: Column) -> str:
    assert one.spread is not None
    low, middle, high = one.spread
    name = f"{one.module.name or 'the model'} ({one.module.kind})"
    promised = f"; predicted {one.predicted[1]:.3g}" if one.predicted else ""
    return f"{one.number}. {name}: mean square {middle:.3g} ({low:.3g} to {high:.3g}){promised}"


def _numbers(columns: Sequence[Column]) -> Iterator[str]:
    """Yield the numbers of some columns, few enough for a phone."""
    step = next(one for one in (1, 2, 5, 10, 20, 50, 100, 200, 500, len(columns)) if len(columns) / one <= 12)
    for one in columns:
        if one.number % step == 0 or step == 1:
            yield f'<text x="{one.across:.2f}%" y="{HEIGHT + 16}" text-anchor="middle">{one.number}</text>'
