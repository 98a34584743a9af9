"""Numbers that engines draw, as counted and as expected, and times from a file of results."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from figures import speed
from tests.figures.agreement import changed


def test_speed_counts_as_it_says() -> None:
    table = changed("speed", widths={engine: [4, 96, 1024] for engine in speed.NUMBERS}).where(part="numbers")
    seen = table.seen()
    assert len(seen) == 9
    assert seen["measured"].tolist() == seen["expected"].tolist()
    assert table.where(width=96.0)["expected"].tolist() == [9216, 192, 5]
    assert table.where(width=1024.0)["expected"].tolist() == [1024**2, 2048, 4]


def test_speed_reads_times_if_there_are_any(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def case(width: int, batch: int, precision: str, **seconds: float) -> dict[str, Any]:
        times = {name: {"median": one, "seconds": [one / 2, one, 2 * one]} for name, one in seconds.items()}
        return {"work": {"width": width, "layers": 10, "batch": batch, "precision": precision}, "contestants": times}

    cases = {
        "undrawn-256-1": case(256, 1, "float32", **{"Fathom undrawn": 1e-4, "Fathom drawn": 1e-2}),
        "floor-1024-1-float32": case(1024, 1, "float32", **{"Fathom undrawn": 3e-4, "floor": 2048e-7}),
        "floor-1024-16-float32": case(1024, 16, "float32", **{"Fathom undrawn": 3.0, "floor": 2.0}),
        "radial-1024": case(1024, 1, "float64", **{"Fathom radial": 1e-6, "Fathom drawn": 7.0}),
        "growth-layers": {"axis": "layers"},
    }
    path = tmp_path / "results.json"
    monkeypatch.setattr(speed, "RESULTS", path)
    few = {engine: [4, 8] for engine in speed.NUMBERS}
    without = changed("speed", widths=few)
    assert set(without["part"]) == {"numbers"}
    path.write_text(json.dumps({"cases": cases}))
    table = changed("speed", widths=few)
    times = table.where(part="seconds")
    columns = (times.seen()[name] for name in ("engine", "width", "measured"))
    found = {(name, width): one for name, width, one in zip(*columns, strict=True)}
    assert found == pytest.approx(
        {
            ("Fathom undrawn", 256): 1e-5,
            ("Fathom drawn", 256): 1e-3,
            ("Fathom undrawn", 1024): 3e-5,
            ("floor", 1024): 2048e-8,
            ("Fathom radial", 1024): 1e-7,
        }
    )
    assert times.where(engine="undrawn", width=4.0)["expected"].tolist() == pytest.approx([8e-8])  # 1e-8 s a normal
    for data, panels in ((without, 1), (table, 2)):
        picture = speed.draw(data, speed.FIGURE.parameters)
        assert len(picture.axes) == panels
        plt.close(picture)
