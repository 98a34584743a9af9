"""The house rule: closed forms are lines, measurements are whole points, and a key says so in every picture."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.container import ErrorbarContainer
from matplotlib.lines import Line2D

from figures.tools import key
from figures.tools.figure import DATA, STYLE, load, names
from figures.tools.picture import Look, drawn
from figures.tools.table import Table, read_csv

FIGURES = [pytest.param(name, id=name) for name in names()]
pytestmark = pytest.mark.slow


@contextmanager
def picture_of(name: str, effort: Any = "standard", **look: Any) -> Iterator[Any]:
    with plt.style.context(["default", str(STYLE)]):
        picture = drawn(load(name), read_csv(DATA / f"{name}.csv"), effort, Look(**look))
        picture.canvas.draw()
        yield picture
        plt.close(picture)


def lines_of(picture: Any) -> list[Line2D]:
    """Lines of data, with neither those across a whole axis nor the caps of bars."""
    return [line for axes in picture.axes for line in axes.lines if line.get_transform() == axes.transData]


def has_marks(line: Line2D) -> bool:
    return line.get_marker() not in ("", "None", None)


def words_of(picture: Any) -> str:
    return " ".join(text.get_text() for text in picture.legends[-1].get_texts())


@pytest.mark.parametrize("name", FIGURES)
def test_a_key_tells_closed_forms_from_measurements(name: str) -> None:
    """It names both, and only kinds of marks that the picture has."""
    with picture_of(name) as picture:
        words, kinds = words_of(picture), load(name).FIGURE.key
        assert "closed form" in words
        assert "measured" in words
        marks = lines_of(picture)
        bars = [one for axes in picture.axes for one in axes.containers if isinstance(one, ErrorbarContainer)]
        drawn_lines = [line for line in marks if not has_marks(line)]
        others = [axes.axison and (axes.patches or axes.images or axes.collections) for axes in picture.axes]
        assert ("join" in kinds) == any(line.get_linestyle() == ":" for line in drawn_lines)
        assert ("bars" in kinds) == bool(bars)
        assert ("point" in kinds) <= any(has_marks(line) for line in marks)
        assert ("line" in kinds) <= any(line.get_linestyle() != ":" for line in drawn_lines)
        assert ("box" in kinds) <= (not any(others))


@pytest.mark.parametrize("name", FIGURES)
def test_only_thin_dotted_lines_join_what_was_measured(name: str) -> None:
    table = read_csv(DATA / f"{name}.csv")
    with picture_of(name) as picture:
        for axes in picture.axes:
            assert not any(isinstance(one, PathCollection) for one in axes.collections), "points of a scatter plot"
            for line in axes.lines:
                dotted = line.get_linestyle() == ":"
                assert not (has_marks(line) and line.get_linestyle() != "None"), f"{line} has both points and a line"
                assert not dotted or line.get_linewidth() == key.JOIN["linewidth"], f"{line} is dotted, but no join"
                assert dotted or has_marks(line) or not _joins(line, table), f"{line} joins what was measured"


def _joins(line: Line2D, table: Table) -> bool:
    """Whether a line goes through measured numbers that are not those expected; numbers with no error are exact."""
    seen = np.isfinite(table.numbers("error")) if "error" in table.units else np.ones(len(table), bool)
    y = np.asarray(line.get_ydata(), float)
    measured = set(table.numbers("measured")[seen].tolist())
    expected = set(table.numbers("expected").tolist()) if "expected" in table.units else set[float]()
    return len(y) > 2 and measured.issuperset(y.tolist()) and not expected.issuperset(y.tolist())


@pytest.mark.parametrize("name", FIGURES)
def test_no_mark_is_cut_off_at_an_axis(name: str) -> None:
    """A mark nearer to an end of an axis than its radius is not clipped there, and none is drawn beyond."""
    with picture_of(name) as picture:
        for axes in picture.axes:
            view = axes.get_window_extent()
            for line in axes.lines:
                if not has_marks(line) or line.get_transform() != axes.transData:
                    continue
                x, y = axes.transData.transform(np.column_stack([np.asarray(one, float) for one in line.get_data()])).T
                radius = line.get_markersize() / 2 * picture.dpi / 72
                margin = np.minimum.reduce([x - view.x0, view.x1 - x, y - view.y0, view.y1 - y])
                assert not line.get_clip_on() or (margin >= radius).all(), f"{line} is cut off"
                assert (margin >= -0.01).all(), f"{line} is beyond the axes"


def test_a_picture_at_quick_effort_says_so() -> None:
    with picture_of("blow_up", "quick") as quick, picture_of("blow_up") as standard:
        assert "drawn at quick effort" in words_of(quick)
        assert "effort" not in words_of(standard)


def test_a_key_takes_as_many_columns_as_fit() -> None:
    for width, columns in ((6.4, 2), (2.0, 1)):
        picture = plt.figure(figsize=(width, 2))
        key.add(picture, key.KEY)
        legend: Any = picture.legends[-1]
        assert (legend._ncols, len(picture.legends)) == (columns, 1)
        plt.close(picture)


def test_kinds_of_marks_are_known() -> None:
    with pytest.raises(ValueError, match="not 'spot'"):
        key.add(plt.figure(), {"spot": "measured"})


def test_short_lines_are_lines() -> None:
    """What is exact of one net alone is drawn as a short line, not as a mark."""
    for name in ("activations", "collapse"):
        with picture_of(name) as picture:
            assert any(isinstance(one, LineCollection) for axes in picture.axes for one in axes.collections)


@pytest.mark.parametrize(("size", "factor"), [((3.2, 4.3), 0.65), ((5.12, 4.3), 0.8), ((12.8, 8.6), 2.0)])
def test_letters_and_marks_follow_the_size(size: tuple[float, float], factor: float) -> None:
    """As the narrower side says, but not below 0.65."""
    with picture_of("blow_up", size=size) as picture:
        axes, key_text = picture.axes[0], picture.legends[-1].get_texts()[0]
        assert picture.get_size_inches().tolist() == list(size)
        assert picture._suptitle.get_fontsize() == pytest.approx(11 * factor)
        assert [label.get_fontsize() for label in axes.get_xticklabels()] == pytest.approx(
            [10 * factor] * len(axes.get_xticklabels())
        )
        assert key_text.get_fontsize() == pytest.approx(8.5 * factor)
        marks = [line.get_markersize() for line in axes.lines if line.get_marker() == "o"]
        assert marks == pytest.approx([4.5 * factor] * 5)


def test_a_title_can_be_left_to_the_caption() -> None:
    with picture_of("blow_up", title=False) as picture:
        assert picture._suptitle is None
        assert "closed form" in words_of(picture)
