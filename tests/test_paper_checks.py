"""The command line, as a stranger uses it: selections, bad input, interruption, files."""

import ast
import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import paper_checks
from claims.ledger import ledgers
from tests.refusals import refused

ROOT = Path(__file__).parent.parent
CHECKS = ROOT / "paper_checks.py"


Refusal = Callable[..., str]


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(CHECKS), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Refusal:
    return partial(refused, paper_checks.main, capsys)


@pytest.mark.slow
def test_a_selection_runs_and_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = call("--only", "p4", "F5", "--effort", "quick", "--json", out)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "2 of 2 claims held" in done.stdout
    assert "\x1b" not in done.stdout
    assert {claim["catalogue"][0] for claim in json.loads(out.read_text())["claims"]} == {"P4", "F5"}


@pytest.mark.slow
def test_list_names_every_claim() -> None:
    done = call("--list")
    assert done.returncode == 0
    assert "residual.residual_stream_doubles  [R2]" in done.stdout
    assert "(Zhang, Dauphin & Ma 2019 (Fixup), section 2)" in done.stdout
    assert len(done.stdout.splitlines()) >= 30


def test_papers_are_listed_with_counts(capsys: pytest.CaptureFixture[str]) -> None:
    assert paper_checks.main(["--paper"]) == 0
    listed = capsys.readouterr().out.splitlines()[1:]
    assert [line.split()[0] for line in listed] == list(ledgers())
    assert all(re.search(r": \d+ checked, \d+ corrected, \d+ not checked$", line) for line in listed)


def test_a_paper_is_listed_by_its_contents_without_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert paper_checks.main(["--list", "--paper", "Fixup"]) == 0
    out = capsys.readouterr().out
    assert all(f"\n{item.place}" in out for item in ledgers()["fixup"].items)
    assert "held" not in out


@pytest.mark.slow
def test_the_claims_of_a_paper_are_run_and_shown_as_its_contents(capsys: pytest.CaptureFixture[str]) -> None:
    assert paper_checks.main(["--paper", "own", "--effort", "quick", "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert all(item.place in out for item in ledgers()["own"].items)
    assert out.count("[✓ held, checked]") + out.count("[✓ held,\n") == len(ledgers()["own"].items)
    assert " claims held, " in out


def good() -> dict[str, Any]:
    rng = np.random.default_rng(0)
    return {"x": rng.normal(size=(300, 5)), "y": np.arange(300) % 3}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": np.full((300, 5), np.nan)}, "NaN"),
        ({"x": np.ones(300)}, "samples, features"),
        ({"x": np.zeros((300, 5))}, "zero in every chosen row"),
        ({"x": np.full((300, 5), "a")}, "expected real numbers"),
        ({"y": np.arange(299)}, "300 integer labels"),
        ({"y": np.linspace(0, 1, 300)}, "integer labels"),
        ({"y": np.zeros(300, dtype=int)}, "one class"),
    ],
)
def test_unfit_arrays_are_named(tmp_path: Path, refusal: Refusal, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "mine.npz"
    np.savez(path, **(good() | change))
    assert message in refusal("--only", "P4", "--inputs", path)


def test_unreadable_pickled_and_malformed_files_are_refused(tmp_path: Path, refusal: Refusal) -> None:
    (tmp_path / "text.npz").write_text("hello")
    (tmp_path / "pickle.npz").write_bytes(pickle.dumps(good()))
    np.savez(tmp_path / "object.npz", x=np.array([{}, {}], dtype=object), y=np.arange(2))
    np.savez(tmp_path / "names.npz", a=np.arange(2))
    np.save(tmp_path / "array.npy", np.arange(2))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "names.npz").read_bytes()[:40])
    for name in ("text.npz", "pickle.npz", "object.npz", "names.npz", "array.npy", "cut.npz", "missing.npz", "."):
        assert "expected an .npz file" in refusal("--only", "P4", "--inputs", tmp_path / name)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--workers", "0"), "expected a whole number of at least 1, got 0"),
        (("--seed", "x"), "expected a whole number of at least 0, got 'x'"),
        (("--seed", "-1"), "expected a whole number of at least 0, got -1"),
        (("--efort", "quick"), "unrecognized arguments: --efort quick; did you mean --effort?"),
        (("--only", "no such claim"), "no claim matches 'no such claim'"),
        (("--only", "glorto"), "no claim matches 'glorto'; did you mean --only glorot?"),
        (("--only", "theorem", "2"), "no claim matches '2'; did you mean --only 'theorem 2'?"),
        (("--paper", "fixpu"), "there is no paper 'fixpu'; did you mean fixup?"),
        (("--paper", "fixup", "--only", "R2"), "not allowed with argument --paper"),
        (("--effort", "slow"), "'slow'"),
        (("--json", "no/such/folder/out.json", "--only", "P4"), "there is no folder"),
        (("--json", ".", "--only", "P4"), "it is a folder"),
    ],
)
def test_bad_usage_is_one_line_and_status_2(refusal: Refusal, arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal(*arguments)


@pytest.mark.slow
def test_own_inputs_are_used_and_zero_rows_reported(tmp_path: Path) -> None:
    arrays = good()
    arrays["x"][:100] = 0
    np.savez(tmp_path / "mine.npz", **arrays)
    done = call("--only", "P5", "P7", "--inputs", tmp_path / "mine.npz", "--effort", "quick")
    assert done.returncode == 0, done.stdout
    assert "256 of 300 rows" in done.stdout
    assert "rows are all zero" in done.stdout


@pytest.mark.slow
def test_an_interrupt_leaves_no_debris(tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(CHECKS),
        "--effort",
        "thorough",
        "--workers",
        "2",
        "--json",
        str(tmp_path / "out.json"),
    ]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a background shell has it ignored
    )
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors == "paper_checks.py: interrupted; nothing was written\n"
    assert list(tmp_path.iterdir()) == []
    assert gone(process.pid, within=10)


def gone(group: int, within: float) -> bool:
    """Wait until no process of a group is left: workers may take a moment to end."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False


def test_the_command_line_neither_derives_nor_tests() -> None:
    tree = ast.parse(CHECKS.read_text())
    imported = {
        node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module
    }
    assert imported & {"theory", "simulations", "evidence", "claims"} == {"claims", "simulations"}
