"""The options of the command: how they are read, and which are for a folder of one's own."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from figures.tools.figure import DRAWS, FORMATS
from simulations.command_line import Parser, whole
from simulations.executors import cores

SIZES = 1.0, 40.0
"""The least and the largest side of a picture, in inches."""


def parser(program: str) -> Parser:
    """Return what reads the command line."""
    found = Parser(program, "Draw the figures of the field: theory and measurement.")
    found.add_argument("names", nargs="*", metavar="NAME", help="figures to draw (default: all)")
    found.add_argument("--list", action="store_true", help="print the names, one a line, and stop")
    found.add_argument("--out", type=Path, metavar="DIR", help="draw into this folder and leave the repository alone")
    found.add_argument("--format", metavar="F,F", help=f"of {', '.join(FORMATS)} (default: svg)")
    found.add_argument("--no-title", action="store_true", default=None, help="with --out: leave titles to captions")
    found.add_argument("--size", type=_size, metavar="WxH", help="with --out: width and height in inches, as 3.25x2.5")
    found.add_argument("--effort", choices=DRAWS, help="how many draws (default: standard)")
    found.add_argument("--seed", type=whole(0), metavar="N", help="root of all random streams (default: 0)")
    found.add_argument("--data", action="store_true", default=None, help="with --out: also write the data, as CSV")
    found.add_argument("--check", action="store_true", help="say which pictures of the repository are stale")
    found.add_argument("--workers", type=whole(1), default=cores(), metavar="N", help="processes (default: all cores)")
    found.add_argument("--dask", metavar="ADDRESS", help="draw on the Dask cluster of this scheduler")
    return found


def _size(text: str) -> tuple[float, float]:
    """Read a width and a height in inches, for ``add_argument(type=...)``."""
    sides = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)x([0-9]+(?:\.[0-9]+)?)", text)
    if sides is None:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT in inches, such as 3.25x2.5, got {text!r}")
    width, height = float(sides[1]), float(sides[2])
    least, most = SIZES
    if not (least <= width <= most and least <= height <= most):
        raise argparse.ArgumentTypeError(f"expected sides of {least:g} to {most:g} inches, got {text!r}")
    return width, height


def of_your_own(options: argparse.Namespace) -> str:
    """Return the first option that changes the look, which the repository's own pictures keep; empty if none does."""
    looks = {"--no-title": options.no_title, "--size": options.size, "--format": formats(options) != ("svg",)}
    return next((name for name, given in looks.items() if given), "")


def formats(options: argparse.Namespace) -> tuple[str, ...]:
    """Return the formats that are asked for."""
    return ("svg",) if options.format is None else tuple(options.format.split(","))
