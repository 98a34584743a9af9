"""Registered claims of every kind over 1,000 seeds: what is true is refuted no more often than promised."""

import math

import numpy as np
import pytest

from claims.catalogue import REGISTRY
from claims.run import Run
from simulations import digits
from tests.evidence.frequencies import at_most, superuniform

pytestmark = pytest.mark.slow

pytestmark = pytest.mark.slow

SEEDS = 1_000
ALPHA = 0.05
INPUTS = digits()

WITH_P_VALUES = {
    "law": "plain.glorot_is_a_harmonic_mean_of_variances",
    "mean": "plain.backward_norm_is_width_free",
}
CERTAIN = {
    "identity": "homogeneity.softmax_identity",
    "identity, bit for bit": "homogeneity.degrees_compose",
    "inequality": "homogeneity.entropy_is_at_most_log_c",
}


class Coarse(Run):
    """A run with a large alpha, so that frequencies are measurable, and large errors, so that samples are small."""

    def error(self, standard: float, at_most: float = math.inf) -> float:
        return min(0.3, 10 * standard, at_most)


def run(name: str, seed: int) -> Run:
    return Coarse(name, INPUTS, seed, "quick", ALPHA)


@pytest.mark.parametrize("name", WITH_P_VALUES.values(), ids=WITH_P_VALUES)
def test_p_values_of_true_claims_are_at_least_uniform(name: str) -> None:
    found = [REGISTRY[name].check(run(name, seed)) for seed in range(SEEDS)]
    superuniform(np.array([1.0 if one.p_value is None else one.p_value for one in found]))
    at_most(ALPHA, sum(one.verdict == "refuted" for one in found), SEEDS)


@pytest.mark.parametrize("name", CERTAIN.values(), ids=CERTAIN)
def test_what_is_certain_is_never_refuted(name: str) -> None:
    assert all(REGISTRY[name].check(run(name, seed)).verdict == "held" for seed in range(0, SEEDS, 10))


def test_a_rate_within_its_bias_is_never_refuted() -> None:
    name = "fixup.update_order_of_a_branch"
    assert REGISTRY[name].check(run(name, 0)).verdict == "held"
