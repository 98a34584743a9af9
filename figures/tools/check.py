"""Whether the pictures in the repository still show what the code finds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from figures.tools.figure import DATA, PICTURES, load, names
from figures.tools.manifest import digest, machine, versions
from figures.tools.picture import render
from figures.tools.table import TableError, differences, read_csv


def strangers(entries: dict[str, dict[str, Any]]) -> Iterator[str]:
    """Yield what is in the manifest or in the folders without a script, and scripts that were never drawn."""
    known = set(names())
    for name in sorted(entries.keys() - known):
        yield f"{name}: orphaned, it is in the manifest but there is no figures/{name}.py"
    for name in sorted(known - entries.keys()):
        yield f"{name}: missing, it was never drawn"
    for folder, suffix in ((PICTURES, ".svg"), (DATA, ".csv")):
        for path in sorted(folder.glob("*")):
            if path.suffix != suffix or path.stem not in entries:
                yield f"{path.name}: orphaned, the manifest does not know it"


class Skipped(str):
    """A line on a figure that could not be drawn again here, which is no trouble."""

    __slots__ = ()


def trouble(name: str, entry: dict[str, Any]) -> str:
    """Draw a figure again as the manifest says and tell what differs or that it was skipped; empty if nothing does."""
    module = load(name)
    figure = module.FIGURE
    for kind, path in (("picture", PICTURES / f"{name}.svg"), ("data", DATA / f"{name}.csv")):
        if not path.is_file():
            return f"{name}: missing {kind}, there is no {path.name}"
        if digest(path.read_bytes()) != entry[kind]:
            return f"{name}: changed, {path.name} is not the {kind} that was made"
    if figure.parameters != entry["parameters"]:
        return f"{name}: stale, its parameters are {figure.parameters}, drawn with {entry['parameters']}"
    same_place = entry["machine"] == machine() and entry["versions"] == versions()
    if figure.this_machine_only and not same_place:
        return Skipped(f"{name}: skipped, its data can be compared on the machine that made them only")
    found = module.data(figure.parameters, entry["effort"], entry["seed"])
    try:
        kept = read_csv(DATA / f"{name}.csv")
    except TableError as error:
        return f"{name}: damaged, {error}"
    if difference := differences(kept, found, figure.tolerance):
        return f"{name}: stale data, {difference}"
    if same_place and digest(dict(render(module, found, ("svg",), entry["effort"]))["svg"]) != entry["picture"]:
        return f"{name}: stale picture, the same data are drawn otherwise now"
    return ""
