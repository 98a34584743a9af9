"""Which networks norms alone describe, and why others are refused."""

import numpy as np
import pytest

from simulations import (
    Initialiser,
    LeakyReLU,
    Network,
    Residual,
    Sequential,
    Tanh,
    he,
    mlp,
    residual_mlp,
    stream,
    uniform,
    zero,
)
from simulations.engines.radial import radial, why_not_radial
from tests.simulations.engines.radial_cases import NETWORKS, RELU, dense

REFUSED = {
    "'layer0' has a bias": mlp([2, 2], bias_deviation=0.0),
    "'layer0' has entries that are not Gaussian": mlp([2, 2], init=he.with_law(uniform)),
    "'layer0' has deviation 1e-100": mlp([2, 2], init=Initialiser(lambda i, o: 1.0, scale=1e-100)),
    "Tanh": mlp([2, 2], activation=Tanh()),
    "slope=0.1": mlp([2, 2], activation=LeakyReLU(0.1)),
    "block 0 has a shortcut that is not the identity": residual_mlp(2, 2, project=True),
    "block 0 has a branch that begins with an activation": residual_mlp(2, 2, layers_per_branch=1),
    "block 0 has a branch that does not end": Network((Residual(Sequential((dense("a", 2, 2), RELU))),)),
    "block 0 has a branch that does not end in a": Network((Residual(Sequential(())),)),
    "block 0 has a branch from 2 to 1": Network((Residual(dense("a", 2, 1)),)),
    "a residual block inside": Network((Residual(Sequential((Residual(dense("a", 2, 2)), dense("b", 2, 2)))),)),
    "block 1 has a ReLU that follows no dense layer": Network((Residual(dense("a", 2, 2)), RELU)),
    "block 0 has a ReLU that follows no dense layer": Network((RELU, dense("a", 2, 2))),
    "'a' is used 2 times": Network((dense("a", 2, 2), dense("a", 2, 2))),
    "'b.weight' expects 3 features, got 2": Network((dense("a", 2, 2), dense("b", 3, 2))),
    "there is no dense layer": Network((Sequential(()),)),
}


@pytest.mark.parametrize("reason", REFUSED)
def test_networks_that_norms_alone_do_not_describe_are_refused_with_the_reason(reason: str) -> None:
    assert reason in why_not_radial(REFUSED[reason])
    with pytest.raises(ValueError, match=reason):
        radial(REFUSED[reason], np.ones(2), rng=stream(0))


def test_networks_that_norms_describe_are_not_refused() -> None:
    assert not any(why_not_radial(network) for network in NETWORKS.values())
    assert not why_not_radial(mlp([2, 2], init=zero.with_law(uniform)))
