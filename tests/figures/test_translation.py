"""The figure of translation: it shows what the benchmark's file has, and nothing else."""

import json
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from benchmarks.translate import stable
from benchmarks.translate.store import Store
from figures import translation
from tests.figures.agreement import changed


def run(recipe: str, layers: int, seed: int, rate: float, optimiser: str, **outcome: Any) -> dict[str, Any]:
    cell = {"recipe": recipe, "layers": layers, "optimiser": optimiser, "rate": rate, "seed": seed, "steps": 9}
    return {"cell": cell, "outcome": outcome}


def test_medians_ranges_and_best_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = {
        "stable": [
            *(
                run("pre", 1, 0, rate, "sgd", first=2.0, last=last)
                for rate, last in ((0.1, 1.0), (0.2, 1.5), (0.4, 2.5))
            ),
            run("pre", 1, 1, 0.1, "sgd", first=2.0, last=1.0),
            run("pre", 1, 2, 0.1, "sgd", first=2.0, last=None),
        ],
        "quality": [
            *(run("fixup", 8, 0, rate, "adam", loss=loss) for rate, loss in ((0.1, 1.5), (0.2, 1.25), (0.4, None))),
            run("fixup", 24, 0, 0.1, "sgd", loss=None),
        ],
    }
    path = tmp_path / "results.json"
    path.write_text(json.dumps(found))
    monkeypatch.setattr(translation, "RESULTS", path)
    table = changed("translation")
    rows = [tuple(table[name][row].item() for name in table.units) for row in range(len(table))]
    assert rows == [("stable", "pre", 5, 2, 0.1, 0.1, 0.2), ("adam", "fixup", 40, 1, 1.25, 1.25, 1.25)]
    plt.close(translation.draw(table, translation.FIGURE.parameters))


def test_the_rates_are_those_of_the_table() -> None:
    """The table walks from rate to rate; the figure takes the largest that was stable."""

    def refused(*_: Any) -> Any:
        raise AssertionError("nothing is to be run")

    kept, table = Store(translation.RESULTS, "stable", refused), changed("translation")
    for recipe in ("fixup", "zero last", "t-fixup"):
        told = stable.rates(kept, recipe, 0)
        rows = table.where(part="stable", recipe=recipe)
        assert [5 * layers for layers in told] == rows["branches"].tolist()
        for rate, low, high in zip(told.values(), rows["low"], rows["high"], strict=True):
            assert rate is not None
            assert low <= rate <= high
