"""Compiled networks compute what ``forward`` and ``pullback`` do, to rounding, for every kind of block.

The tolerance is relative to the largest entry of an array, 1e-10 in double precision.
"""

import numpy as np
import pytest

from simulations import Dense, LeakyReLU, Network, Residual, Sequential, Tanh, stream
from simulations.layers.dense import Layer
from simulations.layers.scalars import ScalarBias, ScalarMultiplier
from simulations.layers.scaling import Scale
from simulations.networks.rivals import INITS, build
from simulations.training.compiled import Compiled

RELU, WIDTH, BATCH = LeakyReLU(), 6, 5


def agree(network: Network, features: int = WIDTH) -> None:
    """Compare two batches in a row, so that nothing of the first may be left in the second."""
    rng = stream(0, "compiled")
    parameters = {
        name: value + rng.normal(0, 0.3, value.shape) for name, value in network.draw(stream(1, "compiled"), 1).items()
    }
    gradients = {name: np.full_like(value, np.nan) for name, value in parameters.items()}
    first, x = rng.standard_normal((2, 1, BATCH, features))
    compiled = Compiled(network, parameters, gradients, first)
    for batch in (first, x):
        run = network.run(parameters, batch)
        cotangent = rng.standard_normal(run.output.shape)
        expected = run.gradients(cotangent)
        np.testing.assert_allclose(compiled.forward(batch[0]), run.output[0], rtol=0, atol=1e-10)
        compiled.backward(cotangent[0])
        assert expected.keys() == parameters.keys()
        for name, gradient in expected.items():
            scale = max(1, np.abs(gradient).max())
            np.testing.assert_allclose(gradients[name], gradient, rtol=0, atol=1e-10 * scale, err_msg=name)


@pytest.mark.parametrize("m", [1, 2, 3])
@pytest.mark.parametrize("name", INITS)
def test_rivals(name: str, m: int) -> None:
    if name == "fixup" and m == 1:
        pytest.skip("Fixup has no branches of one layer")
    agree(build(name, width=7, blocks=3, layers_per_branch=m, features=4, classes=3), features=4)


def dense(name: str, bias: float | None = None) -> Dense:
    return Dense(name, WIDTH, WIDTH, bias_deviation=bias)


@pytest.mark.parametrize(
    "layers",
    [
        (),
        (RELU,),
        (ScalarBias("b"), ScalarBias("c"), dense("w"), ScalarMultiplier("a"), ScalarMultiplier("d")),
        (dense("w", 0.5), ScalarMultiplier("a"), RELU, dense("v", 0.5)),
        (ScalarMultiplier("a"), RELU, ScalarBias("b"), RELU, Scale(0.7)),
        (dense("w"), Tanh(), ScalarBias("b"), LeakyReLU(0.1), dense("v")),
        (Residual(Sequential(())), dense("w"), Residual(ScalarBias("b"), ScalarBias("c")), RELU),
        (Residual(Residual(dense("w"), RELU), dense("v")), RELU, Residual(Tanh(), Scale(0.5)), dense("u")),
        (RELU, Residual(Sequential((RELU, ScalarBias("b"))), RELU), Residual(Residual(Scale(2.0)), dense("w"))),
        (Residual(Sequential((Residual(ScalarMultiplier("a"), dense("w")), RELU)), dense("v")), Scale(3.0), dense("u")),
    ],
)
def test_odd_shapes(layers: tuple[Layer, ...]) -> None:
    """Empty branches, nested ones, both ways with weights, layers unknown to the compiler among known ones."""
    agree(Network(layers))


def test_same_name_twice() -> None:
    network = Network((dense("w"), dense("w")))
    parameters = network.draw(stream(0), 1)
    with pytest.raises(ValueError, match=r"two layers have a parameter named 'w\.weight'"):
        Compiled(network, parameters, parameters, np.ones((1, 2, WIDTH)))


def test_wrong_width() -> None:
    network = Network((dense("w"),))
    parameters = network.draw(stream(0), 1)
    with pytest.raises(ValueError, match=r"expects rows of 6 features, got a batch of \(2, 5\)"):
        Compiled(network, parameters, parameters, np.ones((1, 2, 5)))
