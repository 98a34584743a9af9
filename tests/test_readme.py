"""Everything that the README shows is run, and its claims about itself are checked."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.sweeps import table as sweeps
from claims.catalogue import REGISTRY
from claims.examine import examine
from simulations import digits
from simulations.sweep.options import grid_of, parse

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.S)
MEASURE, UNDRAWN, SWEEP, PROPERTY, INITIALISER, CLAIM = BLOCKS


def run(code: str) -> dict[str, object]:
    names: dict[str, object] = {"__name__": "claims.readme"}
    exec(compile(code, "README.md", "exec"), names)
    return names


def test_the_measured_variance_is_beside_its_closed_form(capsys: pytest.CaptureFixture[str]) -> None:
    run(MEASURE)
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [int(closed) for _, _, closed in lines] == [0, 1, 3, 7, 15, 31, 63]
    # 10,000 pairs, relative standard deviation of ||x - x'||^2 / 2 at most 2 (see claims.fixup_variance): six of them.
    assert all(abs(float(measured) / int(closed) - 1) < 6 * 2 / 100 for _, measured, closed in lines[1:])


def test_a_wide_network_keeps_its_norms(capsys: pytest.CaptureFixture[str]) -> None:
    """At a tenth of the README's width: log norms have a standard deviation of sqrt(20 * 5 / 1e5) at most."""
    names = run(UNDRAWN.replace("1_000_000", "100_000"))
    assert capsys.readouterr().out.startswith("undrawn")
    record = names["record"]
    assert abs(record.second_moment - 1).max() < 6 * (20 * 5 / 1e5) ** 0.5  # type: ignore[attr-defined]


def test_a_sweep_agrees_with_its_closed_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a block of each cell: 310,000 nearly normal logarithms, whose variance has a relative deviation of 0.0026.

    False alarm: three times beyond six deviations.
    """
    monkeypatch.chdir(tmp_path)
    names = run(SWEEP.replace('__name__ == "__main__"', "True").replace("500_000", "1"))
    last = capsys.readouterr().out.splitlines()[-1]
    exact = [float(number) for number in last.strip("[]").split(",")]
    found = names["variance"].sel(width=64, depth=20, position=[5, 10, 20]).values  # type: ignore[attr-defined]
    assert abs(found / exact - 1).max() < 6 * 0.0026 + 0.005 / min(exact)  # they are printed to two digits
    assert (tmp_path / "depths.db").exists()
    assert last in TEXT


def test_the_grid_of_the_sweep_is_one(tmp_path: Path) -> None:
    file = tmp_path / "shapes.toml"
    file.write_text(re.findall(r"```toml\n(.*?)```", TEXT, re.S)[0])
    options = re.findall(r'make sweep ARGS="(shapes.toml .*?)"', TEXT)
    assert len(options) == 4
    for line in options:
        grid = grid_of(parse([str(file), *line.split()[1:]]))
        assert grid is not None
        assert grid.size == 6


def test_what_sweeps_cost_is_as_measured() -> None:
    assert sweeps.text(json.loads((ROOT / "benchmarks" / "results" / "sweeps.json").read_text())) in TEXT


def test_the_property_test_runs_and_finds_counterexamples() -> None:
    run(PROPERTY)
    wrong = PROPERTY.replace("homogeneous=True", "homogeneous=False").replace("deadline", "database=None, deadline")
    with pytest.raises(AssertionError):
        run(wrong)


def test_the_initialiser_check_passes_and_fails(capsys: pytest.CaptureFixture[str]) -> None:
    report = run(INITIALISER.replace("default_rng()", "default_rng(0)"))["report"]
    assert report.passed  # type: ignore[attr-defined]
    assert "variance" in capsys.readouterr().out
    assert not run(INITIALISER.replace("(2 / fan_in)", "(1 / fan_in)"))["report"].passed  # type: ignore[attr-defined]


def test_the_example_claim_holds_and_is_attacked() -> None:
    run(CLAIM)
    try:
        result = examine("readme.one_block_doubles", digits(), 0, "quick")
        assert result.passed, result
    finally:
        del REGISTRY["readme.one_block_doubles"]


def test_the_number_of_claims_and_the_excerpt_are_current() -> None:
    assert f"attack {len(REGISTRY)} claims" in TEXT
    excerpt = TEXT.split("<!-- excerpt -->")[1].split("<!-- /excerpt -->")[0]
    shown = [claim for claim in REGISTRY.values() if f" {claim.codes[0]} " in excerpt]
    assert len(shown) >= 4
    assert f"{len(REGISTRY)} of {len(REGISTRY)} claims held" in excerpt
    mutants = sum(len(claim.mutants) for claim in REGISTRY.values())
    assert f"{mutants} of {mutants} mutants refuted" in excerpt
    for package in ("theory", "simulations", "evidence", "claims"):
        assert f"`{package}/`" in TEXT
