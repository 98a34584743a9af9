import json
import math
from typing import Any

import pytest

from simulations.sweep.grid import AXES, Cell, Grid, GridError
from simulations.sweep.networks import ACTIVATIONS, PLAIN_INITS, RESIDUAL_INITS, SHAPES, body, layer_widths
from simulations.sweep.quantities import QUANTITIES, check_quantities


def test_cells_are_all_combinations() -> None:
    grid = Grid(depth=(2, 3), width=(8, 16, 32), inputs=("signs", "digits"))
    cells = grid.cells()
    assert len(cells) == len(set(cells)) == grid.size == 12
    assert cells[0] == Cell("plain", "he", "relu", 2, 8, "signs")
    assert cells[-1] == Cell("plain", "he", "relu", 3, 32, "digits")


def test_a_key_is_canonical_and_says_everything() -> None:
    cell = Cell("plain", "he", "relu", 2, 8, "signs", 0.5)
    fields = json.loads(cell.key)
    assert Cell(**fields) == cell
    assert list(fields) == sorted(AXES)
    assert " " not in cell.key


def test_a_mapping_takes_lists_and_single_values() -> None:
    grid = Grid.from_mapping({"depth": [1, 2], "width": 8, "logit_scale": 2, "draws": 5, "quantities": "loss"})
    assert (grid.depth, grid.width, grid.logit_scale, grid.draws) == ((1, 2), (8,), (2.0,), 5)
    assert grid.quantities == ("loss",)
    assert grid == Grid.from_mapping(
        {"depth": (1, 2), "width": [8], "logit_scale": [2.0], "draws": 5, "quantities": ["loss"]}
    )


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        ({"depht": 3}, "unknown key 'depht'; did you mean 'depth'"),
        ({"init": "hee"}, "unknown init 'hee'; did you mean 'he'"),
        ({"architecture": "bottelneck"}, "did you mean 'bottleneck'"),
        ({"architecture": "residual", "init": "fixpu"}, "did you mean 'fixup'"),
        ({"activation": "rleu"}, "did you mean 'relu'"),
        ({"inputs": "digit"}, "did you mean 'digits'"),
        ({"engine": "radail"}, "did you mean 'radial'"),
        ({"quantities": ["varianse"]}, "did you mean 'variance'"),
        ({"architecture": "residual", "init": "he_uniform"}, "'he_uniform' is for plain networks"),
        ({"architecture": "plain", "init": "fixup"}, "'fixup' is for architecture 'residual'"),
        ({"architecture": "residual", "init": "batch_norm"}, "needs a whole batch"),
        ({"architecture": "residual", "activation": "tanh"}, "has activation 'relu' only"),
        ({"architecture": "residual", "init": "group_norm", "width": 1}, "width 1 is too narrow for init 'group_norm'"),
        ({"engine": "radial", "activation": "tanh"}, r"'radial'.*Tanh\(\)"),
        ({"engine": "radial", "quantities": "variance"}, "more than the norms"),
        ({"engine": "undrawn", "init": "he_uniform"}, "'layer0' must be drawn"),
        ({"engine": "undrawn", "quantities": "theorem_1_tightness"}, "whole matrices"),
        ({"activation": "tanh", "quantities": "theorem_1_tightness"}, "positively homogeneous"),
        ({"width": 0}, "width must be a whole number from 1"),
        ({"width": 10**13}, "width must be a whole number from 1"),
        ({"width": "64"}, "got '64'"),
        ({"depth": 2.0}, "depth must be a whole number"),
        ({"depth": True}, "got True"),
        ({"depth": []}, "depth needs at least one value"),
        ({"depth": [2, 3, 2]}, "depth has a value twice"),
        ({"depth": {"from": 1}}, "takes a value or a list of values"),
        ({"logit_scale": math.nan}, "logit_scale must be a number above 0 and finite, got nan"),
        ({"logit_scale": math.inf}, "got inf"),
        ({"logit_scale": 0}, "got 0.0"),
        ({"logit_scale": "1"}, "got '1'"),
        ({"draws": 0}, "draws must be a whole number from 1"),
        ({"draws": [5]}, r"got \[5\]"),
        ({"seed": -1}, "seed must be a whole number from 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(mapping: dict[str, Any], message: str) -> None:
    with pytest.raises(GridError, match=message) as caught:
        Grid.from_mapping(mapping)
    assert "\n" not in str(caught.value)


def test_every_combination_of_names_is_a_network() -> None:
    for architecture in (*SHAPES, "alternating", "residual"):
        residual = architecture == "residual"
        for init in RESIDUAL_INITS if residual else PLAIN_INITS:
            for activation in ("relu",) if residual else ACTIVATIONS:
                cell = Grid((architecture,), (init,), (activation,), (3,), (16,)).cells()[0]
                assert len(body(cell).layers) == 3
                fan_ins = [dense.fan_in for dense in body(cell).weights()]
                assert fan_ins[0] == layer_widths(cell)[0]


def test_shapes_have_the_widths_that_their_names_say() -> None:
    widths = {name: layer_widths(Cell(name, "he", "relu", 4, 32, "signs")) for name in (*SHAPES, "alternating")}
    assert widths == {
        "plain": (32, 32, 32, 32, 32),
        "taper": (32, 23, 16, 11, 8),
        "widening": (8, 11, 16, 23, 32),
        "bottleneck": (32, 16, 8, 16, 32),
        "pinched": (32, 32, 4, 32, 32),
        "alternating": (32, 16, 32, 16, 32),
    }


def test_theorem_2_asks_no_more_than_a_readout() -> None:
    check_quantities(Cell("plain", "he", "tanh", 2, 8, "signs"), ("theorem_2_tightness", "theorem_2_vacuous"))
    assert not QUANTITIES["theorem_2_tightness"].homogeneous
