"""What changed since the last audit: everything that did, nothing that did not, and status 1 only for the worse."""

from __future__ import annotations

import copy
import functools
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from audit import AuditError
from audit.against import changes, read
from simulations import stream
from tests.refusals import refused

DEPTH = 4


def told(seed: int, *, times: float = 1.0, seeds: int = 50, zeros: bool = False) -> dict[str, Any]:
    """Make up an audit of a net whose second module has `times` the mean square that it should have."""
    rng = stream(seed, "told")

    def squares(factor: float) -> list[float]:
        return [0.0 if zeros else float(one) for one in factor * rng.chisquare(8, seeds) / 8]

    return {
        "schema": "fathom-audit/2",
        "mode": "eval",
        "claims": {},
        "input": "8x32 0123",
        "parameters": {"0.weight": 12, "1.weight": 9},
        "statements": [said("initialiser", "0.weight", "sound"), said("initialiser", "1.weight", "against")],
        "modules": [
            {
                "name": str(number),
                "kind": "Linear",
                "seeds": {
                    "output mean square": squares(times if number == 1 else 1.0),
                    "gradient mean square": squares(1.0),
                },
            }
            for number in range(DEPTH)
        ],
    }


def said(kind: str, where: str, verdict: str) -> dict[str, str]:
    return {"kind": kind, "where": where, "verdict": verdict, "words": "as it is"}


def test_an_audit_has_not_changed_since_itself() -> None:
    assert changes(told(0), told(0)) == []


def test_a_mean_square_that_changed_is_named_and_no_other() -> None:
    (found,) = changes(told(1), told(2, times=4.0))
    assert (found.where, found.worse) == ("1", False)
    assert found.words.startswith("mean square 0.")
    assert 3 < float(found.words.split(", ")[-1].removesuffix(" times")) < 5


def alarms(pairs: int, alpha: float) -> int:
    """Count pairs of audits of one net, under seeds of their own, in which something is said to have changed."""
    return sum(bool(changes(told(2 * one), told(2 * one + 1), alpha)) for one in range(pairs))


def test_what_did_not_change_is_called_changed_no_more_often_than_stated() -> None:
    """At an error rate of a fifth, of tests whose laws are discrete, so that fewer are expected."""
    counted = alarms(200, 0.2)
    assert stats.binom.sf(counted - 1, 200, 0.2) > 1e-6
    assert counted > 2  # which shows that the tests are used up to their level


def test_rounding_and_zeros_are_no_change() -> None:
    was, now = told(0), told(0)
    for one in now["modules"]:
        one["seeds"] = {what: [value * (1 + 1e-6) for value in row] for what, row in one["seeds"].items()}
        one["seeds"]["output mean square"] = [1.0] * 50
    for one in was["modules"]:
        one["seeds"]["output mean square"] = [1 + 1e-6] * 50
    assert changes(was, now) == []
    assert changes(told(0, zeros=True), told(1, zeros=True)) == []


def test_too_few_seeds_are_said_to_be_too_few() -> None:
    (found,) = changes(told(1, seeds=5), told(2, times=1e9, seeds=20))
    assert "5 seeds cannot show whether they changed" in found.words


def test_names_and_sizes() -> None:
    was, now = told(0), told(0)
    was["parameters"]["old.weight"] = 5
    now["parameters"] |= {"new.weight": 7, "0.weight": 13}
    now["modules"][0]["kind"] = "Conv1d"
    found = {(one.where, one.words) for one in changes(was, now)}
    assert found == {
        ("new.weight", "new parameter, 7 entries"),
        ("old.weight", "parameter gone, 5 entries"),
        ("0.weight", "parameter: 12 entries before, 13 entries now"),
        ("0", "module: Linear before, Conv1d now"),
    }


@pytest.mark.parametrize(
    ("statement", "worse"),
    [
        (said("initialiser", "0.weight", "against"), True),
        (said("depth", "0 to 3", "against"), True),
        (said("initialiser", "0.weight", "note"), False),
        (said("initialiser", "1.weight", "sound"), False),
        (said("depth", "0 to 3", "sound"), None),
        (said("initialiser", "1.weight", "against"), None),
    ],
)
def test_verdicts_are_worse_only_where_something_new_is_against(statement: dict[str, str], worse: bool | None) -> None:
    now = told(0)
    key = (statement["kind"], statement["where"])
    now["statements"] = [one for one in now["statements"] if (one["kind"], one["where"]) != key] + [statement]
    assert [one.worse for one in changes(told(0), now)] == ([] if worse is None else [worse])


def test_what_is_not_said_any_more_is_told() -> None:
    now = told(0)
    del now["statements"][1]
    (found,) = changes(told(0), now)
    assert "against before, not said any more" in found.words


@pytest.mark.parametrize(("key", "value"), [("mode", "train"), ("claims", {"*": "lecun"}), ("input", "8x32 4567")])
def test_audits_of_different_questions_are_not_compared(key: str, value: Any) -> None:
    with pytest.raises(AuditError, match=rf"the baseline has {key} .*, this audit .*; give the same"):
        changes(told(0), told(0) | {key: value})


def _without(*path: Any) -> Any:
    made: Any = copy.deepcopy(told(0, seeds=3))
    inner = functools.reduce(lambda one, key: one[key], path[:-1], made)
    del inner[path[-1]]
    return made


WHOLE = json.dumps(told(0, seeds=3))
BROKEN: dict[str, tuple[str, str]] = {
    "no file": ("", "cannot read"),
    "cut off": (WHOLE[:100], "cannot read"),
    "nested": ("[" * 100_000, "cannot read"),
    "another schema": (WHOLE.replace("fathom-audit/2", "fathom-audit/1"), "has the schema 'fathom-audit/1'"),
    "a list": ("[]", "has the schema None"),
    "no parameters": (json.dumps(_without("parameters")), "is not whole (KeyError: 'parameters')"),
    "no mode": (json.dumps(_without("mode")), "is not whole (KeyError: 'mode')"),
    "no verdict": (json.dumps(_without("statements", 0, "verdict")), "is not whole (KeyError: 'verdict')"),
    "no seeds": (json.dumps(_without("modules", 0, "seeds")), "is not whole (KeyError: 'seeds')"),
    "no number": (WHOLE.replace('mean square": [', 'mean square": ["a", ', 1), "is not whole (ValueError"),
    "huge": (WHOLE.replace('mean square": [', f'mean square": [{10**400}, ', 1), "is not whole (OverflowError"),
    "not finite": (WHOLE.replace('mean square": [', 'mean square": [NaN, ', 1), "is not whole (ValueError"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_baseline_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    text, message = BROKEN[name]
    path = tmp_path / "baseline.json"
    if text:
        path.write_text(text)
    with pytest.raises(AuditError) as stop:
        read(path)
    assert message in str(stop.value)
    assert "make it anew" in str(stop.value)
    assert "\n" not in str(stop.value)


@pytest.fixture
def baseline(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """Audit a model, which is against it, for later audits to be compared with."""
    pytest.importorskip("torch")
    path = tmp_path / "baseline.json"
    assert _main("--claim", "0.*=lecun", "--json", path) == 1
    capsys.readouterr()
    return path


def _main(*arguments: object) -> int:
    from audit.__main__ import main

    return main(["tests.audit.nets:chain", "--shape", "8x32", "--seeds", "16", *map(str, arguments)])


def test_the_command_passes_what_was_against_before(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main("--claim", "0.*=lecun", "--against", baseline) == 0
    assert capsys.readouterr().out.endswith(f"since {baseline}: 0 changes, 0 for the worse\n")


def test_the_command_fails_for_the_worse(
    baseline: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.audit import nets

    monkeypatch.setattr(nets, "chain", functools.partial(nets.chain, nets.lecun, layers=7))
    assert _main("--claim", "0.*=lecun", "--against", baseline) == 1
    out = capsys.readouterr().out
    assert "  worse   0 to 14: depth: against, not said before: exponential" in out
    assert "  changed 0.weight: initialiser: sound, against before" in out
    assert "  changed 16.weight: parameter gone, 512 entries" in out
    assert re.search(r"  changed 0: mean square \S+ before, \S+ now, 0\.[45]\d* times", out)


def test_the_command_refuses_another_input_and_no_file(baseline: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from audit.__main__ import main

    command = ("tests.audit.nets:chain", "--seeds", "3", "--claim", "0.*=lecun", "--against")
    assert "the baseline has input" in refused(main, capsys, *command, baseline, "--shape", "4x32")
    assert "cannot read no_such.json" in refused(main, capsys, *command, "no_such.json", "--shape", "8x32")


def test_values_are_kept_seed_by_seed(baseline: Path) -> None:
    read_back = read(baseline)
    for one in read_back["modules"]:
        mean = np.mean(one["seeds"]["output mean square"])
        assert mean == pytest.approx(one["output mean square"], rel=1e-6)
        assert len(one["seeds"]["gradient mean square"]) == 16
