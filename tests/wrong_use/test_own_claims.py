"""Own claims in a file anywhere: they run and are listed, and files that cannot be used are told why."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import paper_checks
from tests.refusals import refused

ROOT = Path(__file__).parents[2]


OWN: dict[str, tuple[str, str]] = {
    "syntax.py": ("x = (", "syntax.py cannot be imported, line 1: SyntaxError"),
    "raises.py": ("import sys\n\n1 / 0", "raises.py cannot be imported, line 3: ZeroDivisionError: division by zero"),
    "leaves.py": ("raise SystemExit(3)", "leaves.py cannot be imported, line 1: SystemExit: 3"),
    "without.py": ("", "without.py has no claim; expected functions with the decorator claims.claim"),
    "residual.py": ("", "rename it, such as to my_claims.py"),
    "json.py": ("", "rename it, such as to my_claims.py"),
    "my-claims.py": ("", "rename it, such as to my_claims.py"),
    "one_mutant.py": (
        "from claims import claim\n@claim('X', paper='Me', where='here', states='x', mutants=[])\ndef f(run): ...",
        "one_mutant.py cannot be imported, line 2: ValueError: one_mutant.f needs at least two mutants",
    ),
}


@pytest.mark.parametrize("name", OWN)
def test_files_of_claims_that_cannot_be_used(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / name).write_text(OWN[name][0])
    assert OWN[name][1] in refused(paper_checks.main, capsys, "--claims", tmp_path / name)


@pytest.mark.slow
def test_own_claims_run_from_anywhere(tmp_path: Path) -> None:
    """Two claims on two processes, which must import the file; one that is wrong is refuted with its reason."""
    (tmp_path / "my_claims.py").write_text(
        """
from claims import claim, mutant
from simulations import measure, residual_mlp


def ratios(run, draws):
    norms = measure(residual_mlp(8, 1), run.inputs.narrowed(8), draws=draws, rng=run.rng("mine")).square_norms
    return norms[:, 1] / norms[:, 0]


def mutants():
    return [mutant("identity", "The identity path alone.", factor=1), mutant("four", "Aligned.", factor=4)]


@claim("MINE", paper="Me", where="here", states="x", mutants=mutants())
def doubles(run, *, factor=2):
    \"\"\"A block doubles the mean square.\"\"\"
    test = run.mean(2, variance=2, error=0.05)
    return test(run.once(ratios, test.draws), expected=factor)


@claim("WRONG", paper="Me", where="here", states="x", mutants=mutants())
def triples(run, *, factor=3):
    \"\"\"A block triples the mean square.\"\"\"
    test = run.mean(2, variance=2, error=0.05)
    return test(run.once(ratios, test.draws), expected=factor)
"""
    )
    command = [sys.executable, str(ROOT / "paper_checks.py"), "--claims", "my_claims.py", "--workers", "2"]
    listed = subprocess.run([*command, "--list"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert "my_claims.doubles  [MINE]  A block doubles the mean square." in listed.stdout, listed.stderr
    assert "residual." not in listed.stdout
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1, done.stderr
    assert re.search(r"my_claims.triples is refuted: expected 3, measured [12]\.\d+, where errors of", done.stdout)
    assert "1 of 2 claims held, 4 of 4 mutants refuted" in done.stdout
