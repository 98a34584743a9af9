"""Dropout of rows and of attention's weights: what is drawn, for whom, and that it is unbiased."""

from typing import Any

import numpy as np
import pytest

from simulations import Residual, Sequential, stream
from simulations.attention.dropout import RowDropout, keep_masks
from simulations.attention.layer import Attention
from simulations.transformer.recipes import NONE
from simulations.transformer.stack import transformer
from tests.simulations.layers.layer_cases import check_gradients

ROWS = RowDropout("d", 6, 0.8)
LAYERS = Sequential((
    Residual(Sequential((Attention("a", 6, 2, 3, keep=0.5), ROWS))),
    Attention("c", 6, 2, 3, memory="m", keep=0.25),
    RowDropout("all", 6, 1.0),
))  # fmt: skip


def test_shapes_and_factors() -> None:
    kept = keep_masks(LAYERS, stream(0), 500, 3, 4, draws=2)
    assert {name: one.shape for name, one in kept.items()} == {
        "a.kept": (2, 500, 2, 3, 3), "d.kept": (2, 1500, 6), "c.kept": (2, 500, 2, 3, 4),
    }  # fmt: skip
    for name, keep in (("a.kept", 0.5), ("d.kept", 0.8), ("c.kept", 0.25)):
        assert set(np.unique(kept[name])) == {0, 1 / keep}
        assert abs(kept[name].mean() - 1) < 6 * ((1 / keep - 1) / kept[name].size) ** 0.5
    single = keep_masks(LAYERS, stream(0), 500, 3, 4, draws=2, single=True)
    assert {one.dtype for one in single.values()} == {np.dtype(np.float32)}
    for name, one in kept.items():
        np.testing.assert_array_equal(single[name] > 0, one > 0)


def test_rows_are_multiplied_and_cotangents_too() -> None:
    x = stream(0, "x").normal(size=(2, 4, 6))
    kept = keep_masks(ROWS, stream(1), 2, 2, 2, draws=2)
    y, pullback = ROWS.forward(kept, x)
    np.testing.assert_array_equal(y, x * kept["d.kept"])
    np.testing.assert_array_equal(pullback(x, None), x * kept["d.kept"])
    assert ROWS.forward({}, x)[0] is x
    assert [ROWS.degree(k, frozenset()) for k in (None, 0, 1)] == [None, 0, 1]
    check_gradients(Sequential((ROWS, Attention("a", 6, 2, 2))), x[:1])


def test_a_stack_says_which_of_its_parts_drop() -> None:
    network = transformer(8, 2, NONE, heads=2, positions=3, tokens=5, keep=0.9)
    names = set(keep_masks(network, stream(0), 1, 3, 3))
    branches = {
        f"block{n}.{part}" for n in (0, 1) for part in ("attention.kept", "attention.dropout.kept", "mlp.dropout.kept")
    }
    assert names == branches | {"embedding.dropout.kept"}
    assert not keep_masks(transformer(8, 2, NONE, positions=3), stream(0), 1, 3, 3)


@pytest.mark.parametrize("keep", [0.0, -1.0, 1.5, float("nan")])
def test_refused(keep: Any) -> None:
    with pytest.raises(ValueError, match="keep of layer 'd' must be above 0 and at most 1"):
        RowDropout("d", 6, keep)
