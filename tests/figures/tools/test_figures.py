"""Every figure: its words, its data in their place, and the picture as a reader sees it; the same bytes every time."""

from typing import Any
from xml.etree import ElementTree

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from figures.tools import manifest
from figures.tools.figure import DATA, MANIFEST, PICTURES, STYLE, Module, load, names
from figures.tools.picture import drawn, render
from figures.tools.table import Table, read_csv

FIGURES = [pytest.param(name, id=name) for name in names()]


def kept(name: str) -> tuple[Module, Table]:
    return load(name), read_csv(DATA / f"{name}.csv")


@pytest.mark.parametrize("name", FIGURES)
def test_the_words_are_there(name: str) -> None:
    figure = load(name).FIGURE
    assert 10 < len(figure.title) < 90
    assert len(figure.finding.split()) > 8
    assert len(figure.alt.split()) > 8
    assert figure.source
    assert figure.finding.endswith(".")
    assert figure.alt.endswith(".")


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_what_a_reader_sees(name: str) -> None:
    """Axes labelled, something drawn on each, no text clipped by the edge or over other text."""
    module, table = kept(name)
    with plt.style.context(["default", str(STYLE)]):
        picture = drawn(module, table, module.FIGURE.effort)
        picture.canvas.draw()
    for axes in picture.axes:
        if axes.axison and axes.get_label() != "<colorbar>":
            assert axes.get_xlabel() or axes.get_xticklabels() == [] or _shares(axes, "x"), "an axis without a label"
            assert axes.get_ylabel() or axes.get_yticklabels() == [] or _shares(axes, "y"), "an axis without a label"
        assert axes.lines or axes.collections or axes.patches or axes.images or axes.texts
        _nothing_off_scale(axes)
    _no_text_clipped_or_covered(picture)
    plt.close(picture)


def _shares(axes: Any, which: str) -> bool:
    shared = axes.get_shared_x_axes() if which == "x" else axes.get_shared_y_axes()
    return bool(shared.get_siblings(axes)[1:])


def _nothing_off_scale(axes: Any) -> None:
    for line in axes.lines:
        if line.get_transform() != axes.transData:  # a line across the whole axis
            continue
        points = np.column_stack([np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)])
        points = points[np.isfinite(points).all(axis=1)]
        inside = [(low <= value) & (value <= high) for value, (low, high) in _limits(axes, points)]
        assert not len(points) or np.logical_and(*inside).any(), f"{line} lies off the scale"


def _limits(axes: Any, points: np.ndarray) -> list[tuple[np.ndarray, tuple[float, float]]]:
    return [(points[:, 0], tuple(sorted(axes.get_xlim()))), (points[:, 1], tuple(sorted(axes.get_ylim())))]


def _no_text_clipped_or_covered(picture: Any) -> None:
    renderer = picture.canvas.get_renderer()
    boxes, hidden = [], _beyond_the_limits(picture)
    for text in picture.findobj(mpl.text.Text):
        if text.get_text().strip() and text.get_visible() and id(text) not in hidden:
            boxes.append((text.get_text(), text.get_window_extent(renderer)))
    page = picture.bbox
    for words, box in boxes:
        outside = max(page.x0 - box.x0, box.x1 - page.x1, page.y0 - box.y0, box.y1 - page.y1)
        assert outside <= 1, f"{words!r} is clipped by the edge"
    for position, (words, box) in enumerate(boxes):
        for other, there in boxes[position + 1 :]:
            width = min(box.x1, there.x1) - max(box.x0, there.x0)
            height = min(box.y1, there.y1) - max(box.y0, there.y0)
            assert not (width > 2 and height > 2), f"{words!r} covers {other!r}"


def _beyond_the_limits(picture: Any) -> set[int]:
    """Tick labels that matplotlib keeps but does not draw."""
    hidden = set()
    for axis in (one for axes in picture.axes for one in (axes.xaxis, axes.yaxis)):
        low, high = sorted(axis.get_view_interval())
        for tick in [*axis.get_major_ticks(), *axis.get_minor_ticks()]:
            if not low <= tick.get_loc() <= high:
                hidden |= {id(tick.label1), id(tick.label2)}
    return hidden


@pytest.mark.slow
@pytest.mark.parametrize("name", FIGURES)
def test_the_same_data_make_the_same_bytes(name: str) -> None:
    """Those of the repository's own picture, where it was drawn by the same versions on such a machine."""
    (module, table), entry, formats = kept(name), manifest.read(MANIFEST)[name], ("svg", "png", "pdf")
    found = dict(render(module, table, formats, entry["effort"]))
    assert found == dict(render(module, table, formats, entry["effort"]))
    if (entry["machine"], entry["versions"]) == (manifest.machine(), manifest.versions()):
        assert found["svg"] == (PICTURES / f"{name}.svg").read_bytes(), "draw it again"


@pytest.mark.parametrize("name", FIGURES)
def test_a_picture_tells_its_title_and_a_text(name: str) -> None:
    """Its letters are outlines, so this is what is searched, and read aloud."""
    picture, figure = ElementTree.parse(PICTURES / f"{name}.svg").getroot(), load(name).FIGURE
    title, text = (picture.findtext(f"{{http://www.w3.org/2000/svg}}{part}") or "" for part in ("title", "desc"))
    assert picture.get("role") == "img"
    assert title == figure.title.replace("$", "")
    assert text == f"{figure.alt} {figure.finding}".replace("$", "")
