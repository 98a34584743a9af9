"""Random changes of one token of theory or of a simulator: the quick claims, or the tests, must fall.

Run with ``make attack``. The changes are chosen by a seed; each is made in a copy of the checkout. The claims of its
own subject are asked first, then all, then the tests of its package: each takes many times as long as the one before.
"""

from __future__ import annotations

import ast
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from claims.catalogue import SUBJECTS

ROOT = Path(__file__).parents[2]
COUNT, SEED = int(os.environ.get("FATHOM_CHANGES", "20")), 0
SWAPS: dict[type[ast.operator], ast.operator] = {
    ast.Add: ast.Sub(),
    ast.Sub: ast.Add(),
    ast.Mult: ast.Div(),
    ast.Div: ast.Mult(),
}


def places(tree: ast.Module) -> Iterator[ast.AST]:
    """Yield what can be changed inside functions: numbers above 0 and arithmetic; defaults and messages are left."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                for node in ast.walk(statement):
                    value = node.value if isinstance(node, ast.Constant) else None
                    number = isinstance(value, int | float) and not isinstance(value, bool) and value > 0
                    if number or (isinstance(node, ast.BinOp) and type(node.op) in SWAPS):
                        yield node


def changes() -> list[tuple[str, int]]:
    """Choose files and places, by the number of places that a file has."""
    found = []
    for room in ("theory", "simulations"):
        for path in sorted((ROOT / room).rglob("*.py")):
            count = sum(1 for _ in places(ast.parse(path.read_text())))
            found += [(str(path.relative_to(ROOT)), place) for place in range(count)]
    return random.Random(SEED).sample(found, COUNT)


def changed(source: str, place: int) -> tuple[str, str]:
    """Return the source with one place changed, and the line that was."""
    tree = ast.parse(source)
    node = list(places(tree))[place]
    if isinstance(node, ast.Constant):
        assert isinstance(node.value, int | float)
        node.value += 1
    else:
        assert isinstance(node, ast.BinOp)
        node.op = SWAPS[type(node.op)]
    return ast.unparse(tree), source.splitlines()[node.lineno - 1].strip()


@pytest.mark.parametrize(("file", "place"), changes())
def test_a_changed_source_is_caught(file: str, place: int, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns(".*", "build", "*.db"))
    source, line = changed((ROOT / file).read_text(), place)
    (copy / file).write_text(source)
    room, subject, *_ = file.split("/")
    claims = ["paper_checks.py", "--effort", "quick"]
    tests = ["-m", "pytest", "-q", "-x", "-n", "2", "-p", "no:cacheprovider", f"tests/{room}"]
    stages = ([*claims, "--only", f"{subject}.*"] if subject in SUBJECTS else None, claims, tests)
    assert any(_falls(stage, copy) for stage in stages if stage), f"{file}: {line}"


def _falls(command: list[str], folder: Path) -> bool:
    return subprocess.run([sys.executable, *command], cwd=folder, capture_output=True).returncode != 0
