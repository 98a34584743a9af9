"""Show verdicts: a table for people, a JSON file for programs, progress for those who wait."""

from __future__ import annotations

import contextlib
import json
import math
import os
import platform
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from importlib import metadata
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as RichTable

from claims.registry import REGISTRY, Claim
from claims.run import ALPHA, MISS, Effort
from claims.runner import Result, passed, share_of_alpha, spent_on_misses
from evidence import Finding
from simulations import Inputs

COLOURS = {"held": "green", "refuted": "red", "inconclusive": "yellow"}


class Table:
    """The table of a run on standard output, and its progress on standard error if that is a terminal."""

    def __init__(self, claims: Sequence[Claim], inputs: Inputs, seed: int, effort: Effort) -> None:
        self.claims, self.inputs, self.seed, self.effort = claims, inputs, seed, effort
        self.console = Console(width=None if sys.stdout.isatty() else 168, highlight=False)

    @contextlib.contextmanager
    def progress(self) -> Iterator[Callable[[Result], None]]:
        """Yield the function to call with every result."""
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task("examining claims", total=len(self.claims))
            yield lambda result: bar.update(task, advance=1, description=result.claim_id)

    def show(self, results: Sequence[Result], seconds: float) -> None:
        """Print the table, what went wrong, and the run's totals."""
        table = RichTable(show_lines=False, pad_edge=False)
        table.add_column("claim", ratio=1)
        for name, justify in (
            ("evidence", "left"),
            ("expected", "right"),
            ("measured", "right"),
            ("sees", "right"),
            ("verdict", "left"),
            ("mutants", "right"),
            ("s", "right"),
        ):
            table.add_column(name, justify=justify)  # type: ignore[arg-type]
        by_paper = sorted(results, key=lambda result: list(_papers()).index(REGISTRY[result.claim_id].paper))
        for paper, group in groupby(by_paper, key=lambda result: REGISTRY[result.claim_id].paper):
            table.add_section()
            table.add_row(f"[bold]{paper}[/bold]")
            for result in group:
                table.add_row(*_row(result))
        self.console.print(table)
        for line in _troubles(results):
            self.console.print(line, markup=False)
        self._totals(results, seconds)

    def _totals(self, results: Sequence[Result], seconds: float) -> None:
        held = sum(result.finding.verdict == "held" for result in results)
        refuted, mutants = sum(result.refuted for result in results), sum(len(result.mutants) for result in results)
        zero = (
            f"; {self.inputs.zero_rows} all-zero rows, for which Theorem 1 is undefined"
            if self.inputs.zero_rows
            else ""
        )
        for line in (
            f"{held} of {len(results)} claims held, {refuted} of {mutants} mutants refuted",
            f"inputs: {self.inputs.source}{zero}",
            f"false alarms: at most {ALPHA:.0e} a run ({share_of_alpha():.1e} a claim)",
            f"missed mutants: {spent_on_misses(results):.1e} of {MISS:.0e} allowed",
            f"seed {self.seed}, {self.effort} effort, {seconds:.1f} s",
        ):
            self.console.print(line, markup=False)


def _papers() -> dict[str, None]:
    return dict.fromkeys(claim.paper for claim in REGISTRY.values())


def _row(result: Result) -> tuple[str, ...]:
    claim, found = REGISTRY[result.claim_id], result.finding
    colour = COLOURS[found.verdict]
    complete = result.refuted == len(result.mutants)
    return (
        f"{claim.words} [dim]\\[{' '.join(claim.codes)}][/dim]",
        found.kind,
        _text(found.expected),
        _text(found.measured),
        _percent(found.detectable),
        f"[{colour}]{found.verdict}[/{colour}]",
        f"[{'green' if complete else 'red'}]{result.refuted} of {len(result.mutants)}[/]",
        f"{result.seconds:.1f}",
    )


def _troubles(results: Sequence[Result]) -> Iterator[str]:
    for result in results:
        if result.finding.verdict != "held":
            yield f"{result.claim_id}: {result.finding.verdict}. {result.finding.note}"
        for name, found in result.mutants:
            if found.verdict != "refuted":
                yield f"{result.claim_id}, mutant “{name}”: {found.verdict}, not refuted. {found.note}"
            elif found.miss > 1e-3:
                yield f"{result.claim_id}, mutant “{name}”: too close to the truth to be seen reliably (would survive with probability {found.miss:.1e})"
    if not passed(results) and spent_on_misses(results) > MISS:
        yield f"the mutants' summed probability of surviving, {spent_on_misses(results):.1e}, exceeds {MISS:.0e}"


def _text(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"


def _percent(value: float | str) -> str:
    if isinstance(value, str):
        return value
    return f"{value:.1%}" if value >= 1e-3 else f"{value:.0e}"


def write_json(
    path: Path, results: Sequence[Result], inputs: Inputs, seed: int, effort: Effort, seconds: float
) -> None:
    """Write the results to `path`, whole or not at all."""
    document = {
        "seed": seed,
        "alpha": ALPHA,
        "miss": MISS,
        "effort": effort,
        "seconds": round(seconds, 3),
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in ("numpy", "scipy", "sympy")},
        },
        "inputs": inputs.source,
        "claims": [_entry(result) for result in results],
    }
    write_whole(path, json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _entry(result: Result) -> dict[str, object]:
    claim, found = REGISTRY[result.claim_id], result.finding
    return {
        "id": claim.id,
        "catalogue": list(claim.codes),
        "paper": claim.paper,
        "where": claim.where,
        "states": claim.states,
        "kind": found.kind,
        "exact": claim.exact,
        "verdict": found.verdict,
        "p_value": found.p_value,
        "expected": _plain(found.expected),
        "measured": _plain(found.measured),
        "detectable": _plain(found.detectable),
        "non_vacuous": found.non_vacuous,
        "seconds": round(result.seconds, 3),
        "mutants": [_mutant_entry(claim, name, finding) for name, finding in result.mutants],
    }


def _mutant_entry(claim: Claim, name: str, found: Finding) -> dict[str, object]:
    why = next(m.why for m in claim.mutants if m.name == name)
    return {
        "name": name,
        "why": why,
        "verdict": found.verdict,
        "p_value": found.p_value,
        "effect": _plain(found.effect),
        "miss_probability": found.miss,
    }


def _plain(value: float | str) -> float | str:
    return value if isinstance(value, str) or math.isfinite(value) else str(value)


def write_whole(path: Path, text: str) -> None:
    """Write a text file through a temporary neighbour and a rename, so that no reader sees half of it."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def unwritable(path: Path) -> str:
    """Say why `path` cannot be written, or return an empty text."""
    if path.is_dir():
        return "it is a folder"
    if not path.parent.is_dir():
        return f"there is no folder {path.parent}"
    return "" if os.access(path.parent, os.W_OK) else f"the folder {path.parent} is not writable"
