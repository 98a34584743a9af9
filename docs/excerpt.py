"""README's excerpt of what ``make checks`` prints: a few claims as a terminal shows them, and the totals of all."""

from __future__ import annotations

import contextlib
import io
import os
import time
from collections.abc import Sequence
from unittest import mock

from claims.catalogue import REGISTRY
from claims.examine import Result, run_claims
from claims.registry import Claim
from claims.reports import terminal
from simulations import digits
from simulations.executors import cores

SHOWN = ("R2", "R8")
"""The codes of the claims in the excerpt; quick ones, as a test runs them again."""
COLUMNS = 116
"""Width of the terminal, so that no line of README is longer than 120."""


class _Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def excerpt() -> str:
    """Run all claims; return the table of those in `SHOWN` and the totals of all, as a block of Markdown.

    Raises
    ------
    RuntimeError
        If one of those in `SHOWN` took three seconds: their times would be those of a busy machine.
    """
    start = time.perf_counter()
    results = examined(list(REGISTRY.values()), workers=cores())
    shown = [result for result in results if REGISTRY[result.claim_id] in chosen()]
    if max(result.seconds for result in shown) >= 3:
        raise RuntimeError("a quick claim took three seconds; make the excerpt on a machine that does nothing else")
    return "\n".join(["```", *table(shown), *_totals(results, time.perf_counter() - start), "```"])


def chosen() -> list[Claim]:
    """Return the claims in `SHOWN`."""
    return [claim for claim in REGISTRY.values() if set(claim.codes) & set(SHOWN)]


def examined(claims: Sequence[Claim], workers: int = 1) -> list[Result]:
    """Examine `claims` as ``make checks`` does."""
    return run_claims(claims, inputs=digits(), seed=0, effort="standard", workers=workers)


def table(results: Sequence[Result]) -> list[str]:
    """Return the lines of the table that a terminal of `COLUMNS` columns shows of `results`."""
    plain = {"TERM": "dumb", "COLUMNS": str(COLUMNS), "LINES": "50"}
    with mock.patch.dict(os.environ, plain), contextlib.redirect_stdout(_Screen()) as screen:
        terminal.show(results, digits(), 0, "standard", 0.0)
    lines = [line.rstrip() for line in screen.getvalue().splitlines()]
    return lines[: -len(_totals(results, 0.0))]


def _totals(results: Sequence[Result], seconds: float) -> list[str]:
    return list(terminal.totals(results, digits(), 0, "standard", seconds))
