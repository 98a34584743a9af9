"""Commands used wrongly: each refuses in one line that says what was wrong, and ends with the status that it should."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import paper_checks
from benchmarks.calibrate import main as calibrate
from benchmarks.speed.__main__ import main as speed
from benchmarks.sweeps.__main__ import main as bench_sweeps
from docs.__main__ import main as docs
from fathom.__main__ import main as fathom
from figures.__main__ import main as figures
from lessons.__main__ import main as lessons
from simulations.command_line import run
from simulations.sweep.__main__ import main as sweep
from simulations.training.run import main as training
from tests.refusals import refused

ROOT = Path(__file__).parents[2]
TRAIN = ("--init", "he", "--layers", "4", "--rate", "0.1")
SWEEP = ("--depth", "2", "--width", "8")
Command = Callable[..., int]

REFUSALS: list[tuple[Command, tuple[str, ...], str]] = [
    (fathom, (), "COMMAND"),
    (fathom, ("chekcs",), "invalid choice: 'chekcs'"),
    (docs, ("nothing",), "there is no part 'nothing'; expected some of excerpt"),
    (docs, ("--hlep",), "did you mean --help?"),
    (paper_checks.main, ("--only", ""), "no claim matches ''"),
    (paper_checks.main, ("--only",), "expected at least one argument"),
    (paper_checks.main, ("--only", "P4", "--inputs", "missing.npy"), "cannot read missing.npy: No such file"),
    (paper_checks.main, ("--only", "P4", "--inputs", "/"), "cannot read /: Is a directory"),
    (paper_checks.main, ("--only", "P4", "--html", "none/page.html"), "there is no folder none"),
    (paper_checks.main, ("--only", "P4", "--json", "/dev/full"), "it is a device or a pipe"),
    (paper_checks.main, ("--claims", "missing.py"), "there is no such file; expected a Python file with claims"),
    (paper_checks.main, ("--claims", "/"), "there is no such file"),
    (paper_checks.main, ("--claims", "mine.py", "--dask", "tcp://h:1"), "leave --dask out"),
    (figures, ("blow-up",), "unknown figure 'blow-up'; expected of activations"),
    (figures, ("blow_up", "--format", "gif", "--out", "."), "unknown format 'gif'"),
    (figures, ("blow_up", "--out", "/dev/null"), "cannot make the folder /dev/null"),
    (figures, ("--effort", "none"), "invalid choice: 'none'"),
    (lessons, ("--port", "0"), "expected a whole number from 1 to 65535, got 0"),
    (lessons, ("--port", "2o"), "expected a whole number from 1 to 65535, got '2o'"),
    (sweep, (), "no grid: give axes"),
    (sweep, ("--depth", "0"), "depth must be a whole number from 1 to 20000, got 0"),
    (sweep, ("--depth", "deep"), "depth must be a whole number from 1 to 20000, got 'deep'"),
    (sweep, (*SWEEP, "--draws", "nan"), "draws must be a whole number from 1"),
    (sweep, (*SWEEP, "--draws", "-5"), "draws must be a whole number from 1"),
    (sweep, (*SWEEP, "--seed", "1.5"), "seed must be a whole number"),
    (sweep, (*SWEEP, "--export", "/"), "expected a name that ends in .csv"),
    (sweep, (*SWEEP, "--store", "/"), "/ is a folder; expected a file"),
    (sweep, ("missing.toml",), "cannot read missing.toml: No such file or directory; expected a TOML file"),
    (sweep, ("/",), "cannot read /: Is a directory; expected a TOML file"),
    (training, (*TRAIN[:2], "--layers", "0", "--rate", "1"), "0 layers are not 2"),
    (training, (*TRAIN[:4], "--rate", "-1"), "the learning rate must be positive and finite, got -1.0"),
    (training, (*TRAIN[:4], "--rate", "nan"), "the learning rate must be positive and finite, got nan"),
    (training, (*TRAIN, "--width", "0"), "width must be at least 1, got 0"),
    (training, ("--init", "hee", *TRAIN[2:]), "unknown scheme 'hee'; did you mean 'he'?"),
    (training, (*TRAIN, "--cifar", "missing"), "cannot read missing/data_batch_1.bin: No such file or directory"),
    (training, (*TRAIN, "--checkpoint", "/"), "cannot write /: it is a folder"),
    (speed, ("--only", "nothing"), "no case 'nothing'; expected some of"),
    (speed, ("--json", "none/speed.json"), "cannot write none/speed.json: there is no folder none"),
    (bench_sweeps, ("--rounds", "0"), "expected a whole number of at least 1, got 0"),
    (calibrate, ("--seeds", "many"), "expected a whole number of at least 1, got 'many'"),
]


@pytest.mark.parametrize(("command", "arguments", "says"), REFUSALS)
def test_wrong_use_is_refused_in_one_line(
    command: Command, arguments: tuple[str, ...], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert says in refused(command, capsys, *arguments)


@pytest.mark.parametrize("name", ["depth", "one_step", "resnet"])
def test_an_experiment_of_minutes_looks_first_whether_it_can_write(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main = __import__(f"benchmarks.training.{name}", fromlist=["main"]).main
    monkeypatch.setattr(sys, "argv", [name, "--json", "none/results.json"])
    assert "there is no folder none" in refused(lambda arguments: main(), capsys)
    monkeypatch.setattr(sys, "argv", [name, "--epochs" if name == "resnet" else "--depths", "1,x"])
    assert "expected a whole number of at least 1, got 'x'" in refused(lambda arguments: main(), capsys)


def test_a_port_in_use_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert f"port {port} of 127.0.0.1 is in use" in refused(lessons, capsys, "--port", port)


def shell(command: str) -> tuple[int, str]:
    """Run a command with the shell's pipes and redirections; return the status of its first part, and the errors."""
    done = subprocess.run(
        ["bash", "-c", f"{command}\nexit ${{PIPESTATUS[0]}}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "PYTHON": sys.executable},
    )
    return done.returncode, done.stderr


PRINTING = {
    "checks": "paper_checks.py --list",
    "figures": "-m figures --list",
    "speed": "-m benchmarks.speed --list",
    "sweep": "-m simulations.sweep --depth 2 --width 4 --draws 10",
    "train": "-m simulations.training --init he --layers 4 --rate 0.1",
}


@pytest.mark.slow
@pytest.mark.parametrize("name", PRINTING)
def test_a_full_disk_and_a_closed_pipe_end_without_a_traceback(name: str) -> None:
    status, errors = shell(f'"$PYTHON" {PRINTING[name]} > /dev/full')
    assert status == 1
    assert errors.splitlines()[-1] == "error: cannot write: No space left on device"
    assert "Traceback" not in errors
    status, errors = shell(f'"$PYTHON" {PRINTING[name]} | true')
    assert status in (0, 1)  # 0 where all was written before the pipe was closed
    assert "Traceback" not in errors
    assert "Broken pipe" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("after", [0.8, 1.6, 3.0])
def test_an_interrupt_at_any_moment_is_one_line(after: float, tmp_path: Path) -> None:
    arguments = [
        sys.executable,
        "-m",
        "fathom",
        "figures",
        "blow_up",
        "bounds",
        "--out",
        str(tmp_path),
        "--workers",
        "1",
    ]
    process = subprocess.Popen(
        arguments,
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    time.sleep(after)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith(("fathom: interrupted", "fathom figures: interrupted"))


@pytest.mark.parametrize(
    ("error", "status", "says"),
    [
        (BrokenPipeError(), 1, ""),
        (KeyboardInterrupt(), 130, "prog: interrupted; nothing was written\n"),
        (MemoryError("Unable to allocate 477. GiB"), 1, "error: not enough memory (Unable to allocate 477. GiB)"),
        (MemoryError(), 1, "error: not enough memory; ask for something smaller\n"),
        (OSError(28, "No space left on device"), 1, "error: cannot write: No space left on device\n"),
    ],
)
def test_how_commands_are_cut_short(
    error: BaseException, status: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> int:
        raise error

    assert run(work, "prog", "interrupted; nothing was written") == status
    assert capsys.readouterr().err.startswith(says)


def test_a_mistake_of_ours_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0, "prog")
