"""The wheel: one import name, whatever else is called theory or figures, and the numbers of the checkout.

It is built from a copy of the sources and installed into an empty environment that sees the libraries of this one. All
commands run in a folder whose own packages of the rooms' names raise when they are imported.
"""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.request
from importlib import util
from pathlib import Path
from types import ModuleType
from typing import Any
from zipfile import ZipFile

import pytest

from claims.catalogue import REGISTRY
from claims.ledger import ledgers
from figures.tools.figure import names

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "setup.py", "paper_checks.py", "fathom", "benchmarks")


def loaded(file: Path) -> ModuleType:
    spec = util.spec_from_file_location("build_script", file)
    assert spec is not None
    assert spec.loader is not None
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


BUILD = loaded(ROOT / "setup.py")
OURS = {*BUILD.PACKAGES, BUILD.COMMAND}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the sources, as a build leaves files behind."""
    folder = tmp_path_factory.mktemp("sources")
    for name in (*SOURCES, *BUILD.PACKAGES):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "__marimo__"))
        else:
            shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def wheel(copy: Path) -> Path:
    """Build it with the setuptools of this environment, so that nothing is fetched, beside a stale earlier build."""
    stale = copy / "build" / "lib" / "fathom" / "stale.py"
    stale.parent.mkdir(parents=True)
    stale.write_text("raise ImportError")
    run([*PIP, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", "dist", "."], copy)
    (found,) = (copy / "dist").iterdir()
    return found


@pytest.fixture(scope="module")
def place(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel; return the folder with the environment, `venv`, and the strangers to call it among, `away`."""
    folder = tmp_path_factory.mktemp("installed")
    run([sys.executable, "-m", "venv", "--without-pip", "venv"], folder)
    (site,) = (folder / "venv").glob("lib/python*/site-packages")
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"])
    run([*PIP, "--python", "venv/bin/python", "install", "--no-deps", "--no-index", str(wheel)], folder)
    for name in OURS:
        (folder / "away" / name).mkdir(parents=True)
        (folder / "away" / name / "__init__.py").write_text("raise ImportError('not the one of Fathom')")
    return folder


def run(command: list[str], folder: Path, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env=strangers_first(folder))
    assert done.returncode == status, done.stdout + done.stderr
    return done


def strangers_first(folder: Path) -> dict[str, str]:
    return os.environ | ({"PYTHONPATH": str(folder)} if folder.name == "away" else {})


def fathom(place: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run([str(place / "venv" / "bin" / "fathom"), *arguments], place / "away", status)


def python(place: Path, code: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    return run([str(place / "venv" / "bin" / "python"), "-c", code], place / "away", status)


def test_the_wheel_has_one_top_level_name_and_nothing_stale(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        files = archive.namelist()
    assert {name.split("/")[0] for name in files if ".dist-info/" not in name} == {"fathom"}
    assert "fathom/stale.py" not in files
    for path in (
        "paper_checks.py",
        "claims/residual/norms.py",
        "claims/papers/fixup.toml",
        "simulations/data/digits.npz",
        "simulations/data/phrases.tsv.xz",
        "simulations/data/phrases.md",
        "figures/tools/fathom.mplstyle",
    ):
        assert f"fathom/{path}" in files


def test_every_module_of_the_checkout_is_there_and_imports_none_of_the_rooms_names(copy: Path, wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        modules = {name.removeprefix("fathom/"): archive.read(name) for name in archive.namelist() if ".py" in name}
    for room in BUILD.PACKAGES:
        assert {f"{path.relative_to(copy)}" for path in (copy / room).rglob("*.py")} <= modules.keys()
    imported = set()
    for source in modules.values():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            if isinstance(node, ast.ImportFrom) and not node.level:
                imported.add(str(node.module).split(".")[0])
    assert "fathom" in imported
    assert not imported & OURS


def test_claims_have_the_ids_and_so_the_random_streams_of_the_checkout(place: Path) -> None:
    assert python(place, "import fathom.claims.catalogue as c; print(*c.REGISTRY)").stdout.split() == list(REGISTRY)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_claim_has_the_numbers_of_the_checkout(place: Path, tmp_path: Path, workers: str) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    options = ["--only", "R2", "P5", "--effort", "quick", "--workers", workers, "--json"]
    run([sys.executable, "paper_checks.py", *options, str(here)], ROOT)
    assert "2 of 2 claims held" in fathom(place, "checks", *options, str(there)).stdout
    assert numbers(there) == numbers(here)


def test_a_paper_has_its_ledger_in_the_wheel(place: Path) -> None:
    listed = [line.split()[0] for line in fathom(place, "checks", "--paper").stdout.splitlines()[1:]]
    assert listed == list(ledgers())
    contents = fathom(place, "checks", "--list", "--paper", "fixup").stdout
    assert all(f"\n{item.place}" in contents for item in ledgers()["fixup"].items)
    assert "claims held" in fathom(place, "checks", "--paper", "own", "--effort", "quick", "--workers", "1").stdout


def numbers(path: Path) -> Any:
    """Read results without the seconds that they took."""
    return json.loads(re.sub(r'"seconds": [\d.]+', '"seconds": 0', path.read_text()))


def test_public_names_come_from_the_wheel(place: Path) -> None:
    code = """
import sys
import fathom
from fathom import check_initialiser, claim, digits, measure, mutant, residual_mlp, stream

record = measure(residual_mlp(width=16, blocks=3), digits().narrowed(16), draws=20_000, rng=stream(0, "example"))
print((record.second_moment / record.second_moment[0]).round())
print(fathom.__file__)
print({module.__name__.split(".")[0] for module in map(sys.modules.get, [measure.__module__, claim.__module__])})
"""
    ratios, file, roots = python(place, code).stdout.splitlines()
    assert ratios == "[1. 2. 4. 8.]"
    assert Path(file).is_relative_to(place / "venv")
    assert roots == "{'fathom'}"


def test_an_audit_and_its_fixture_come_with_the_wheel(place: Path) -> None:
    pytest.importorskip("torch")
    code = """
from torch import nn


def net():
    return nn.Linear(16, 32, bias=False)


def test_net(initialised):
    assert initialised(net, [[1.0] * 16], seeds=3, claim="pytorch").about("weight")


def test_names():
    from fathom.audit import assert_initialised, audit

    assert audit(net, [[1.0] * 16], seeds=3).as_html("net").startswith("<!doctype html>")
"""
    (place / "away" / "test_net.py").write_text(code)
    run([str(place / "venv" / "bin" / "python"), "-m", "pytest", "-q", "test_net.py"], place / "away")


def test_an_own_claim_is_registered_by_its_file_and_examined(place: Path) -> None:
    own = '''
from fathom.claims import claim, mutant
from fathom.evidence import identity


@claim("OWN", paper="mine", where="here", states="x + x = 2 x", mutants=[
    mutant("three", "Counted twice.", factor=3), mutant("one", "Not counted.", factor=1),
])
def one_and_one(run, *, factor=2):
    """One and one is two."""
    x = run.rng("x").standard_normal(100)
    return identity(x + x, factor * x, rounding=1e-15)
'''
    (place / "away" / "mine.py").write_text(own)
    code = """
import mine
from fathom.claims.examine import examine
from fathom.simulations import digits

result = examine("mine.one_and_one", digits(), 0, "quick")
print(result.passed, result.refuted)
"""
    assert python(place, code).stdout == "True 2\n"


def test_figures_are_listed_and_drawn_where_one_says(place: Path, tmp_path: Path) -> None:
    assert fathom(place, "figures", "--list").stdout.split() == names()
    fathom(place, "figures", "speed", "--effort", "quick", "--workers", "1", "--out", str(tmp_path), "--data")
    assert "<svg" in (tmp_path / "speed.svg").read_text()
    assert "\nseconds," in (tmp_path / "speed.csv").read_text()  # which the benchmark found


def test_figures_are_not_drawn_into_the_package(place: Path) -> None:
    done = fathom(place, "figures", "speed", status=2)
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
    assert "name a folder with --out DIR" in done.stderr


@pytest.mark.parametrize("command", ["checks", "profile", "sweep", "train", "translate", "audit"])
def test_help_names_the_command_as_it_was_called(place: Path, command: str) -> None:
    assert fathom(place, command, "--help").stdout.startswith(f"usage: fathom {command} ")


def test_a_profile_has_the_numbers_of_the_checkout(place: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.json", tmp_path / "there.json"
    options = ["residual", "--depth", "3", "--width", "16", "--backward", "--json"]
    run([sys.executable, "-m", "profiles", *options, str(here)], ROOT)
    assert "residual, he_lecun, depth 3, width 16: held" in fathom(place, "profile", *options, str(there)).stdout
    assert here.read_text().replace("here.json", "there.json") == there.read_text()


def test_sweeps_and_training_run(place: Path, tmp_path: Path) -> None:
    table = tmp_path / "a.csv"
    small = ["--depth", "2", "--width", "8", "--draws", "100"]
    assert "closed form" in fathom(place, "sweep", *small, "--workers", "2", "--export", str(table)).stdout
    assert len(table.read_text().splitlines()) == 1 + 3
    trained = fathom(place, "train", "--init", "fixup", "--layers", "6", "--rate", "0.1", "--width", "8")
    assert "accuracy" in trained.stdout
    translated = fathom(place, "translate", "--layers", "1", "--width", "4", "--heads", "1", "--steps", "1")
    assert "exact match" in translated.stdout


def test_the_version_and_an_unknown_command(place: Path, wheel: Path) -> None:
    version = fathom(place, "--version").stdout.split()[1]
    assert f"-{version}-" in wheel.name
    done = fathom(place, "chekcs", status=2)
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)


def test_a_notebook_runs_from_the_wheel(place: Path) -> None:
    pytest.importorskip("marimo")
    code = "from fathom.lessons.lesson_1_starting_point import app; print(len(app.run()[0]) > 10)"
    assert python(place, code).stdout == "True\n"


def test_lessons_are_served_from_the_wheel(place: Path) -> None:
    pytest.importorskip("marimo")
    command, away = [str(place / "venv" / "bin" / "fathom"), "lessons"], place / "away"
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=away, stdout=pipe, stderr=pipe, text=True, env=strangers_first(away)) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        try:
            found = re.search(r"http://127\.0\.0\.1:\d+", server.stdout.readline())
            assert found, server.stderr.read()
            for page in ("/", "/teacher", "/gallery", "/figures/pictures/blow_up.svg", "/lesson/4_he/"):
                assert urllib.request.urlopen(found[0] + page, timeout=60).status == 200
            server.send_signal(signal.SIGINT)
            assert server.wait(20) == 0
        finally:
            server.kill()


def test_a_library_that_is_missing_comes_with_the_command_that_brings_it(place: Path) -> None:
    code = "import sys; sys.modules['marimo'] = None; from fathom.__main__ import main; main(['lessons'])"
    done = python(place, code, status=2)
    assert (done.stdout, len(done.stderr.splitlines())) == ("", 1)
    assert "pip install 'fathom-init[lessons]'" in done.stderr


def test_an_editable_installation_is_refused(copy: Path) -> None:
    command = [*PIP, "install", "--no-deps", "--no-index", "--no-build-isolation", "--target", "t", "--editable", "."]
    done = run(command, copy, status=1)
    assert "Fathom cannot be installed with --editable" in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("from theory.plain import norms", "from fathom.theory.plain import norms"),
        ("from theory import (\n    plain,\n)", "from fathom.theory import (\n    plain,\n)"),
        ("import figures", "from fathom import figures"),
        ("import claims as room  # a room", "from fathom import claims as room  # a room"),
        ("import theory.plain.norms as norms", "import fathom.theory.plain.norms as norms"),
        ("def f():\n    from evidence import mean\n", "def f():\n    from fathom.evidence import mean\n"),
        ("'''import theory'''\nx = 'from theory import y'\n# import theory", None),
        ("from . import theory\nfrom theory_of import x\nimport figures_of", None),
        ("import numpy as theory", None),
    ],
)
def test_imports_are_rewritten_and_nothing_else(source: str, expected: str | None) -> None:
    assert BUILD.below_fathom(source.encode(), "a.py").decode() == (source if expected is None else expected)


@pytest.mark.parametrize("source", ["import theory.plain", "import os, theory", "x = 1; import theory as t, os"])
def test_an_import_that_cannot_be_rewritten_stops_the_build(source: str) -> None:
    with pytest.raises(BUILD.SetupError, match=r"a\.py:1: expected"):
        BUILD.below_fathom(source.encode(), "a.py")
