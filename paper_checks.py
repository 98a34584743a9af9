"""Derive, measure and attack the claims of initialisation theory, and print the verdicts.

Exit status: 0 if every claim held and every mutant was refuted, 1 if not, 2 for bad usage or input.
"""

from __future__ import annotations

import argparse
import contextlib
import difflib
import re
import shlex
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from claims.ledger import Ledger
    from claims.registry import Claim
    from simulations.command_line import Parser


def main(arguments: Sequence[str] | None = None, program: str = "paper_checks.py") -> int:
    """Run the command line and return its exit status."""
    try:
        from simulations.command_line import run  # the slow imports, so that an interrupt finds them guarded

        return run(partial(_main, arguments, program), program, "interrupted; nothing was written")
    except KeyboardInterrupt:
        print(f"{program}: interrupted; nothing was written", file=sys.stderr)
        return 130


def _main(arguments: Sequence[str] | None, program: str) -> int:
    from simulations import InputError

    parser = _parser(program)
    options = parser.parse(arguments)
    try:
        return _run(options)
    except InputError as error:
        parser.error(str(error))


def _run(options: argparse.Namespace) -> int:
    from claims.examine import passed, run_claims
    from claims.reports import contents, json_file, listing, page, terminal
    from claims.reports.formula import MissingLibraryError, formula
    from simulations import InputError, digits, load
    from simulations.executors import ExecutorError, cores, dask
    from simulations.files import unwritable, write

    if options.paper == "":
        print("\n".join(contents.papers()))
        return 0
    if options.claims and options.dask:
        raise InputError("--claims is for this machine, as a Dask cluster does not have the file; leave --dask out")
    if options.claims and options.paper:
        raise InputError("--claims runs your own claims and --paper those of a paper; expected one of the two")
    if options.claims:
        _import(options.claims)
    paper = _paper(options.paper) if options.paper else None
    only = options.only or ([f"{options.claims.stem}.*"] if options.claims else None)
    chosen = _of(paper) if paper else _choose(only)
    if options.list:
        lines = contents.lines(paper) if paper else listing.lines(chosen)
        print(listing.markdown(chosen).rstrip() if options.markdown else "\n".join(lines))
        return 0
    if options.markdown:
        raise InputError("--markdown is a form of --list; expected --list --markdown")
    for path in filter(None, (options.json, options.html)):
        if reason := unwritable(path):
            raise InputError(f"cannot write {path}: {reason}; expected a file path in a writable folder")
    if options.html:
        try:
            formula("x")
        except MissingLibraryError as error:
            raise InputError(str(error)) from None
    inputs = load(options.inputs, options.seed) if options.inputs else digits(options.seed)
    start = time.perf_counter()
    try:
        with contextlib.ExitStack() as stack:
            crew = stack.enter_context(dask(options.dask)) if options.dask else None
            results = run_claims(
                chosen,
                inputs=inputs,
                seed=options.seed,
                effort=options.effort,
                workers=options.workers or cores(),
                on_result=stack.enter_context(terminal.progress(len(chosen))),
                executor=crew.executor if crew else None,
            )
    except ExecutorError as error:
        raise InputError(str(error)) from None
    seconds = time.perf_counter() - start
    about = (results, inputs, options.seed, options.effort, seconds)
    try:
        if options.json:
            write(options.json, json_file.json_text(json_file.document(*about)))
        if options.html:
            write(options.html, page.render(*about))
    except OSError as error:
        raise InputError(f"cannot write: {error}") from None
    terminal.show(*about, paper=paper)
    return 0 if passed(results) else 1


def _import(path: Path) -> None:
    from claims.own import OwnClaimsError, import_claims
    from simulations import InputError

    try:
        import_claims(path)
    except OwnClaimsError as error:
        raise InputError(str(error)) from None


def _choose(patterns: list[str] | None) -> list[Claim]:
    from claims.catalogue import REGISTRY
    from claims.ledger import ledgers
    from claims.selection import Finder
    from simulations import InputError

    if not patterns:
        return list(REGISTRY.values())
    finder = Finder(REGISTRY.values(), ledgers().values())
    chosen = {pattern: finder.chosen(pattern) for pattern in patterns}
    for pattern in (pattern for pattern, claims in chosen.items() if not claims):
        together = " ".join(patterns)
        near = together if len(patterns) > 1 and finder.chosen(together) else finder.nearest(pattern)
        hint = f" did you mean --only {shlex.quote(near)}? Otherwise" if near else ""
        raise InputError(
            f"no claim matches {pattern!r};{hint} expected an id, code or paper (wildcards allowed), a place such as "
            f"'theorem 2', or words of a headline, see --list"
        )
    found = {claim.id for claims in chosen.values() for claim in claims}
    return [claim for claim in REGISTRY.values() if claim.id in found]


def _paper(text: str) -> Ledger:
    """Return the one paper that a text names."""
    from claims.ledger import ledgers, named
    from simulations import InputError

    found = named(text)
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{text!r} names several papers; expected one of {', '.join(one.key for one in found)}")
    words = {word: key for key, one in ledgers().items() for word in re.findall(r"\w+", one.name.lower())}
    words |= {key: key for key in ledgers()}
    near = difflib.get_close_matches(text.lower(), words, n=1)
    hint = f"did you mean {words[near[0]]}? " if near else ""
    raise InputError(f"there is no paper {text!r}; {hint}--paper alone lists them")


def _of(paper: Ledger) -> list[Claim]:
    from claims.catalogue import REGISTRY

    return [claim for claim in REGISTRY.values() if set(claim.codes) & set(paper.codes)]


def _parser(program: str) -> Parser:
    from simulations.command_line import Parser, whole

    parser = Parser(program, (__doc__ or "").splitlines()[0])
    parser.add_argument("--list", action="store_true", help="list the claims, by subject, and stop")
    parser.add_argument("--markdown", action="store_true", help="with --list: as the page docs/catalogue.md")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--only",
        nargs="+",
        metavar="PATTERN",
        help="claims by code (R2), id ('fixup.*'), paper (glorot), place ('theorem 2', 'he eq 10') or words of the "
        "headline; their numbers are those of the full run",
    )
    which.add_argument(
        "--paper",
        nargs="?",
        const="",
        metavar="NAME",
        help="the claims of one paper, shown as its table of contents; with --list without running them, without NAME "
        "the papers",
    )
    parser.add_argument(
        "--claims",
        type=Path,
        metavar="FILE.py",
        help="your own claims, run (or listed) instead of the catalogue's; ids begin with the file's name",
    )
    parser.add_argument(
        "--effort",
        choices=("quick", "standard", "thorough"),
        default="standard",
        help="stated errors three times coarser, as stated (default), or half as large",
    )
    parser.add_argument("--seed", type=whole(0), default=0, metavar="N", help="root of all random streams (default 0)")
    parser.add_argument(
        "--workers",
        type=whole(1),
        default=None,
        metavar="N",
        help="processes (default: one a core); results do not depend on it",
    )
    parser.add_argument(
        "--dask", metavar="ADDRESS", help="run on the Dask cluster of this scheduler, such as tcp://10.0.0.1:8786"
    )
    parser.add_argument(
        "--html", type=Path, metavar="FILE", help="also write a page to read: derivations, evidence, mutants"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the results to FILE")
    parser.add_argument(
        "--inputs",
        type=Path,
        metavar="FILE",
        help="in place of the digits: .npz with x (samples, features) and y (labels), or .npy, .csv, .tsv, .txt with "
        "the labels last",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
