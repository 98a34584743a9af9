"""The data of the figures on training, first steps, costs, fans and dead nets: measured against expected, and theory.

Quick effort and one seed; every bound says how often it fails by chance.
"""

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest

mpl.use("Agg")
import matplotlib.pyplot as plt

from figures import compromise, dying, speed, training_depth, update
from figures.tools import epochs, starts
from figures.tools.figure import load
from figures.tools.table import Table
from theory.fluctuations.dying import dead_probability


@cache
def quick(name: str) -> Table:
    module = load(name)
    return module.data(module.FIGURE.parameters, "quick", 0)


def of(module: Any, **changed: object) -> Table:
    """The data of a figure with some of its parameters changed."""
    table: Table = module.data({**module.FIGURE.parameters, **changed}, "quick", 0)
    return table


def off(table: Table) -> np.ndarray:
    return np.abs(table.numbers("measured") - table.numbers("expected"))


def test_compromise_agrees() -> None:
    """40 near-normal draws: 6 standard errors fail with probability 5e-7 (Student's t), any of 40 with 2e-5."""
    table = quick("compromise")
    seen = np.isfinite(table.numbers("measured"))
    assert seen.sum() == 40
    assert np.all(off(table)[seen] <= 6 * table.numbers("error")[seen])
    assert np.all(table.numbers("error")[seen] < 0.03 * table.numbers("expected")[seen]), "an error that hides all"


def test_compromise_expects() -> None:
    for variance, forwards in (("Glorot", 2 / 17), ("fan-in", 1), ("fan-out", 1 / 16), ("geometric mean", 1 / 4)):
        gains = compromise.gains(variance, 7, 112)
        assert gains == pytest.approx({"forwards": forwards, "backwards": 16 * forwards})


def test_dying_agrees() -> None:
    """Bernstein's bound, 6 standard errors and 12 / draws: one share leaves it with probability 3e-8, any with 2e-5."""
    table, draws = quick("dying"), 200
    assert len(table) > 300
    assert np.all(off(table) <= 6 * table.numbers("error") + 12 / draws)


def test_dying_expects() -> None:
    table = quick("dying").where(keep=1.0)
    for width, layers in ((2, 8), (4, 1), (6, 32)):
        (expected,) = table.where(width=width, layers=layers)["expected"]
        assert expected == pytest.approx(float(dead_probability([width] * layers)), rel=1e-9)
    assert dying.dead(3, 4, 1.0) == pytest.approx(0.41382, abs=1e-5)


def test_dying_with_dropout_expects_what_its_markov_chain_does() -> None:
    """The number of units that are on, layer by layer, from all that masks and signs can do."""
    width, keep, layers = 4, 0.3, 5
    on = [math.comb(width, k) / 2**width for k in range(width + 1)]
    for _ in range(layers - 1):
        seen = sum(share * (1 - (1 - keep) ** k) for k, share in enumerate(on))
        on = [seen * math.comb(width, k) / 2**width for k in range(width + 1)]
        on[0] += 1 - seen
    assert dying.dead(width, layers, keep) == pytest.approx(on[0], rel=1e-12)


def test_speed_counts_as_it_says() -> None:
    table = of(speed, widths={engine: [4, 96, 1024] for engine in speed.NUMBERS}).where(part="numbers")
    seen = np.isfinite(table.numbers("measured"))
    assert seen.sum() == 9
    assert table.numbers("measured")[seen].tolist() == table.numbers("expected")[seen].tolist()
    assert table.where(width=96.0)["expected"].tolist() == [9216, 192, 4]


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
    without = of(speed, widths=few)
    assert set(without["part"]) == {"numbers"}
    path.write_text(json.dumps({"cases": cases}))
    table = of(speed, widths=few)
    times = table.where(part="seconds")
    seen = np.isfinite(times.numbers("measured"))
    found = {(name, width): one for name, width, one in zip(*(times[c][seen] for c in COLUMNS), strict=True)}
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


COLUMNS = ("engine", "width", "measured")


def test_update_agrees() -> None:
    """To 100 blocks, 400 draws a point, within 6 standard errors: a normal mean leaves them with probability 2e-9.

    Sums of squares are skewed to the right, most in standard nets of 10 blocks, where the probability is not derived;
    of 26 other seeds none came beyond 3.4 at any point.
    """
    table = of(update, blocks=[1, 10, 100], draws=4000)
    seen = np.isfinite(table.numbers("measured"))
    assert seen.sum() == 3 * 5 + len(update.FIGURE.parameters["standard"])
    assert np.all(off(table)[seen] <= 6 * table.numbers("error")[seen])
    unscaled = table.where(start="zero last layers", blocks=100.0)
    assert unscaled["measured"][0] > 20 * table.where(start="Fixup, no scalars", blocks=100.0)["measured"][0]


def test_update_expects() -> None:
    width, blocks = 16, 1000
    nets = {start: expected for start, (_, expected) in starts.nets(width, blocks, 0.1).items()}
    growth = (1 + 1 / blocks) ** blocks
    assert nets["Fixup, no scalars"] == pytest.approx(2)
    assert nets["Fixup, scalars at 1/10"] == pytest.approx(2 + 0.1 * (blocks + 2) / width)
    assert nets["zero last layers"] == pytest.approx(1 + blocks)
    assert nets["ReZero"] == pytest.approx(1 + blocks / width)
    at_root = growth * (1 + (blocks + 1 / 2) / (1 + 1 / blocks))
    assert nets[r"branches by $1/\sqrt{L}$"] == pytest.approx(at_root)
    assert starts.nets(4, 2, 1.0)[starts.STANDARD][1] == pytest.approx(2 * 2 * 3 / 2 + 2**2)


def test_training_depth_trains() -> None:
    """Chance alone gets half of 297 labels right with probability below 1e-60; other machines round otherwise."""
    table = of(training_depth, depths=[10, 100])
    assert np.all(table["trained"] == 1)
    for start in ("Fixup, scalars at 1/1000", "Fixup, scalars at 1/10", "BatchNorm after", "BatchNorm before", "LSUV"):
        assert table.where(start=start).numbers("measured").min() > 0.5
    he = table.where(start="He")
    assert np.isnan(he.where(layers=100.0).numbers("measured")).all()
    assert np.isfinite(he.where(layers=10.0).numbers("measured")).all()
    assert np.abs(table.where(start=r"$\sqrt{1/2}$ scaling", layers=100.0).numbers("measured") - 0.1).max() < 0.2


def test_training_depth_reads_what_the_benchmark_found() -> None:
    """Every cell at one rate, that of the benchmark, and found again here but for rounding."""
    known, parameters = epochs.known(), training_depth.FIGURE.parameters
    for name, factor in parameters["starts"].values():
        for layers in parameters["depths"]:
            cells = [cell for cell in known if cell[:3] == (name, factor, layers)]
            assert len({cell[3] for cell in cells}) == 1
            assert sorted(cell[4] for cell in cells) == list(range(parameters["seeds"]))
    assert known["batch_norm_pre", 0.1, 10000, 0.01, 0] == pytest.approx(0.754, abs=0.001)
    again = epochs.accuracy("fixup", 0.001, 0.3, 100, 1, parameters)
    assert again == pytest.approx(known["fixup", 0.001, 100, 0.3, 1], abs=0.05)
    with pytest.raises(FileNotFoundError, match="no such file"):
        epochs.known(Path("no such file"))
