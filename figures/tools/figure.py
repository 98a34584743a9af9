"""What a figure is, and how its file is found."""

from __future__ import annotations

import pkgutil
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

import figures
from figures.tools.key import KEY
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
    key: dict[str, str] = field(default_factory=lambda: KEY)
    """What each kind of mark is, closed form or measured (`figures.tools.key.add`)."""
    tolerance: float = 1e-6
    """Relative tolerance of the data on another machine."""
    effort: Effort = "standard"
    """The effort at which the repository's own picture is drawn."""
    this_machine_only: bool = False
    """Whether the data can be compared only on the machine that made them (training)."""


class Module(Protocol):
    """What the file of a figure defines."""

    __name__: str
    FIGURE: Figure

    def data(self, parameters: dict[str, Any], effort: Effort, seed: int) -> Table:
        """Return the figure's numbers: measured (with more draws at a greater effort) beside what theory expects."""

    def draw(self, table: Table, parameters: dict[str, Any]) -> Picture:
        """Return the picture of a table of `data`, which may have been read back from a file; without title and key."""


def names() -> list[str]:
    """Return the names of all figures, in alphabetical order."""
    modules = pkgutil.iter_modules(figures.__path__)
    return sorted(module.name for module in modules if not (module.ispkg or module.name.startswith("_")))


def load(name: str) -> Module:
    """Import a figure's file."""
    return cast(Module, import_module(f"{figures.__name__}.{name}"))
