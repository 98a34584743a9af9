"""The speed benchmark does the work it says, tells other work apart, and keeps and shows what it found."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks.speed import fathom, table
from benchmarks.speed.__main__ import ALL, SMOKE, chosen, main
from benchmarks.speed.cases import Target
from benchmarks.speed.growth import _fitted
from benchmarks.speed.race import Contestant, differences, race
from benchmarks.speed.teams import Teams
from benchmarks.speed.work import Array, Work

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

WORK = Work(32, 6, 3, "float32")
DRAWS = 200


def engines(work: Work) -> dict[str, Array]:
    return {name: fathom.draw_and_measure(work, name, (), DRAWS, seed=1) for name in ("drawn", "undrawn")}


def test_the_engines_do_the_same_work_and_other_work_is_seen() -> None:
    # False alarm: 4 tests at 1e-6. The standard error of a mean logarithm is sqrt(2 * 5 * 6 / 32 / 200) < 0.1; the
    # wrong ones are off by log 4 = 1.4.
    norms = engines(WORK)
    assert norms["drawn"].shape == (DRAWS, 2, 7)
    assert not differences(norms)
    for kind in (0, 1):
        wrong = norms["undrawn"].copy()
        wrong[:, kind] *= 4
        assert differences({"drawn": norms["drawn"], "undrawn": wrong})
    assert differences({"drawn": norms["drawn"], "zero": 0 * norms["drawn"]})


def test_pytorch_does_the_same_work() -> None:
    pytest.importorskip("torch")
    from benchmarks.speed import pytorch

    drawn = fathom.draw_and_measure(WORK, "drawn", (), DRAWS, seed=1)
    for method in (pytorch.by_hand, pytorch.by_autograd):  # false alarm: 8 tests at 1e-6
        norms = pytorch.draw(method, 4, WORK, DRAWS, seed=1)
        assert norms.shape == drawn.shape
        assert not differences({"Fathom": drawn, method.__name__: norms})


def test_jax_does_the_same_work() -> None:
    pytest.importorskip("jax")
    from benchmarks.speed import jax_

    drawn = fathom.draw_and_measure(WORK, "drawn", (), DRAWS, seed=1)
    for method in jax_.METHODS:  # false alarm: 8 tests at 1e-6
        norms = jax_.draw(method, 4, WORK, DRAWS, seed=1)
        assert norms.shape == drawn.shape
        assert not differences({"Fathom": drawn, method: norms})


@pytest.fixture(scope="module")
def results() -> dict[str, Any]:
    """Race two engines in this process, with one who is not installed and targets of which one is met."""
    contestants = []
    for engine in ("drawn", "undrawn"):
        one = fathom.contestant(Work(64, 4, 1, "float32"), engine)
        alone = replace(one.variants[0], team=replace(fathom.TEAM, executors=0))
        contestants.append(replace(one, variants=(alone,)))
    contestants.append(Contestant("Nobody", "no_such_library", ()))
    with Teams() as teams:
        result = race(contestants, teams, rounds=3, turn=0.01)
    targets = (
        Target(("Fathom drawn", "Nobody"), "Fathom undrawn", least=1e-9),
        Target(("Nobody",), "Fathom drawn", 1.0),
    )
    ratios = [judged for target in targets if (judged := target.judge(result["contestants"]))]
    work = {"width": 64, "layers": 4, "batch": 1, "precision": "float32"}
    case = {"title": "a race", "work": work, **result, "ratios": ratios}
    growth = {
        "title": "growth",
        "axis": "width",
        "sizes": [1, 2],
        "exponents": [
            {"of": "time", "exponent": 1.3, "at most": 1.1, "met": False},
            {"of": "memory", "exponent": None, "at most": 1.1, "met": None},
        ],
    }
    return {"machine": table.machine(), "quick": True, "cases": {"race": case, "growth": growth}}


def test_a_race_records_every_round(results: dict[str, Any]) -> None:
    case = results["cases"]["race"]
    assert case["not installed"] == ["Nobody"]
    assert case["different work"] == []
    assert set(case["contestants"]) == {"Fathom drawn", "Fathom undrawn"}
    for one in case["contestants"].values():
        assert len(one["seconds"]) == 3
        assert one["median"] == sorted(one["seconds"])[1] > 0
        assert one["draws"] % 4 == 0
    (ratio,) = case["ratios"]
    assert ratio["met"] is True
    assert ratio["spread"][0] <= ratio["ratio"] <= ratio["spread"][1]


def test_targets_are_judged_on_the_fastest_of_the_slower() -> None:
    times = {name: {"median": at, "seconds": [at, at]} for name, at in (("a", 1.0), ("b", 6.0), ("c", 4.0))}
    judged = Target(("b", "c"), "a", least=4.0).judge(times)
    assert judged is not None
    assert (judged["of"], judged["ratio"], judged["met"]) == ("c", 4.0, True)
    for target in (Target(("b", "c"), "a", least=4.1), Target(("b", "c"), "a", most=3.9)):
        judged = target.judge(times)
        assert judged is not None
        assert judged["met"] is False
    assert Target(("d",), "a", least=1.0).judge(times) is None


def test_the_table_shows_ratios_verdicts_and_who_is_missing(results: dict[str, Any]) -> None:
    text = table.table(results)
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows} == {7}
    assert any("n = 64, L = 4, B = 1, float32" in row and "| met |" in row for row in rows)
    assert any("Nobody: not installed" in row for row in rows)
    assert any("exponent 1.30" in row and "**missed**" in row for row in rows)
    assert any("exponent unknown" in row for row in rows)
    other = json.loads(json.dumps(results))
    other["cases"]["race"]["different work"] = ["Fathom undrawn: p-values"]
    assert "**different work**" in table.table(other)


def test_results_are_written_whole_or_not_at_all(results: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    table.write(results, path)
    assert json.loads(path.read_text()) == results
    with pytest.raises(ValueError, match="not JSON compliant"):
        table.write({"cases": {}, "bad": float("nan")}, path)
    assert json.loads(path.read_text()) == results
    assert list(tmp_path.iterdir()) == [path]


def test_an_exponent_is_the_slope_of_logarithms() -> None:
    assert _fitted([1, 2, 4], [3.0, 12.0, 48.0]) == pytest.approx(2)


def test_the_command_line_lists_selects_and_refuses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == [case.name for case in ALL]
    assert len({case.name for case in ALL}) == len(ALL)
    assert [case.name for case in chosen(["radial-*"])] == ["radial-1024"]
    assert len(chosen(list(SMOKE))) == len(SMOKE)
    with pytest.raises(SystemExit, match="2"):
        main(["--only", "no such case"])
    assert "no case 'no such case'" in capsys.readouterr().err


def test_inputs_have_the_norm_that_is_said() -> None:
    norms = np.linalg.norm(WORK.inputs.astype(np.float64), axis=1)
    assert WORK.inputs.shape == (3, 32)
    assert norms == pytest.approx(np.sqrt(32), rel=1e-6)
