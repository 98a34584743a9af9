"""What several figures draw alike: labels beside what they name, points with bars, lines that join these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from figures.tools.key import JOIN
from figures.tools.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def beside(axes: Axes, label: str, at: tuple[Any, Any], offset: tuple[float, float] = (8, 0), **look: Any) -> None:
    """Write a label at a point of the data, moved by some points: to its right, or to its left if that is negative."""
    side = "right" if offset[0] < 0 else "left"
    axes.annotate(label, at, offset, textcoords="offset points", **{"va": "center", "ha": side} | look)


def measured(axes: Axes, rows: Table, column: str, mark: str, **look: Any) -> None:
    """Draw what was measured against a column, with bars of three standard errors."""
    axes.errorbar(rows[column], rows["measured"], 3 * rows.numbers("error"), fmt=mark, capsize=2, **look)


def joined(axes: Axes, x: Any, y: Any, **look: Any) -> None:
    """Join measured points, so that the eye finds the next of a series; there is no closed form."""
    axes.plot(x, y, **look | JOIN)
