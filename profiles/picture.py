"""Profiles as a picture: closed forms as lines, measurement as points, on a logarithmic axis."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from profiles.record import Column, Profile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".svg", ".png", ".pdf")
LOOKS = {"exact": "-", "wide limit": "--"}


def drawn(profiles: Sequence[Profile], suffix: str) -> bytes:
    """Return a picture of a panel for each quantity, as a file with this ending."""
    import matplotlib as mpl

    with mpl.rc_context({"svg.hashsalt": "profile", "svg.fonttype": "none", "font.size": 9}):
        return _drawn(profiles, suffix)


def _drawn(profiles: Sequence[Profile], suffix: str) -> bytes:
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    panels = [("mean square", [found.second_moment for found in profiles])]
    if all(found.variance for found in profiles):
        panels.append(("variance at a fixed input", [found.variance for found in profiles if found.variance]))
    if all(found.gradient for found in profiles):
        panels.append(("mean square of the gradient", [found.gradient for found in profiles if found.gradient]))
    picture = Figure(figsize=(4.2 * len(panels), 3.6), layout="constrained")
    for axes, (title, columns) in zip(picture.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        for number, (found, column) in enumerate(zip(profiles, columns, strict=True)):
            _draw(axes, column, found, f"C{number}")
        axes.set(title=title, xlabel="position", ylabel=r"$\log_2$")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    picture.axes[0].legend(frameon=False, fontsize=8)
    file = io.BytesIO()
    metadata = {
        ".svg": {"Date": None, "Title": "Closed forms and measurement by depth"},
        ".pdf": {"CreationDate": None},
    }
    picture.savefig(file, format=suffix[1:], metadata=metadata.get(suffix))
    return file.getvalue()


def _draw(axes: Axes, column: Column, found: Profile, colour: str) -> None:
    """Draw one column: lines for exact closed forms, dashes for limits, crosses where theory was refuted."""
    positions = np.arange(len(column.measured))
    measured = np.where(np.isfinite(column.measured), column.measured, np.nan)
    for reading, look in LOOKS.items():
        known = np.array([one == reading for one in column.readings])
        beside = np.convolve(known, [True, True, True], "same")
        others = ("none",) if reading == "exact" else ("none", "exact")
        known |= beside & np.array([one in others for one in column.readings])  # to where its line begins
        line = np.where(known & np.isfinite(column.expected), column.expected, np.nan)
        axes.plot(positions, line, look, color=colour, linewidth=1, zorder=1)
    refuted = np.array([found.at(int(position)) == "refuted" for position in positions])
    axes.plot(positions, measured, ".", color=colour, markersize=4, label=found.name, zorder=2)
    axes.plot(positions[refuted], measured[refuted], "x", color="red", markersize=7, zorder=3)
