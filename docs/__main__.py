"""Write the generated parts of the pages: ``python -m docs [PART ...]``, by default all of them.

The excerpt runs all claims, which takes about a minute on two cores; tables of benchmarks are made from the numbers in
benchmarks/results, which are not measured again.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial

from benchmarks.audit.tables import gallery_table, rivals_table
from benchmarks.speed import table as bench
from benchmarks.sweeps import table as sweeps
from benchmarks.training import depth
from benchmarks.translate import table as translate
from docs import parts, tables
from docs.excerpt import excerpt
from simulations.command_line import Parser, run

RESULTS = parts.ROOT / "benchmarks" / "results"
MADE_BY: dict[str, Callable[[], str]] = {
    "excerpt": excerpt,
    "scope": tables.scope,
    "papers": tables.papers,
    "lessons": tables.lessons,
    "bench": lambda: bench.table(json.loads((RESULTS / "speed.json").read_text())),
    "depth": lambda: depth.table(json.loads((RESULTS / "depth.json").read_text())["rows"]),
    "translate": lambda: translate.text(RESULTS / "translate.json"),
    "gallery": lambda: gallery_table(json.loads((RESULTS / "audit_gallery.json").read_text())),
    "rivals": lambda: rivals_table(json.loads((RESULTS / "audit_rivals.json").read_text())),
    "sweeps": lambda: sweeps.text(json.loads((RESULTS / "sweeps.json").read_text())),
}


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return run(partial(_main, arguments), "python -m docs")


def _main(arguments: list[str] | None) -> int:
    parser = Parser("python -m docs", (__doc__ or "").splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(MADE_BY)}")
    options = parser.parse(arguments)
    if unknown := [name for name in options.parts if name not in MADE_BY]:
        parser.error(f"there is no part {unknown[0]!r}; expected some of {', '.join(MADE_BY)}")
    for name in options.parts or MADE_BY:
        parts.write(name, MADE_BY[name]())
        print(f"{name}: written into {parts.PAGES[name]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
