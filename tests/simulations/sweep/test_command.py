"""The command line of sweeps: grids from options and files, plans, stores, and one line for every bad input."""

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from simulations.sweep import Grid, digest
from simulations.sweep.__main__ import main
from simulations.sweep.driver import hire
from simulations.sweep.options import grid_of, parse
from simulations.sweep.plan import Plan, duration
from tests.refusals import refused
from tests.simulations.sweep.blocks import GRID

Refusal = Callable[..., str]
SMALL = ("--depth", "2", "3", "--width", "8", "9", "--quantities", "second_moment", "loss", "--draws", "30")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Refusal:
    return partial(refused, main, capsys)


@pytest.mark.usefixtures("small")
def test_a_sweep_is_stored_exported_and_summed_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, table = tmp_path / "a.db", tmp_path / "a.csv"
    assert main([*SMALL, "--store", str(store), "--export", str(table), "--digest", "--workers", "1"]) == 0
    out, errors = capsys.readouterr()
    lines = out.splitlines()
    assert " ".join(lines[0].split()) == ("depth width quantity draws position mean variance mean log2 variance log2")
    assert len(lines) == 1 + 8 + 1
    assert lines[-1] == digest(store)
    assert "cells    4, of each 30 draws of second_moment, loss" in errors
    assert "blocks   24, of 240 networks" in errors
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * (3 + 4)
    assert {row["count"] for row in rows} == {"30"}
    assert main(["--store", str(store), "--digest", "--export", str(tmp_path / "b.csv")]) == 0
    assert capsys.readouterr().out.strip() == lines[-1]
    assert (tmp_path / "b.csv").read_text() == table.read_text()


def test_file_and_options_name_one_grid(tmp_path: Path) -> None:
    file = tmp_path / "grid.toml"
    file.write_text('depth = [2, 3]\nwidth = 7\nquantities = ["second_moment", "loss"]\ndraws = 30\n')
    for how in ((str(file),), ("--config", str(file))):
        assert grid_of(parse([*how, "--width", "8", "9"])) == GRID
    assert grid_of(parse(list(SMALL))) == GRID
    grid = grid_of(parse(["--draws", "1e8", "--logit-scale", "1e-3", "2"]))
    assert grid is not None
    assert (grid.draws, grid.logit_scale) == (10**8, (0.001, 2.0))
    assert grid_of(parse([])) is None


def test_a_dry_run_shows_the_plan_and_does_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = tmp_path / "a.db"
    huge = ("--depth", "10", "--draws", "1e12", "--workers", "2", "--store", str(store))
    assert main([*huge, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "draws of second_moment" in out
    assert "engines  radial (1)" in out
    assert "time     about" in out
    assert not store.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "no grid: give axes"),
        (("--depht", "3"), "did you mean --depth?"),
        (("--depth", "0"), "depth must be a whole number from 1"),
        (("--depth", "2.5"), "depth must be a whole number"),
        (("--draws", "nan"), "draws must be a whole number"),
        (("--draws", "1e400"), "draws must be a whole number"),
        (("--activation", "rellu"), "did you mean 'relu'?"),
        (("--init", "heh"), "did you mean 'he'?"),
        (("--depth", "2", "--draws", "1e14"), "--yes"),
        (("--depth", *map(str, range(1, 201)), "--width", *map(str, range(1, 201))), "the grid has 40,000 cells"),
        (("no.toml",), "cannot read no.toml"),
        (("--config", "."), "cannot read"),
        (("--workers", "0", "--depth", "2"), "whole number from 1 to 10000"),
        (("--export", "a.txt", "--depth", "2"), "ends in .csv, .parquet, .nc"),
        (("--export", "no/a.csv", "--depth", "2"), "there is no folder"),
        (("--digest", "--store", "no.db"), "there is no store"),
        (("--store", ".", "--depth", "2"), "is a folder"),
        (("--dask", "here", "--depth", "2"), "no Dask scheduler answers at 'here'"),
        (("--seed", "-1", "--depth", "2"), "seed"),
    ],
)
def test_bad_input_is_one_line_and_status_2(refusal: Refusal, arguments: tuple[str, ...], message: str) -> None:
    assert message in refusal(*arguments)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depht = 3", "did you mean 'depth'?"),
        ("depth = [", "is not TOML"),
        ("depth = [[1]]", "depth takes a value or a list of values"),
        ("depth = true", "depth"),
        ("draws = inf", "draws must be a whole number"),
        ("\xff", "is not TOML"),
    ],
)
def test_bad_files_are_one_line(refusal: Refusal, tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "grid.toml"
    file.write_bytes(text.encode("latin-1"))
    assert message in refusal(file, "--store", tmp_path / "a.db")
    assert not (tmp_path / "a.db").exists()


def test_a_store_of_something_else_is_one_line(
    refusal: Refusal, small: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "a.db"
    assert main([*SMALL, "--store", str(store)]) == 0
    capsys.readouterr()
    assert "give seed 0" in refusal(*SMALL, "--store", store, "--seed", "1")
    assert "--extend" in refusal(*SMALL, "--store", store, "--draws", "40")
    assert main([*SMALL, "--store", str(store), "--draws", "40", "--extend"]) == 0


@pytest.mark.slow
def test_an_interrupt_is_one_line_and_the_same_command_goes_on(tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    grid = ["--depth", "10", "--quantities", "second_moment", "correlation", "--draws", "1000000"]
    command = [sys.executable, "-m", "simulations.sweep", *grid, "--store", str(store)]
    running = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while running.poll() is None and not store.exists():
        time.sleep(0.05)
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    out, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert out == ""
    said = f"python -m simulations.sweep: interrupted; what was done is in {store}, and the same command goes on"
    assert errors.splitlines()[-1] == said
    assert "Traceback" not in errors


def test_plans_cut_grids_into_blocks() -> None:
    plan = Plan.of(GRID)
    assert plan.blocks == sum(part.blocks for part in plan.parts) == len(plan.parts) == 8
    assert [plan.block(number)[0] for number in range(8)] == list(plan.parts)
    many = Plan.of(parse_grid("--depth", "3", "5", "--draws", "1e7"))
    numbers = [many.block(number) for number in range(many.blocks)]
    assert numbers == [(part, block) for part in many.parts for block in range(part.blocks)]
    assert all(part.draws * part.blocks >= 10**7 > part.draws * (part.blocks - 1) for part in many.parts)


def parse_grid(*arguments: str) -> Grid:
    grid = grid_of(parse(list(arguments)))
    assert grid is not None
    return grid


def test_times_have_their_natural_unit() -> None:
    found = [duration(seconds) for seconds in (3, 119, 120, 7300, 2e5, 1e9)]
    assert found == ["3 s", "119 s", "2.0 min", "2.0 h", "2.3 days", "31.7 years"]


def test_one_block_needs_no_processes() -> None:
    with hire(Plan.of(parse_grid("--draws", "1")), 2)() as crew:
        assert crew.executor.submit(os.getpid).result() == os.getpid()
    with hire(Plan.of(GRID), 2)() as crew:
        assert crew.executor.submit(os.getpid).result() != os.getpid()
