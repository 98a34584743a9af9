"""Each of the twenty misstatements of popular write-ups is a mutant of a claim, and says what was confused."""

import pytest

from claims.catalogue import REGISTRY
from claims.ledger import ledgers

MISSTATEMENTS = {
    1: ("homogeneity.entropy_is_at_most_log_c", "a lower bound"),
    2: ("residual.fixup_without_zeros", "the input data rescaled"),
    3: ("homogeneity.layer_table", "f is the softmax layer"),
    4: ("fixup.scalars_change_nothing_at_first", "a scalar adder initialised at 1"),
    5: ("fixup.scalars_change_nothing_at_first", "the best bias scalars 0.2, 0.1, 0.7"),
    6: ("homogeneity.theorem_1", "large in the later blocks"),
    7: ("fixup.fixup_scale", "the minus sign lost"),
    8: ("plain.glorot_is_a_harmonic_mean_of_variances", "the harmonic mean of the fans"),
    9: ("plain.glorot_conditions", "never both at once"),
    10: ("homogeneity.layer_table", "ReLU is scale-invariant"),
    11: ("plain.rates_of_initialisers", "Xavier on every layer"),
    12: ("plain.rates_of_initialisers", "He preserves the variance"),
    13: ("residual.he_on_the_last_layer_triples", "it doubles"),
    14: ("residual.variance_at_fixed_input", "the variance doubles"),
    15: ("recurrent.lstm_keeps_what_its_gates_keep", "LSTM gradients do not vanish"),
    16: ("spectra.logarithms_of_products", "the sum of the logarithms"),
    17: ("training.constant_units_stay_alike", "asymmetric data cure it"),
    18: ("mean_field.tanh_gain_has_its_own_fixed_point", "tanh gain 5/3 keeps variance 1"),
    19: ("shattering.real_masks_overlap_more_and_more", "2^-L in a real net"),
    20: ("residual.gradient_doubles", "the identity path keeps gradients at 1"),
}
FURTHER = [
    *(("fixup.fixup_scale", name) for name in ("a variance", "on the last layer only", "L counts layers")),
    ("fixup.fixup_scale", "1/sqrt(2L)"),  # the other forms of 7
    ("spectra.logarithms_of_products", "commuting is enough"),  # the second half of 16
    ("layer.selu_fixed_point", "gain 3/4"),  # the second half of 18
]


@pytest.mark.parametrize(("claim_id", "name"), [*MISSTATEMENTS.values(), *FURTHER])
def test_a_misstatement_is_a_mutant(claim_id: str, name: str) -> None:
    mutants = {one.name: one for one in REGISTRY[claim_id].mutants}
    assert name in mutants
    assert len(mutants[name].why.split()) >= 5


def test_every_misstatement_has_a_mutant() -> None:
    assert set(MISSTATEMENTS) == set(range(1, 21))


@pytest.mark.parametrize("number", MISSTATEMENTS)
def test_a_misstatement_stands_corrected_in_the_ledger(number: int) -> None:
    item = ledgers()["misstatements"].items[number - 1]
    assert item.place == f"statement {number}"
    assert item.verdict == "corrected"
    assert set(item.claims) & set(REGISTRY[MISSTATEMENTS[number][0]].codes)
