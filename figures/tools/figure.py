"""What a figure is, how its file is found, and how its picture is saved: the same bytes for the same data."""

from __future__ import annotations

import io
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import figures
from figures.tools.table import Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

Effort = Literal["quick", "standard", "thorough"]
FORMATS = ("svg", "png", "pdf")
DRAWS: dict[Effort, float] = {"quick": 0.1, "standard": 1.0, "thorough": 4.0}
"""Draws at each effort, relative to the standard one."""
HERE = Path(figures.__file__).parent
INSTALLED = figures.__name__ != "figures"
"""Whether this is part of the package fathom, where nothing of its own is drawn anew."""
STYLE = Path(__file__).with_name("fathom.mplstyle")
PICTURES, DATA, MANIFEST = HERE / "pictures", HERE / "data", HERE / "manifest.json"


@dataclass(frozen=True)
class Figure:
    """What is said of a figure beside its picture."""

    title: str
    """The finding, in one line; it is the picture's title."""
    finding: str
    """The finding in one or two sentences, with numbers."""
    alt: str
    """What someone who cannot see the picture should know."""
    source: str
    """The paper and figure that it redraws or goes beyond."""
    parameters: dict[str, Any] = field(default_factory=dict)
    tolerance: float = 1e-6
    """Relative tolerance of the data on another machine."""
    effort: Effort = "standard"
    """The effort at which the repository's own picture is drawn."""
    this_machine_only: bool = False
    """Whether the data can be compared only on the machine that made them (training)."""


class Module(Protocol):
    """What the file of a figure defines."""

    FIGURE: Figure

    def data(self, parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
        """Return the figure's numbers: measured (with more draws at a greater effort) beside what theory expects."""

    def draw(self, table: Table, parameters: dict[str, Any]) -> Picture:
        """Return the picture of a table of `data`, which may have been read back from a file."""


def names() -> list[str]:
    """Return the names of all figures, in alphabetical order."""
    modules = pkgutil.iter_modules(figures.__path__)
    return sorted(module.name for module in modules if not (module.ispkg or module.name.startswith("_")))


def load(name: str) -> Module:
    """Import a figure's file."""
    return cast(Module, import_module(f"{figures.__name__}.{name}"))


def described(svg: bytes, figure: Figure) -> bytes:
    """Give a picture whose letters are drawn as outlines a title and a text, for those who search or cannot see it."""
    head = re.search(rb"<svg [^>]*>", svg)
    if head is None:
        raise ValueError("expected an SVG picture, which begins with an element svg")
    title, text = (escape(words.replace("$", "")) for words in (figure.title, f"{figure.alt} {figure.finding}"))
    says = f"<title>{title}</title>\n <desc>{text}</desc>".encode()
    start = head[0][:-1] + b' role="img">'
    return svg[: head.start()] + start + b"\n " + says + svg[head.end() :]


def render(module: Module, table: Table, formats: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
    """Draw a table and yield each format with its bytes, which depend on nothing but data and versions."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.style.context(["default", str(STYLE)]):
        picture = module.draw(table, module.FIGURE.parameters)
        for one in formats:
            out = io.BytesIO()
            metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[one]
            picture.savefig(out, format=one, metadata=metadata)
            yield one, described(out.getvalue(), module.FIGURE) if one == "svg" else out.getvalue()
        plt.close(picture)
