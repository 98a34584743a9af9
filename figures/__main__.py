"""Draw the figures: ``python -m figures [NAME ...]``.

Without --out the repository's own pictures, their data, the manifest and the gallery are made anew.

Exit status: 0, 1 if --check finds a picture that is stale, orphaned or changed, 2 if nothing could be done, 130 after
an interrupt.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import as_completed
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import Progress
from threadpoolctl import threadpool_limits

from figures.tools import check, gallery, manifest
from figures.tools.figure import DATA, FORMATS, HERE, INSTALLED, MANIFEST, PICTURES, load, names
from figures.tools.making import one
from figures.tools.options import formats, of_your_own, parser
from figures.tools.picture import Look, SizeError
from simulations.command_line import run
from simulations.executors import ExecutorError, dask, processes
from simulations.files import unwritable, write

T = TypeVar("T")
DRAWING = ("seed", "effort", "format", "out", "data", "no_title", "size")
"""Options that say how to draw, which --check takes from the manifest."""
CONSOLE = Console(stderr=True, highlight=False, soft_wrap=True)


def main(arguments: Sequence[str] | None = None, program: str = "python -m figures") -> int:
    """Do what the command line asks and return the exit status."""
    return run(partial(_main, arguments, program), program, "interrupted; what was drawn before is kept")


def _main(arguments: Sequence[str] | None, program: str) -> int:
    options = parser(program).parse(arguments)
    if options.list:
        print("\n".join(names()))
        return 0
    if wrong := _wrong(options):
        return _refuse(wrong)
    try:
        return _check(options) if options.check else _draw(options)
    except (manifest.ManifestError, ExecutorError, SizeError) as error:
        return _refuse(str(error))
    except OSError as error:
        if error.filename is None:  # of standard output
            raise
        return _refuse(f"cannot read or write {error.filename}: {error.strerror}")


def _refuse(why: str) -> int:
    CONSOLE.print(f"error: {why}", markup=False)
    return 2


def _wrong(options: argparse.Namespace) -> str:
    """Say in one line what is wrong with the options, or return an empty text."""
    if unknown := [name for name in options.names if name not in names()]:
        return f"unknown figure {unknown[0]!r}; expected of {', '.join(names())}"
    given = [f"--{one.replace('_', '-')}" for one in DRAWING if getattr(options, one) is not None]
    if options.check and given:
        return f"--check draws as the manifest says and cannot be given with {', '.join(given)}; leave that out"
    if options.data and not options.out:
        return "--data is for --out DIR; without it the data are written into the repository anyway"
    if other := [one for one in formats(options) if one not in FORMATS]:
        return f"unknown format {other[0]!r}; expected of {', '.join(FORMATS)}"
    if not options.out and (own := of_your_own(options)):
        return f"{own} is for --out DIR; the repository's own pictures are SVG with their titles and sizes"
    if options.out and options.out.resolve() in (PICTURES, DATA):
        return f"{options.out} has the repository's own; leave --out away to draw these anew, or name another folder"
    if options.check:  # writes nothing
        return ""
    if INSTALLED and not options.out:
        return "an installed Fathom has no repository to draw into; name a folder with --out DIR"
    folder = options.out or HERE
    if options.out:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return f"cannot make the folder {folder}: {error.strerror}"
    reason = unwritable(folder / "picture")
    return f"cannot write into {folder}: {reason}" if reason else ""


def _draw(options: argparse.Namespace) -> int:
    """Draw figures into a folder, or into the repository with its manifest and gallery, which follow each of them."""
    chosen, suffixes = options.names or names(), formats(options)
    start, own = time.perf_counter(), options.out is None
    entries = _entries(all_anew=not options.names) if own else {}
    look = Look(title=not options.no_title, size=options.size)
    jobs = {name: partial(one, name, suffixes, options.effort, options.seed or 0, look) for name in chosen}
    for name, (files, csv, entry, seconds) in _parallel(jobs, options, "drawing"):
        pictures, data = (PICTURES, DATA) if own else (options.out, options.out)
        for suffix, content in files.items():
            _write(pictures / f"{name}.{suffix}", content)
        if own or options.data:
            _write(data / f"{name}.csv", csv)
        if own:
            entries[name] = entry
            _keep(entries)
        CONSOLE.print(f"{name:<24} {seconds:5.1f} s  {load(name).FIGURE.title}")
    CONSOLE.print(f"{len(chosen)} figures in {time.perf_counter() - start:.1f} s, in {options.out or PICTURES}")
    return 0


def _entries(*, all_anew: bool) -> dict[str, dict[str, Any]]:
    """Return what the manifest says so far; nothing if there is none yet, or a damaged one where all are drawn."""
    try:
        return manifest.read(MANIFEST) if MANIFEST.exists() or any(PICTURES.glob("*.svg")) else {}
    except manifest.ManifestError:
        if all_anew:
            return {}
        raise


def _keep(entries: dict[str, dict[str, Any]]) -> None:
    """Write the manifest and the gallery, without figures that are no more."""
    kept = {name: entries[name] for name in names() if name in entries}
    manifest.write(MANIFEST, kept)
    write(HERE / "README.md", gallery.page({name: load(name).FIGURE for name in kept}))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, content)


def _check(options: argparse.Namespace) -> int:
    entries = manifest.read(MANIFEST)
    troubles = [] if options.names else list(check.strangers(entries))
    chosen = [name for name in options.names or names() if name in entries]
    jobs = {name: partial(check.trouble, name, entries[name]) for name in chosen}
    lines = [found for _, found in _parallel(jobs, options, "checking") if found]
    skipped = [line for line in lines if isinstance(line, check.Skipped)]
    troubles += [line for line in lines if not isinstance(line, check.Skipped)]
    troubles += [f"{name}: missing, it was never drawn" for name in options.names if name not in entries]
    for line in [*skipped, *troubles]:
        print(line)
    also = f", {len(skipped)} skipped" if skipped else ""
    print(f"{len(chosen) - len(skipped)} figures checked, {len(troubles)} in trouble{also}")
    return 1 if troubles else 0


def _parallel(jobs: Mapping[str, Callable[[], T]], options: argparse.Namespace, doing: str) -> Iterable[tuple[str, T]]:
    """Yield what each job returns, as it ends, from worker processes or a Dask cluster; progress on a terminal."""
    with Progress(console=CONSOLE, transient=True, disable=not CONSOLE.is_terminal) as progress:
        task = progress.add_task(doing, total=len(jobs))
        if not options.dask and (options.workers == 1 or len(jobs) == 1):
            for name, job in jobs.items():
                with threadpool_limits(1):
                    yield name, job()
                progress.advance(task)
            return
        with dask(options.dask) if options.dask else processes(options.workers) as crew:
            futures = {crew.executor.submit(job): name for name, job in jobs.items()}
            for done in as_completed(futures):
                yield futures[done], done.result()
                progress.advance(task)


if __name__ == "__main__":
    sys.exit(main())
