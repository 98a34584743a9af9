"""The numbers of a few blocks, by which a change of numbers is noticed: stores of two versions must not be merged.

After a wanted change raise ``STREAM_VERSION`` in ``simulations/sweep/block.py`` and put what
``python -m tests.simulations.sweep.test_golden`` prints into ``golden.json``.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from simulations.sweep.block import STREAM_VERSION, block_draws, run_block
from simulations.sweep.grid import Cell
from simulations.sweep.quantities import QUANTITIES, SIMULATIONS, groups

FILE = Path(__file__).with_name("golden.json")
CELLS = (
    Cell("plain", "he", "relu", 3, 64, "gaussian"),
    Cell("plain", "he", "relu", 3, 64, "signs", engine="undrawn"),
    Cell("bottleneck", "glorot", "tanh", 3, 16, "digits", 2.0),
    Cell("residual", "fixup", "relu", 2, 16, "unit_digits"),
    Cell("residual", "he_lecun", "relu", 2, 16, "signs"),
    Cell("alternating", "he_rademacher", "gelu", 2, 12, "gaussian"),
)
ALWAYS = tuple(name for name, quantity in QUANTITIES.items() if not quantity.homogeneous)
UNDRAWN = tuple(name for name in ALWAYS if not SIMULATIONS[QUANTITIES[name].simulation].whole)

Numbers = dict[str, list[float]]


def numbers(cell: Cell) -> Numbers:
    """Return draws a block, count of the zeros, mean and spread at the last position, to six digits, by quantity."""
    found: Numbers = {}
    for group in groups(UNDRAWN if cell.engine == "undrawn" else ALWAYS):
        for name, moments in run_block(cell, 1, 50, 7, group).items():
            seen = (moments.mean[-1], moments.m2[-1], moments.log_mean[-1], moments.log_m2[-1])
            found[name] = [block_draws(cell, group), int(moments.zeros[-1]), *(float(f"{one:.6g}") for one in seen)]
    return found


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.key)
def test_blocks_have_the_numbers_of_their_stream_version(cell: Cell) -> None:
    golden = json.loads(FILE.read_text())
    assert golden["stream version"] == STREAM_VERSION, f"STREAM_VERSION has changed: {HOW}"
    expected, found = golden[cell.key], numbers(cell)
    changed = [name for name in expected if found[name] != pytest.approx(expected[name], rel=2e-5, abs=1e-9)]
    assert not changed, (
        f"the numbers of {', '.join(changed)} have changed, so blocks stored before do not belong with blocks computed "
        f"now. If that is wanted raise STREAM_VERSION in simulations/sweep/block.py, and {HOW}"
    )
    assert expected.keys() == found.keys()


HOW = "write golden.json anew: python -m tests.simulations.sweep.test_golden > tests/simulations/sweep/golden.json"


def test_the_golden_numbers_see_a_change_of_stream() -> None:
    golden = json.loads(FILE.read_text())
    for cell in CELLS:
        other = numbers(replace(cell, logit_scale=cell.logit_scale + 1))  # the same network, another address
        assert other["gradient"] != pytest.approx(golden[cell.key]["gradient"], rel=2e-5, abs=1e-9)


if __name__ == "__main__":
    print(json.dumps({"stream version": STREAM_VERSION} | {cell.key: numbers(cell) for cell in CELLS}, indent=1))
