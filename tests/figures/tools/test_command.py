"""The command: what it lists, draws, checks and refuses."""

import json
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from figures import __main__ as command
from figures.tools import check, figure, making, manifest
from figures.tools.figure import names

pytestmark = pytest.mark.slow

ONE = "blow_up"


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the places where pictures are kept, with one figure drawn into it."""
    places = {"HERE": tmp_path, "PICTURES": tmp_path / "pictures", "DATA": tmp_path / "data"}
    places["MANIFEST"] = tmp_path / "manifest.json"
    for module in (command, check, figure):
        for name, path in places.items():
            if hasattr(module, name):
                monkeypatch.setattr(module, name, path)
    for module in (command, check):
        monkeypatch.setattr(module, "names", lambda: [ONE])
    assert command.main([ONE, "--effort", "quick", "--workers", "1"]) == 0
    return tmp_path


def test_list(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list"]) == 0
    assert capsys.readouterr().out.split() == names()


def test_what_is_drawn(house: Path) -> None:
    assert {path.name for path in house.iterdir()} == {"pictures", "data", "manifest.json", "README.md"}
    entry = json.loads((house / "manifest.json").read_text())["figures"][ONE]
    assert entry["picture"] == manifest.digest((house / "pictures" / f"{ONE}.svg").read_bytes())
    assert entry["data"] == manifest.digest((house / "data" / f"{ONE}.csv").read_bytes())
    assert (entry["effort"], entry["seed"]) == ("quick", 0)
    page = (house / "README.md").read_text()
    assert f"](pictures/{ONE}.svg)" in page
    assert f"`python -m figures {ONE}`" in page


def test_out_leaves_the_repository_alone(house: Path, tmp_path: Path) -> None:
    before = (house / "manifest.json").read_bytes()
    out = tmp_path / "elsewhere" / "deep"
    arguments = [ONE, "--out", str(out), "--format", "png,pdf", "--data", "--effort", "quick", "--workers", "1"]
    assert command.main(arguments) == 0
    assert {path.name for path in out.iterdir()} == {f"{ONE}.png", f"{ONE}.pdf", f"{ONE}.csv"}
    assert (house / "manifest.json").read_bytes() == before
    assert (out / f"{ONE}.csv").read_bytes() == (house / "data" / f"{ONE}.csv").read_bytes()


def test_a_look_for_papers(house: Path, tmp_path: Path) -> None:
    """Sizes in points, and no title; the repository's own picture stays as it is."""
    own = (house / "pictures" / f"{ONE}.svg").read_bytes()
    found = {}
    for name, options in {"plain": [], "bare": ["--no-title"], "small": ["--no-title", "--size", "3.25x2.5"]}.items():
        out = tmp_path / name
        assert command.main([ONE, "--out", str(out), *options, "--effort", "quick", "--workers", "1"]) == 0
        found[name] = (out / f"{ONE}.svg").read_bytes()
    assert own == found["plain"] == (house / "pictures" / f"{ONE}.svg").read_bytes()
    assert len(found["bare"]) < len(own)
    assert (b'width="460.8pt" height="309.6pt"' in found["bare"], b'width="234pt"' in found["bare"]) == (True, False)
    assert b'width="234pt" height="180pt"' in found["small"]


def _edited_picture(house: Path) -> None:
    path = house / "pictures" / f"{ONE}.svg"
    path.write_text(path.read_text().replace("0072b2", "ff0000"))


def _edited_data(house: Path) -> None:
    path = house / "data" / f"{ONE}.csv"
    path.write_text(path.read_text().replace("1.0", "1.1", 1))


def _edited_parameter(house: Path) -> None:
    _change(house, lambda entry: entry["parameters"].update(width=128))


def _stale_data(house: Path) -> None:
    """As if the code had found something else when the picture was made."""
    _edited_data(house)
    digest = manifest.digest((house / "data" / f"{ONE}.csv").read_bytes())
    _change(house, lambda entry: entry.update(data=digest))


def _change(house: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = house / "manifest.json"
    content = json.loads(path.read_text())
    change(content["figures"][ONE])
    path.write_text(json.dumps(content))


def _script_gone(house: Path) -> None:
    path = house / "manifest.json"
    content = json.loads(path.read_text())
    content["figures"]["no_such_figure"] = content["figures"][ONE]
    path.write_text(json.dumps(content))


def _stray_file(house: Path) -> None:
    (house / "pictures" / "stray.svg").write_text("<svg/>")


def _picture_gone(house: Path) -> None:
    (house / "pictures" / f"{ONE}.svg").unlink()


def test_check_passes_what_was_just_drawn(house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--check", "--workers", "1"]) == 0
    assert "1 figures checked, 0 in trouble" in capsys.readouterr().out


def test_check_skips_what_was_trained_elsewhere(
    house: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Compared where it was made; elsewhere skipped and not counted, unless what was kept has changed."""
    module = figure.load(ONE)
    monkeypatch.setattr(module, "FIGURE", replace(module.FIGURE, this_machine_only=True))
    assert command.main(["--check", "--workers", "1"]) == 0
    assert "1 figures checked, 0 in trouble\n" in capsys.readouterr().out
    _change(house, lambda entry: entry.update(machine="another"))
    assert command.main(["--check", "--workers", "1"]) == 0
    out = capsys.readouterr().out
    assert f"{ONE}: skipped, its data can be compared on the machine that made them only\n" in out
    assert "0 figures checked, 0 in trouble, 1 skipped\n" in out
    _edited_data(house)
    assert command.main(["--check", "--workers", "1"]) == 1
    assert "blow_up.csv is not the data that was made" in capsys.readouterr().out


def test_a_skip_stays_a_skip_on_its_way_from_another_process() -> None:
    assert isinstance(pickle.loads(pickle.dumps(check.Skipped("name: skipped"))), check.Skipped)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_edited_picture, "blow_up.svg is not the picture that was made"),
        (_edited_data, "blow_up.csv is not the data that was made"),
        (_edited_parameter, "stale, its parameters are"),
        (_stale_data, "stale data, column"),
        (_script_gone, "no_such_figure: orphaned"),
        (_stray_file, "stray.svg: orphaned"),
        (_picture_gone, "missing picture"),
    ],
)
def test_check_names_what_is_wrong(
    damage: Callable[[Path], None], message: str, house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(house)
    assert command.main(["--check", "--workers", "1"]) == 1
    assert message in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [[ONE, "bounds"], []], ids=["some", "all"])
def test_an_interrupt_leaves_no_picture_ahead_of_the_manifest(
    arguments: list[str], house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second figure is interrupted; the first, drawn with another seed, must be in the manifest already."""

    def interrupted(name: str, *settings: Any) -> making.Made:
        if name == "bounds":
            raise KeyboardInterrupt
        return making.one(name, *settings)

    monkeypatch.setattr(command, "one", interrupted)
    monkeypatch.setattr(command, "names", lambda: [ONE, "bounds"])
    before = (house / "pictures" / f"{ONE}.svg").read_bytes()
    assert command.main([*arguments, "--effort", "quick", "--seed", "1", "--workers", "1"]) == 130
    assert "what was drawn before is kept" in capsys.readouterr().err
    assert (house / "pictures" / f"{ONE}.svg").read_bytes() != before
    monkeypatch.setattr(command, "names", lambda: [ONE])
    assert command.main(["--check", "--workers", "1"]) == 0


def test_all_are_drawn_whatever_the_manifest_says(house: Path) -> None:
    (house / "manifest.json").write_text("{")
    assert command.main(["--effort", "quick", "--workers", "1"]) == 0
    assert command.main(["--check", "--workers", "1"]) == 0


def test_check_needs_no_folder_to_write_into(
    house: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(30, "Read-only file system", str(house))

    monkeypatch.setattr("simulations.files.tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("simulations.files.tempfile.mkstemp", refuse)
    assert command.main(["--check", "--workers", "1"]) == 0
    assert "1 figures checked, 0 in trouble" in capsys.readouterr().out
    assert command.main([ONE, "--effort", "quick"]) == 2
    assert "Read-only file system" in capsys.readouterr().err


@pytest.mark.parametrize("content", [None, "{", '{"version": 0, "figures": {}}', "[]"])
def test_a_manifest_that_cannot_be_read(content: str | None, house: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = house / "manifest.json"
    path.unlink()
    if content is not None:
        path.write_text(content)
    for arguments in (["--check"], [ONE, "--effort", "quick"]):
        assert command.main(arguments) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert (path.read_text() if path.exists() else None) == content


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["no_such"], "unknown figure 'no_such'; expected of"),
        (["--format", "svg,gif"], "unknown format 'gif'; expected of svg, png, pdf"),
        (["--out", "/proc/none/of/it"], "cannot make the folder"),
        (["--check", "--seed", "0"], "cannot be given with --seed"),
        (["--check", "--effort", "quick"], "cannot be given with --effort"),
        (["--check", "--format", "svg"], "cannot be given with --format"),
        (["--check", "--out", "/proc/none", "--data"], "cannot be given with --out, --data"),
        (["--check", "--no-title", "--size", "3x2"], "cannot be given with --no-title, --size"),
        (["--data"], "--data is for --out DIR"),
        ([ONE, "--no-title"], "--no-title is for --out DIR; the repository's own pictures are SVG"),
        ([ONE, "--size", "3x2"], "--size is for --out DIR"),
        ([ONE, "--format", "pdf"], "--format is for --out DIR"),
        ([ONE, "--out", str(figure.PICTURES)], "has the repository's own"),
        ([ONE, "--out", "{out}", "--effort", "quick", "--size", "1x1"], "1x1 inches leave no room for blow_up"),
    ],
)
def test_refusals_are_one_line(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main([one.format(out=tmp_path) for one in arguments]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--effort", "nope"], "argument --effort: invalid choice: 'nope'"),
        (["--seed", "x"], "argument --seed: expected a whole number of at least 0, got 'x'"),
        (["--seed", "-1"], "argument --seed: expected a whole number of at least 0, got -1"),
        (["--size", "3.25"], "argument --size: expected WIDTHxHEIGHT in inches, such as 3.25x2.5, got '3.25'"),
        (["--size", "3e1x2"], "argument --size: expected WIDTHxHEIGHT in inches"),
        (["--size=-3x2"], "argument --size: expected WIDTHxHEIGHT in inches"),
        (["--size", "0x2"], "argument --size: expected sides of 1 to 40 inches, got '0x2'"),
        (["--size", "3x41"], "argument --size: expected sides of 1 to 40 inches, got '3x41'"),
        (["--workers", "0"], "argument --workers: expected a whole number of at least 1, got 0"),
        (["--nonsense"], "unrecognized arguments: --nonsense"),
    ],
)
def test_what_the_parser_refuses_is_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        command.main(arguments)
    assert stop.value.code == 2
    err = capsys.readouterr().err
    assert message in err
    assert len(err.strip().splitlines()) == 1
