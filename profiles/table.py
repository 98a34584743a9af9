"""Profiles as a table for people."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from profiles import words
from profiles.record import Profile

COLOURS = {"held": "green", "refuted": "red", "too few draws": "yellow", "not judged": "dim", "": "dim"}
PIPED_WIDTH = 160
SIDE_BY_SIDE = 4


def show(profiles: Sequence[Profile]) -> None:
    """Print one profile with all its columns, or several side by side."""
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    if len(profiles) == 1:
        console.print(one(profiles[0]))
        return
    for start in range(0, len(profiles), SIDE_BY_SIDE):
        some = profiles[start : start + SIDE_BY_SIDE]
        console.print(beside(some, "mean square"))
        if all(found.gradient for found in some):
            console.print(beside(some, "gradient²"))


def one(found: Profile) -> Table:
    """Return a table of one profile."""
    table = Table(title=escape(found.name), title_justify="left", caption_justify="left")
    for head in ("", "mean square", "measured"):
        table.add_column(head, justify="right")
    if found.variance:
        table.add_column("variance", justify="right")
        table.add_column("measured", justify="right")
    if found.gradient:
        table.add_column("gradient²", justify="right")
        table.add_column("measured", justify="right")
    if found.means is not None:
        table.add_column("mean", justify="right")
        table.add_column("active", justify="right")
    table.add_column("sees", justify="right")
    table.add_column("verdict")
    for position in words.shown(found):
        table.add_row(*_row(found, position))
    return table


def _row(found: Profile, position: int) -> list[str]:
    cells = [str(position)]
    for column in (found.second_moment, found.variance, found.gradient):
        if column:
            cells += [words.expected(column, position), words.size(column.measured[position])]
    if found.means is not None and found.active is not None:
        cells += [f"{found.means[position]:.3g}", f"{found.active[position]:.0%}"]
    return [*cells, words.sees(found, position), _coloured(words.verdict(found, position))]


def beside(profiles: Sequence[Profile], quantity: Literal["mean square", "gradient²"]) -> Table:
    """Return a table of one quantity of several profiles, with the verdicts on all that they tested."""
    table = Table(title=quantity, title_justify="left")
    table.add_column("", justify="right")
    for name in _names(profiles):
        table.add_column(escape(name), justify="right", no_wrap=True)
        table.add_column("measured", justify="right", no_wrap=True)
        table.add_column("verdict", no_wrap=True)
    for position in sorted({position for found in profiles for position in words.shown(found)}):
        cells = [str(position)]
        for found in profiles:
            column = found.second_moment if quantity == "mean square" else found.gradient
            assert column is not None
            cells += [words.expected(column, position), words.size(column.measured[position])]
            cells.append(_coloured(words.verdict(found, position)))
        table.add_row(*cells)
    return table


def _names(profiles: Sequence[Profile]) -> list[str]:
    """Return of each name the parts in which they differ."""
    parts = [found.name.split(", ") for found in profiles]
    return [", ".join(p for p in own if not all(p in others for others in parts)) or ", ".join(own) for own in parts]


def _coloured(word: str) -> str:
    return f"[{COLOURS[word]}]{word}[/]" if word else ""
