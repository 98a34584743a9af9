"""A lesson as one page of HTML that asks nobody for anything: its notebook, run on paper.

The cells of a notebook are run in their order, with `lessons.tools.paper` in the place of `kit` and `show`. A cell that
takes sliders is run at every combination of their positions; the page has the results, compressed, and a few lines of
script show the one that is set. Without script it shows the first.
"""

from __future__ import annotations

import ast
import base64
import json
import zlib
from collections.abc import Callable, Iterator, Sequence
from html import escape
from itertools import product
from pathlib import Path
from typing import Any

from lessons.tools import paper
from lessons.tools.language import TAGS, speaking
from lessons.tools.pages import SAVE, STYLE
from lessons.tools.prose import Prose
from simulations import files

LARGEST = 5_000_000
"""Bytes of a page, at most."""
HERE = Path(__file__)
Cell = Callable[..., tuple[Any, dict[str, Any]]]


def export(notebook: Path, folder: Path, language: str) -> Path:
    """Write a lesson into a folder as one file, and return its path.

    Raises
    ------
    ValueError
        If the page is larger than 5 MB.
    OSError
        If it cannot be written.
    """
    text = page(notebook, language)
    if len(text.encode()) > LARGEST:
        raise ValueError(f"{notebook.name} becomes {len(text.encode()):,} bytes, over {LARGEST:,}; lower paper.MOST")
    path = folder / f"{notebook.stem}.{language}.html"
    files.write(path, text)
    return path


def page(notebook: Path, language: str) -> str:
    """Return a lesson as a page."""
    name = notebook.stem.removeprefix("lesson_").partition("_")[2]
    with speaking(language):
        body = "".join(_parts(notebook))
        title = Prose(name).label("title")
    style, script = (HERE.with_name(one).read_text(encoding="utf-8") for one in ("static.css", "static.js"))
    return (
        f'<!doctype html><html lang="{TAGS[language]}"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">'
        f"<style>{STYLE}{style}</style></head><body><main>{body}</main><script>{script}{SAVE}</script></body></html>"
    )


def _parts(notebook: Path) -> Iterator[str]:
    """Run a notebook and yield what each cell shows."""
    known: dict[str, Any] = {}
    for names, cell in cells(notebook):
        given = {name: known[name] for name in names}
        settings = sorted(
            (one for one in given.values() if isinstance(one, paper.Setting) and len(one.values) > 1),
            key=lambda one: one.number,
        )
        try:
            shown, defined = cell(**given)
        except paper.SkippedError:
            continue
        if settings:
            yield _states(cell, given, settings, str(shown))
        elif shown:
            yield str(shown)
        known |= defined


def _states(cell: Cell, given: dict[str, Any], settings: Sequence[paper.Setting], now: str) -> str:
    """Run a cell at every combination of its settings, and return what it shows now, with all the rest beside it."""
    before = [one.value for one in settings]
    shown = []
    for values in product(*(one.values for one in settings)):
        for one, value in zip(settings, values, strict=True):
            one.value = value
        shown.append(str(cell(**given)[0]))
    for one, value in zip(settings, before, strict=True):
        one.value = value
    packed = base64.b64encode(zlib.compress(json.dumps(shown).encode(), 9)).decode()
    places = json.dumps([[one.number, len(one.values)] for one in settings])
    return (
        f'<div data-places="{places}"><div aria-live="polite">{now}</div>'
        f'<script type="text/plain">{packed}</script></div>'
    )


def cells(notebook: Path) -> Iterator[tuple[list[str], Cell]]:
    """Yield the cells of a notebook, each with the names that it takes; it returns what it shows and what it defines.

    A cell in the file is a function that ends with an expression, which is what it shows, and with `return NAMES`.
    """
    tree = ast.parse(notebook.read_text(encoding="utf-8"))
    setup = next(node for node in tree.body if isinstance(node, ast.With))
    known: dict[str, Any] = {}
    exec(compile(ast.Module(setup.body, []), str(notebook), "exec"), known)
    known |= {"kit": paper, "show": paper}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and ast.unparse(node.decorator_list[0]).startswith("app.cell"):
            yield [one.arg for one in node.args.args], _cell(node, known, str(notebook))


def _cell(node: ast.FunctionDef, known: dict[str, Any], file: str) -> Cell:
    """Return the function of a cell, made to return what it shows, too."""
    *body, end = node.body
    names = [one.id for one in ast.walk(end) if isinstance(one, ast.Name)]
    shown: ast.expr = ast.Constant(None)
    if isinstance(body[-1], ast.Expr):
        shown = body[-1].value
        body = body[:-1]
    defined = ast.Dict([ast.Constant(name) for name in names], [ast.Name(name, ast.Load()) for name in names])
    whole = ast.FunctionDef("cell", node.args, [*body, ast.Return(ast.Tuple([shown, defined], ast.Load()))], [])
    found: dict[str, Any] = {}
    exec(compile(ast.fix_missing_locations(ast.Module([whole], [])), file, "exec"), known, found)
    cell: Cell = found["cell"]
    return cell
