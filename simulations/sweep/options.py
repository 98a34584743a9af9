"""The command line of a sweep: its options, and the grid that they and a TOML file name."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from simulations.command_line import Parser, whole
from simulations.executors import cores
from simulations.sweep.grid import AXES, Grid, GridError

GRID = (*AXES, "quantities", "draws", "seed")
EXAMPLE = """\
axes of the grid take one value or several (--depth 2 4 8); every combination is a cell. Example:

  {program} --architecture plain taper --depth 10 20 --width 64 --draws 1e6 \\
      --quantities second_moment gradient --store sweep.db --export sweep.csv

The same from a file, sweep.toml, with {program} sweep.toml --store sweep.db:

  architecture = ["plain", "taper"]
  depth = [10, 20]
  width = 64
  draws = 1_000_000
  quantities = ["second_moment", "gradient"]

Killed or interrupted, the same command goes on where it stopped. Exit status: 0, 1 if blocks or workers failed,
2 for bad usage or input, 130 after an interrupt."""


def parse(arguments: Sequence[str] | None, program: str = "python -m simulations.sweep") -> argparse.Namespace:
    """Return the options; bad ones end the program with one line and status 2."""
    parser = Parser(
        program,
        "Measure a grid of networks at initialisation: resumable, mergeable, distributed.",
        epilog=EXAMPLE.replace("{program}", program),
    )
    add = parser.add_argument
    add("config", nargs="?", type=Path, metavar="FILE.toml", help="the grid; options override what it says")
    add("--config", dest="config_option", type=Path, metavar="FILE.toml", help="the same as an option")
    for axis in (*AXES, "quantities"):
        default = " ".join(map(str, getattr(Grid, axis)))
        add(f"--{axis.replace('_', '-')}", dest=axis, nargs="+", type=_value, metavar="VALUE", help=f"({default})")
    add("--draws", type=_value, metavar="N", help=f"of each cell, such as 1e6 ({Grid.draws})")
    add("--seed", type=_value, metavar="N", help=f"root of all random streams ({Grid.seed})")
    add("--store", type=Path, metavar="FILE", help="keep every block here, and go on from what is here")
    add("--extend", action="store_true", help="add draws, cells or quantities to a store of another grid")
    add("--dry-run", action="store_true", help="show the plan and stop")
    add("--export", type=Path, metavar="FILE", help="write results: .csv, .parquet or .nc (of the grid, or of a store)")
    add("--digest", action="store_true", help="print the digest of the store's content (and stop, if no grid is given)")
    add(
        "--workers", type=whole(1, 10_000), default=None, metavar="N", help=f"blocks at one time (all cores: {cores()})"
    )
    add("--dask", metavar="ADDRESS", help="run on the Dask cluster of this scheduler, such as tcp://10.0.0.1:8786")
    add("--yes", action="store_true", help="do not ask about the size of the grid")
    return parser.parse(arguments)


def grid_of(options: argparse.Namespace) -> Grid | None:
    """Return the grid that file and options name, or None if they name none.

    Raises
    ------
    GridError
        If it cannot be read or is no grid.
    """
    if options.config and options.config_option:
        raise GridError(f"two files for one grid, {options.config} and {options.config_option}; give one")
    path = options.config or options.config_option
    given = {name: value for name in GRID if (value := getattr(options, name)) is not None}
    if not path and not given:
        return None
    return Grid.from_mapping((_toml(path) if path else {}) | given)


def _toml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise GridError(f"cannot read {path}: {error.strerror or error}; expected a TOML file with a grid") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise GridError(f"{path} is not TOML: {' '.join(str(error).split())}") from None


def _value(text: str) -> str | int | float:
    """Read an integer (1e6 is one), another number, or a name."""
    try:
        number = float(text)
    except ValueError:
        return text
    try:
        return int(text)
    except ValueError:
        return int(number) if number.is_integer() and "." not in text else number
