"""The verdicts of a run as a table for people, with progress for those who wait."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import Literal

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from claims.catalogue import REGISTRY
from claims.examine import Result, share_of_alpha
from claims.ledger import Ledger
from claims.reports import contents
from claims.reports.words import measured, size, text, wrongs
from claims.run import ALPHA, MISS, Effort
from simulations import Inputs

PIPED_WIDTH = 160
WIDE = 150
"""Columns from which on a claim is one row; in fewer, its numbers stand below its words."""
READABLE = 120
"""Columns that the contents of a paper take at most."""
COLOURS = {"held": "green", "refuted": "red", "inconclusive": "yellow"}


@contextlib.contextmanager
def progress(total: int) -> Iterator[Callable[[Result], None]]:
    """Yield the function to call with every result; shows a bar on standard error if that is a terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("examining claims", total=total)
        yield lambda result: bar.update(task, advance=1, description=result.claim_id)


def show(
    results: Sequence[Result], inputs: Inputs, seed: int, effort: Effort, seconds: float, paper: Ledger | None = None
) -> None:
    """Print the table, grouped by paper, or one paper's contents, then what went wrong, then the run's totals."""
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False)
    if paper:
        for line in contents.lines(paper, results, min(console.width, READABLE)):
            console.print(line, markup=False, soft_wrap=True)
    else:
        console.print(table(results, wide=console.width >= WIDE))
    troubles = (f"{result.claim_id} {trouble}" for result in results for trouble in wrongs(result))
    for line in (*troubles, *totals(results, inputs, seed, effort, seconds)):
        console.print(line, markup=False, soft_wrap=True)


def table(results: Sequence[Result], *, wide: bool) -> Table:
    """Return the verdicts as a table: a column for every number if it is wide, else the numbers below the words."""
    columns: tuple[tuple[str, Literal["left", "right"]], ...] = (
        ("evidence", "left"),
        ("expected", "right"),
        ("measured", "right"),
        ("sees", "right"),
        ("verdict", "left"),
        ("mutants", "right"),
        ("s", "right"),
    )
    made = Table()
    made.add_column("claim", ratio=1)
    for name, justify in columns if wide else columns[-3:-1]:
        made.add_column(name, justify=justify, max_width=22)
    for paper, group in papers(results):
        made.add_section()
        made.add_row(f"[bold]{escape(paper)}[/bold]")
        for result in group:
            words, numbers, verdicts, seconds = _row(result)
            if wide:
                made.add_row(words, *numbers, *verdicts, seconds)
            else:
                kind, expected, shown, sees = numbers
                below = f"{kind}: expected {expected}, measured {shown}, sees {sees}, {seconds}\u00a0s"
                made.add_row(f"{words}\n[dim]{below}[/dim]", *verdicts)
    return made


def papers(results: Sequence[Result]) -> list[tuple[str, list[Result]]]:
    """Group results by paper, in the order of the registry."""
    order = dict.fromkeys(claim.paper for claim in REGISTRY.values())
    by_paper = {paper: [one for one in results if REGISTRY[one.claim_id].paper == paper] for paper in order}
    return [(paper, group) for paper, group in by_paper.items() if group]


def _row(result: Result) -> tuple[str, tuple[str, str, str, str], tuple[str, str], str]:
    """Return a claim's words, its numbers, its verdict with that on its mutants, and its seconds."""
    claim, found = REGISTRY[result.claim_id], result.finding
    colour, complete = COLOURS[found.verdict], result.refuted == len(result.mutants)
    numbers = (found.kind, text(found.expected), measured(found), size(found.detectable))
    return (
        f"{escape(claim.words)} [dim]{' '.join(claim.codes)}[/dim]",
        (numbers[0], escape(numbers[1]), escape(numbers[2]), escape(numbers[3])),
        (
            f"[{colour}]{found.verdict}[/{colour}]",
            f"[{'green' if complete else 'red'}]{result.refuted} of {len(result.mutants)}[/]",
        ),
        f"{result.seconds:.1f}",
    )


def totals(results: Sequence[Result], inputs: Inputs, seed: int, effort: Effort, seconds: float) -> Iterator[str]:
    """Yield the run in sentences: verdicts, inputs, the two error budgets, seed and time."""
    held = sum(result.finding.verdict == "held" for result in results)
    refuted, mutants = sum(result.refuted for result in results), sum(len(result.mutants) for result in results)
    zero = f"; {inputs.zero_rows} rows are all zero: Theorem 1 is undefined there" if inputs.zero_rows else ""
    spent = sum(found.miss for result in results for _, found in result.mutants if found.verdict == "refuted")
    yield f"{held} of {len(results)} claims held, {refuted} of {mutants} mutants refuted"
    yield f"inputs: {inputs.source}{zero}"
    yield f"false alarms: at most {ALPHA:.0e} a run, {share_of_alpha():.1e} a claim"
    others = "missed mutants: " if refuted == mutants else f"missed mutants: {mutants - refuted} here, of the others "
    yield f"{others}at most {min(1.0, spent):.1e} of {MISS:.0e}" + ("" if spent <= MISS else ": over the budget")
    yield f"seed {seed}, {effort} effort, {seconds:.1f} s"
