"""The options of the command."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from profiles import picture
from profiles.families import FAMILIES
from profiles.formats import FORMATS
from simulations.command_line import Parser, whole
from simulations.sweep.networks import ACTIVATIONS

LARGEST_BIAS = 1e100
"""Whose square float64 can hold many times over."""


def parser_of(program: str) -> Parser:
    """Return the parser of the command."""
    inits = "\n".join(f"  {family:<10}{', '.join(names)}" for family, (_, names, _) in FAMILIES.items())
    parser = Parser(
        program,
        "Measure a network per depth and put its closed forms beside it, with a verdict at every depth.",
        epilog=f"initialisations of each family:\n{inits}\n\nactivations: {', '.join(ACTIVATIONS)}",
    )
    add = parser.add_argument
    add("family", metavar="FAMILY", help=", ".join(FAMILIES))
    add("--depth", type=whole(1, 10_000), default=20, metavar="N", help="layers, or blocks if it has branches (20)")
    add(
        "--width",
        type=whole(1, 10_000),
        default=None,
        metavar="N",
        help="units a layer, channels of a first stage (64)",
    )
    add("--init", nargs="+", metavar="NAME", help="one, or several side by side, see below")
    add("--activation", default="relu", metavar="NAME", help="see below (relu)")
    add("--branch", type=whole(1), default=2, metavar="M", help="layers in a branch (2)")
    add("--bias", type=_deviation, default=0.0, metavar="S", help="standard deviation of biases (0)")
    add("--backward", action="store_true", help="gradients too, from a normal cotangent at the output")
    add("--loss", action="store_true", help="a readout, the loss at the start, and theorems 1 and 2 of Fixup")
    for name in FORMATS:
        add(f"--{name}", action="store_true", help=f"say at which depth mean squares leave {name}")
    add("--draws", type=whole(2), metavar="N", help="random networks (as many as take about a second)")
    add("--input", type=Path, metavar="FILE", help="your own .npz with x (samples, features) and y (samples)")
    add("--seed", type=whole(0), default=0, metavar="N", help="root of all random streams (0)")
    add("--plot", type=Path, metavar="FILE", help=f"draw, as {', '.join(picture.SUFFIXES)}")
    add("--json", type=Path, metavar="FILE", help="write everything, at every position")
    return parser


def _deviation(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= LARGEST_BIAS:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to {LARGEST_BIAS:g}, got {text!r}")
    return number
