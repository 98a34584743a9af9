"""Layers are inserted below the last three matrices of a trained net, and nothing else is new."""

import pytest

from simulations import mlp, stream
from simulations.training.stages import grown


def test_a_grown_net_keeps_its_lower_layers_and_its_last_three() -> None:
    old, drawn = (mlp([6] * matrices, classes=3).draw(stream(0, "grown", matrices), 1) for matrices in (8, 10))
    found = grown(old, 8, drawn, 10)
    assert list(found) == list(drawn)
    for place, layer in {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 7: 5, 8: 6}.items():
        assert found[f"layer{place}.weight"] is old[f"layer{layer}.weight"]
    assert found["readout.weight"] is old["readout.weight"]
    for place in (5, 6):
        assert found[f"layer{place}.weight"] is drawn[f"layer{place}.weight"]


@pytest.mark.parametrize(("before", "after"), [(3, 8), (8, 8), (8, 5)])
def test_what_cannot_grow_is_refused(before: int, after: int) -> None:
    with pytest.raises(ValueError, match=f"got {before} and {after}"):
        grown({}, before, {}, after)
