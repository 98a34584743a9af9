"""An audit as a table for people, worst first; what is sound is counted, and shown on request."""

from __future__ import annotations

import io
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from audit.against import Change
from audit.report import Report
from audit.statement import Statement, Verdict

WIDTH = 120
COLOURS: dict[Verdict, str] = {"against": "red", "unsure": "yellow", "note": "cyan", "sound": "green"}


def show(report: Report, *, everything: bool = False) -> None:
    """Print the table on standard output."""
    _print(report, Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False), everything=everything)


def show_changes(changes: Sequence[Change], since: str) -> None:
    """Print what changed since an earlier audit."""
    console = Console(width=None if sys.stdout.isatty() else WIDTH, highlight=False)
    worse = sum(one.worse for one in changes)
    console.print(f"since {since}: {len(changes)} changes, {worse} for the worse", markup=False, soft_wrap=True)
    for one in changes:
        console.print(
            f"  {'worse  ' if one.worse else 'changed'} {one.where}: {one.words}", markup=False, soft_wrap=True
        )


def plain(report: Report) -> str:
    """Return the table as text."""
    text = io.StringIO()
    _print(report, Console(file=text, width=WIDTH, highlight=False, color_system=None), everything=False)
    return text.getvalue()


def _print(report: Report, console: Console, *, everything: bool) -> None:
    shown = [
        one
        for one in report.statements
        if everything or one.verdict != "sound" or one.kind in ("depth", "loss", "step")
    ]
    table = Table()
    table.add_column("verdict")
    table.add_column("where", ratio=2, overflow="fold")
    table.add_column("what is so, and why", ratio=5, overflow="fold")
    for alike in grouped(shown):
        one = alike[0]
        why = f"\n[dim]cause:[/dim] {escape(one.cause)}" if one.cause else ""
        colour, others = COLOURS[one.verdict], f" and {len(alike) - 1} more" if len(alike) > 1 else ""
        where = f"{escape(one.where + others)}\n[dim]{one.kind}[/dim]"
        table.add_row(f"[{colour}]{one.verdict}[/{colour}]", where, f"{escape(one.words)}{why}")
    if shown:
        console.print(table)
    for line in totals(report):
        console.print(line, markup=False, soft_wrap=True)


def grouped(statements: Sequence[Statement]) -> list[list[Statement]]:
    """Group those of one cause, or of the same words; the first is the worst, and its words are shown."""
    groups: dict[tuple[str, ...], list[Statement]] = {}
    for one in statements:
        groups.setdefault(
            (one.verdict, one.kind, one.cause if one.cause and one.kind != "depth" else one.words), []
        ).append(one)
    return list(groups.values())


def totals(report: Report) -> tuple[str, str, str]:
    """Return how many statements have each verdict, how they were found, and whether the model is sound."""
    counts = report.counts()
    mode = "train" if report.train else "eval"
    return (
        ", ".join(f"{number} {verdict}" for verdict, number in counts.items()),
        f"{report.seeds} seeds, {mode} mode; false alarms of tests: at most {report.alpha:.0e} an audit",
        "sound: nothing is said against it" if report.sound else "not as it should be: see above",
    )
