"""The generated parts of the pages are what their generators make, and commands that measure write only their own."""

import re
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.speed import __main__ as speed
from benchmarks.speed import table as bench_table
from benchmarks.sweeps import __main__ as sweeps
from benchmarks.sweeps import table as sweeps_table
from benchmarks.training import depth
from claims.catalogue import REGISTRY
from docs import excerpt, parts, tables
from docs.__main__ import MADE_BY, main
from tests.docs.pages import PAGES


def test_every_part_has_a_generator_and_a_page() -> None:
    assert MADE_BY.keys() == parts.PAGES.keys()
    marked = {(name, page) for page, text in PAGES.items() for name in re.findall(r"^<!-- (\w+) -->$", text, re.M)}
    assert marked == set(parts.PAGES.items())


@pytest.mark.parametrize("name", sorted(MADE_BY.keys() - {"excerpt"}))
def test_a_part_is_current(name: str) -> None:
    assert parts.shown(name) == MADE_BY[name](), f"renew it with: python -m docs {name}"


@pytest.mark.slow
def test_the_excerpt_is_current() -> None:
    """Its claims give the same table; only seconds, and the spaces that fill a line after them, may differ."""
    results = excerpt.examined(excerpt.chosen())
    assert len(results) >= 2
    shown, today = parts.shown("excerpt").splitlines()[1:-6], excerpt.table(results)
    assert [_untimed(line) for line in shown] == [_untimed(line) for line in today]


def _untimed(line: str) -> str:
    return re.sub(r" +", " ", re.sub(r"[\d.]+\u00a0s", "s", line))


def test_the_numbers_of_claims_and_mutants_are_current() -> None:
    mutants = sum(len(claim.mutants) for claim in REGISTRY.values())
    totals = f"{len(REGISTRY)} of {len(REGISTRY)} claims held, {mutants} of {mutants} mutants refuted"
    assert totals in parts.shown("excerpt")
    assert f"attack {len(REGISTRY)} claims" in PAGES["README.md"]


def test_every_claim_says_what_it_speaks_of() -> None:
    assert all(len(tables.scope_of(claim)) > 60 for claim in REGISTRY.values())
    rows = [line for line in tables.scope().splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) == len(REGISTRY)
    first = tables.scope().split("### Exact")[0]
    assert all((f"`{claim.id}`" in first) is not claim.exact for claim in REGISTRY.values())


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a page for each part."""
    (tmp_path / "docs").mkdir()
    for name, page in parts.PAGES.items():
        with (tmp_path / page).open("a") as file:
            file.write(f"before\n<!-- {name} -->\nold\n<!-- /{name} -->\nafter\n")
    monkeypatch.setattr(parts, "ROOT", tmp_path)
    return tmp_path


def test_only_the_part_itself_is_written(house: Path) -> None:
    other = "<!-- bench -->\n\\1 stays\n<!-- /bench -->\n"
    page = house / parts.PAGES["sweeps"]
    page.write_text(other + page.read_text())
    parts.write("sweeps", "two\nlines \\1")
    assert page.read_text() == f"{other}before\n<!-- sweeps -->\ntwo\nlines \\1\n<!-- /sweeps -->\nafter\n"
    assert parts.shown("sweeps") == "two\nlines \\1"


@pytest.mark.parametrize("text", ["nothing here", "<!-- depth -->\na\n<!-- /depth -->\n" * 2])
def test_a_page_without_the_part_or_with_two_is_refused(house: Path, text: str) -> None:
    page = house / parts.PAGES["depth"]
    page.write_text(text)
    with pytest.raises(ValueError, match="not one"):
        parts.write("depth", "new")
    assert page.read_text() == text


def test_the_command_writes_what_is_asked_for(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["scope", "depth"]) == 0
    assert parts.shown("scope") == tables.scope()
    assert parts.shown("depth") == MADE_BY["depth"]()
    assert parts.shown("bench") == "old"
    with pytest.raises(SystemExit, match="2"):
        main(["nothing"])
    assert "no part 'nothing'" in capsys.readouterr().err


def test_a_whole_race_writes_its_table(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    results: dict[str, Any] = {"cases": {}}
    monkeypatch.setattr(speed, "bench", lambda cases, quick: results)
    monkeypatch.setattr(speed, "RESULTS", house / "speed.json")
    monkeypatch.setattr(bench_table, "table", lambda found: "new")
    for arguments in (["--quick"], ["--only", "radial-1024"], ["--json", str(house / "mine.json")]):
        assert speed.main(arguments) == 0
        assert parts.shown("bench") == "old"
    assert speed.main([]) == 0
    assert parts.shown("bench") == "new"
    assert (house / "speed.json").exists()


def test_a_measured_sweep_writes_its_table(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeps, "measured", lambda known, chosen, rounds, quick: dict.fromkeys(sweeps.PARTS))
    monkeypatch.setattr(sweeps, "RESULTS", house / "sweeps.json")
    monkeypatch.setattr(sweeps_table, "text", lambda found: "new")
    assert sweeps.main(["--quick"]) == 0
    assert parts.shown("sweeps") == "old"
    assert sweeps.main([]) == 0
    assert parts.shown("sweeps") == "new"
    assert (house / "sweeps.json").exists()


def test_results_stand_where_the_pages_are_made_from() -> None:
    kept = {path.name for path in (Path(depth.__file__).parents[1] / "results").iterdir()}
    for path in (speed.RESULTS, sweeps.RESULTS, depth.RESULTS):
        assert path.exists()
        assert path.name in kept


def test_a_whole_experiment_in_depth_writes_its_table(house: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depth, "experiment", lambda depths, seeds, workers: [])
    monkeypatch.setattr(depth, "RESULTS", house / "depth.json")
    monkeypatch.setattr(depth, "table", lambda rows: "new")
    for arguments in (["--depths", "10"], ["--seeds", "1"], ["--json", str(house / "mine.json")]):
        monkeypatch.setattr(sys, "argv", ["depth", "--json", str(house / "other.json"), *arguments])
        depth.main()
        assert parts.shown("depth") == "old"
    monkeypatch.setattr(sys, "argv", ["depth"])
    depth.main()
    assert parts.shown("depth") == "new"
    assert (house / "depth.json").exists()
