"""Race Fathom against PyTorch and JAX: ``make bench``.

Progress goes to standard error if that is a terminal, the table to standard output, everything to a JSON file, and the
table of a whole run into docs/engines.md. Exit status: 0 if all contestants did the same work, whether or not targets
were met; 1 if not; 2 for a wrong call.
"""

from __future__ import annotations

import fnmatch
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.speed import table
from benchmarks.speed.cases import RACES, Case
from benchmarks.speed.growth import GROWTHS, Growth
from benchmarks.speed.teams import Teams
from docs import parts
from simulations.command_line import Parser, run, writable

ALL: tuple[Case | Growth, ...] = (*RACES, *GROWTHS)
SMOKE = (
    "drawn-256-50-16-float64",
    "undrawn-256-1",
    "floor-1024-1-float32",
    "below-1024-float32",
    "radial-1024",
    "growth-layers",
)
"""One case of each kind, for a smoke run."""
RESULTS = Path(__file__).resolve().parents[1] / "results" / "speed.json"


def chosen(patterns: list[str]) -> list[Case | Growth]:
    """Return the cases whose names match one of `patterns`; all of them without any.

    Raises
    ------
    ValueError
        If a pattern matches nothing; the message lists the names.
    """
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(case.name, pattern) for case in ALL):
            raise ValueError(f"no case {pattern!r}; expected some of {', '.join(case.name for case in ALL)}")
    return [case for case in ALL if not patterns or any(fnmatch.fnmatchcase(case.name, one) for one in patterns)]


def bench(cases: list[Case | Growth], quick: bool) -> dict[str, Any]:
    """Run the cases and return all results."""
    results: dict[str, Any] = {"machine": table.machine(), "quick": quick, "cases": {}}
    with Teams() as teams:
        for number, case in enumerate(cases, start=1):
            start = time.perf_counter()
            result = case.run(teams, quick) if isinstance(case, Case) else case.run(quick)
            results["cases"][case.name] = result
            _progress(f"{number} of {len(cases)}  {case.name}: {time.perf_counter() - start:.1f} s")
    return results


def _progress(line: str) -> None:
    if sys.stderr.isatty():
        print(line, file=sys.stderr, flush=True)


def _warn(results: dict[str, Any]) -> bool:
    """Name who is missing and who did other work; return whether all did the same."""
    races = {name: case for name, case in results["cases"].items() if "contestants" in case}
    for missing in sorted({name for case in races.values() for name in case["not installed"]}):
        print(f"{missing} is not installed and did not take part; try: pip install '.[bench]'", file=sys.stderr)
    for name, case in races.items():
        for difference in case["different work"]:
            print(f"{name}: NOT the same work: {difference}", file=sys.stderr)
    return not any(case["different work"] for case in races.values())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run(partial(_main, arguments), "python -m benchmarks.speed")


def _main(arguments: list[str] | None) -> int:
    parser = Parser("python -m benchmarks.speed", (__doc__ or "").splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke run: a small size of each kind, no target judged")
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="a case, or a pattern such as 'undrawn-*'"
    )
    parser.add_argument("--list", action="store_true", help="list the cases")
    parser.add_argument(
        "--json",
        type=writable,
        metavar="FILE",
        help="where results go (default benchmarks/results/speed.json; nowhere for --quick and --only)",
    )
    options = parser.parse(arguments)
    try:
        cases = chosen(options.only or (list(SMOKE) if options.quick else []))
    except ValueError as error:
        parser.error(str(error))
    if options.list:
        print("\n".join(f"{case.name:28}{case.title}" for case in cases))
        return 0
    results = bench(cases, options.quick)
    whole = not (options.quick or options.only)
    path = options.json or (RESULTS if whole else None)
    if path is not None:
        table.write(results, path)
    if path == RESULTS and whole:
        parts.write("bench", table.table(results))
    print(table.table(results))
    return 0 if _warn(results) else 1


if __name__ == "__main__":
    sys.exit(main())
