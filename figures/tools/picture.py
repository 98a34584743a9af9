"""A picture whole: what its figure draws, under its title and over its key, and as bytes that data alone decide."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np

from figures.tools import key
from figures.tools.figure import STYLE, Effort, Figure, Module
from figures.tools.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Picture


@dataclass(frozen=True)
class Look:
    """How a picture is drawn, beside its data."""

    title: bool = True
    """Whether it has its title, which a caption may say instead."""
    size: tuple[float, float] | None = None
    """Width and height in inches; None for those of the figure."""


DEFAULT = Look()


class SizeError(ValueError):
    """A size that has no room for a picture."""


def drawn(module: Module, table: Table, effort: Effort, look: Look = DEFAULT) -> Picture:
    """Draw a table, in the style of the house.

    Raises
    ------
    SizeError
        If there is no room between title, labels and key.
    """
    picture, figure = module.draw(table, module.FIGURE.parameters), module.FIGURE
    if look.size:
        picture.set_size_inches(*look.size)
    if look.title:
        picture.suptitle(figure.title, x=0.01, ha="left", fontsize=11, wrap=True)
    key.add(picture, figure.key, "drawn at quick effort" if effort == "quick" else "")
    for axes in picture.axes:
        _whole_marks(axes)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "constrained_layout not applied")
        try:
            picture.canvas.draw()
        except UserWarning:
            width, height = picture.get_size_inches()
            name = module.__name__.rpartition(".")[2]
            raise SizeError(
                f"{width:g}x{height:g} inches have no room for {name} between its labels; ask for more"
            ) from None
    return picture


def _whole_marks(axes: Axes) -> None:
    """Let no mark be cut off by an axis, and draw none that lies beyond one."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    for line in axes.lines:
        if line.get_marker() in ("", "None", None) or line.get_transform() != axes.transData:
            continue
        x, y = (np.asarray(line.get_data()[i], float) for i in (0, 1))
        inside = (min(left, right) <= x) & (x <= max(left, right)) & (min(bottom, top) <= y) & (y <= max(bottom, top))
        line.set_data(x[inside], y[inside])
        line.set(clip_on=False, in_layout=False, zorder=max(line.get_zorder(), 2.6))  # above the axes, which are at 2.5


def described(svg: bytes, figure: Figure) -> bytes:
    """Give a picture whose letters are drawn as outlines a title and a text, for those who search or cannot see it."""
    head = re.search(rb"<svg [^>]*>", svg)
    if head is None:
        raise ValueError("expected an SVG picture, which begins with an element svg")
    title, text = (escape(words.replace("$", "")) for words in (figure.title, f"{figure.alt} {figure.finding}"))
    says = f"<title>{title}</title>\n <desc>{text}</desc>".encode()
    start = head[0][:-1] + b' role="img">'
    return svg[: head.start()] + start + b"\n " + says + svg[head.end() :]


def render(
    module: Module, table: Table, formats: tuple[str, ...], effort: Effort, look: Look = DEFAULT
) -> Iterator[tuple[str, bytes]]:
    """Draw a table and yield each format with its bytes, which depend on nothing but data, look and versions."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.style.context(["default", str(STYLE)]):
        picture = drawn(module, table, effort, look)
        for one in formats:
            out = io.BytesIO()
            metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[one]
            picture.savefig(out, format=one, metadata=metadata)
            yield one, described(out.getvalue(), module.FIGURE) if one == "svg" else out.getvalue()
        plt.close(picture)
