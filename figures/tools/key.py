"""The key below a picture: which of its marks are closed forms, and which were measured."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Picture

KEY = {"line": "closed form", "bars": "measured, bars of 3 standard errors"}
"""What most figures say of their marks, by the kinds of `_handle`."""
GREY, POINTS = "0.3", 8.5
JOIN: dict[str, Any] = {"linestyle": ":", "linewidth": 0.9, "marker": ""}
"""The line, of this look alone, that joins measured points."""


def add(picture: Picture, key: dict[str, str], note: str = "", points: float = POINTS) -> None:
    """Put a key below a picture, in as many columns as fit, with a note at its end.

    Parameters
    ----------
    key : dict of str
        What each kind of mark is: "line", "point", "bars" (a point with bars), "join" or "box".
    points : float
        Size of its letters.
    """
    from matplotlib.lines import Line2D

    handles = [_handle(kind, words) for kind, words in key.items()]
    if note:
        handles.append(Line2D([], [], linestyle="", label=note))
    look: dict[str, Any] = {"fontsize": points, "markerscale": points / POINTS, "handlelength": 1.6}
    for columns in range(len(handles), 0, -1):
        legend = picture.legend(handles=handles, loc="outside lower left", ncols=columns, **look)
        if columns == 1 or legend.get_window_extent().width <= picture.bbox.width:
            return
        legend.remove()


def _handle(kind: str, words: str) -> Any:
    from matplotlib.collections import LineCollection
    from matplotlib.container import ErrorbarContainer
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    point = Line2D([], [], color=GREY, marker="o", linestyle="", label=words)
    match kind:
        case "line":
            return Line2D([], [], color=GREY, label=words)
        case "point":
            return point
        case "bars":
            bars = LineCollection([], colors=GREY)
            return ErrorbarContainer((point, (), (bars,)), has_yerr=True, label=words)
        case "join":
            return Line2D([], [], color=GREY, **JOIN, label=words)
        case "box":
            return Patch(facecolor="0.9", edgecolor=GREY, label=words)
    raise ValueError(f"a key knows line, point, bars, join and box, not {kind!r}")
