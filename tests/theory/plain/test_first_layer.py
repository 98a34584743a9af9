"""He's first layer at quoted numbers."""

import pytest
import sympy as sp

from theory.plain import first_layer


@pytest.mark.parametrize("layer", [1, 2, 30])
def test_one_factor_at_every_depth(layer: int) -> None:
    assert first_layer.pre_activation(6, sp.Rational(1, 6), layer) == 1
    assert first_layer.pre_activation(6, sp.Rational(2, 6), layer) == 2


def test_layers_are_counted_from_one() -> None:
    with pytest.raises(ValueError, match="layer is 0"):
        first_layer.pre_activation(6, 1, 0)
