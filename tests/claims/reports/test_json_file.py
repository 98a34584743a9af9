"""The JSON of a run: what it holds, and that no half of it is left behind."""

import json
from pathlib import Path

import pytest

from claims.catalogue import REGISTRY
from claims.examine import run_claims
from claims.reports import json_file
from simulations import digits
from simulations.files import write


def test_json_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    inputs = digits(3)
    results = run_claims([REGISTRY["homogeneity.theorem_1"]], inputs=inputs, seed=3, effort="quick", workers=1)
    contents = json_file.document(results, inputs, 3, "quick", 1.0)
    write(tmp_path / "out.json", json_file.json_text(contents))
    read = json.loads((tmp_path / "out.json").read_text())
    assert set(read) == {"seed", "alpha", "miss", "effort", "seconds", "versions", "inputs", "claims"}
    assert set(read["claims"][0]) == {
        "id", "catalogue", "paper", "where", "states", "kind", "exact", "verdict", "p_value", "expected", "measured",
        "detectable", "non_vacuous", "seconds", "derivations", "mutants",
    }  # fmt: skip
    assert set(read["claims"][0]["mutants"][0]) == {"name", "why", "verdict", "p_value", "effect", "miss_probability"}
    (derivation, *_), (made, *_) = read["claims"][0]["derivations"], REGISTRY["homogeneity.theorem_1"].derivations
    assert derivation["title"] == made().title
    assert derivation["trouble"] is None
    assert [(step["says"], step["verified"]) for step in derivation["steps"]] == [
        (step.says, how) for step, how in zip(made().steps, made().check(), strict=True)
    ]
    with pytest.raises(UnicodeEncodeError):
        write(tmp_path / "out.json", "half of it\ud800")
    assert json.loads((tmp_path / "out.json").read_text()) == read
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
