"""A sample of claims falls whichever function of theory it calls is wrong; `make attack` lists what all let pass."""

import pytest

from claims.catalogue import REGISTRY
from tests.attack.survivors import called, survivors

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore")]  # wrong numbers overflow and divide by zero


@pytest.mark.parametrize(
    "claim_id",
    [
        "layer.linear_second_moment",
        "layer.layer_with_bias",
        "plain.glorot_conditions",
        "plain.glorot_is_a_harmonic_mean_of_variances",
        "fixup.shared_biases_add_up",
        "training.constant_units_stay_alike",
    ],
)
def test_a_wrong_function_fells_the_claim(claim_id: str) -> None:
    claim = REGISTRY[claim_id]
    assert called(claim)
    assert list(survivors(claim)) == []
