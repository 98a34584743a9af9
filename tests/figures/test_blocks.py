"""Blocks: layers and weights as the figure names them."""

import math

import pytest

from figures.tools.figure import DATA
from figures.tools.table import read_csv
from tests.figures.agreement import off, quick


def test_blocks_start_as_they_say() -> None:
    rows = quick("blocks")
    linear = rows.where(layer="linear")
    n = 20 * 64 * 64  # weights behind each mean square, of relative variance 2 / n
    assert (off(linear) <= 2 * 6 * math.sqrt(2 / n)).all()
    kept = read_csv(DATA / "blocks.csv").where(layer="linear")
    assert (off(kept) <= 0.02 * kept.numbers("expected")).all()  # as the key says
    assert linear.where(block="Fixup")["expected"].tolist() == pytest.approx([2 / 16, 0])
    assert linear.where(block="batch norm")["expected"].tolist() == pytest.approx([2, 2])
    kinds = {name: rows.where(block=name)["layer"].tolist() for name in ("batch norm", "rescaled", "Fixup")}
    assert kinds["batch norm"] == ["linear", "batch norm", "ReLU", "linear", "batch norm"]
    assert kinds["rescaled"] == ["linear", "ReLU", "linear", "ReLU"]
    assert kinds["Fixup"].count("bias") == 4
    assert rows.where(layer="multiplier")["measured"].tolist() == [1]
