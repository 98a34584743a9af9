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
LEAST = 0.65
"""How far letters, marks and lines shrink with a picture, at most: to 6.5 points."""


class SizeError(ValueError):
    """A size that has no room for a picture."""


def drawn(module: Module, table: Table, effort: Effort, look: Look = DEFAULT) -> Picture:
    """Draw a table, with its title above and its key below."""
    picture, figure = module.draw(table, module.FIGURE.parameters), module.FIGURE
    if look.title:
        picture.suptitle(figure.title, x=0.01, ha="left", fontsize=11, wrap=True)
    factor = 1.0
    if look.size:
        ratios = np.divide(look.size, picture.get_size_inches())
        picture.set_size_inches(*look.size)
        factor = max(LEAST, float(ratios.min()))
        _scale(picture, factor)
    key.add(picture, figure.key, "drawn at quick effort" if effort == "quick" else "", key.POINTS * factor)
    for axes in picture.axes:
        _whole_marks(axes)
    return picture


def _scale(picture: Picture, factor: float) -> None:
    """Give letters, marks and lines of a picture another size."""
    from matplotlib.lines import Line2D
    from matplotlib.text import Text

    axes = [axis for one in picture.axes for axis in (one.xaxis, one.yaxis) if axis.get_major_ticks()]
    labels = [float(axis.get_major_ticks()[0].label1.get_fontsize()) for axis in axes]
    for text in picture.findobj(Text):
        text.set_fontsize(float(text.get_fontsize()) * factor)
    for line in picture.findobj(Line2D):
        line.set(markersize=line.get_markersize() * factor, linewidth=line.get_linewidth() * factor)
    for axis, size in zip(axes, labels, strict=True):  # of ticks that are yet to come, too
        axis.set_tick_params(which="both", labelsize=size * factor)


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


def _no_room(module: Module, picture: Picture) -> str:
    width, height = picture.get_size_inches()
    name = module.__name__.rpartition(".")[2]
    return f"{width:g}x{height:g} inches leave no room for {name} between its labels; ask for a larger size"


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
    """Draw a table and yield each format with its bytes, which depend on nothing but data, look and versions.

    Raises
    ------
    SizeError
        If there is no room between title, labels and key.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with plt.style.context(["default", str(STYLE)]):
        picture = drawn(module, table, effort, look)
        for one in formats:
            out = io.BytesIO()
            metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}, "png": {}}[one]
            with warnings.catch_warnings():
                warnings.filterwarnings("error", "constrained_layout not applied")
                try:
                    picture.savefig(out, format=one, metadata=metadata)
                except UserWarning:
                    raise SizeError(_no_room(module, picture)) from None
            yield one, described(out.getvalue(), module.FIGURE) if one == "svg" else out.getvalue()
        plt.close(picture)
