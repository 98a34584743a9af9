"""PyTorch's autograd as an independent oracle: same weights, same inputs, float64; states and gradients agree to 1e-10.

The tolerance is relative to the largest entry of an array. Rounding is a few hundred roundings on a path times 2.2e-16
times what cancels in sums, which is moderate for these sizes; a wrong gradient is off by its own size.
"""

from typing import Any

import numpy as np
import pytest

from simulations import LeakyReLU, Network, Residual, Sequential, Tanh, mlp, residual_mlp, stream
from simulations import softmax_loss as numpy_loss
from simulations.experiments import scalar_branch
from simulations.layers.dense import Dense, Layer
from simulations.numbers.arrays import Array

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow
pytestmark = pytest.mark.slow

TOLERANCE = 1e-10
DRAWS, BATCH, FEATURES, CLASSES = 3, 5, 7, 4
LEAKY = LeakyReLU(0.2)

NETWORKS = {
    "linear": mlp([7, 6, 5], activation=None, classes=4),
    "ReLU": mlp([7, 9, 3, 8], classes=4),
    "ReLU, biases": mlp([7, 9, 3, 8], classes=4, bias_deviation=0.5),
    "leaky": mlp([7, 9, 3, 8], activation=LEAKY, classes=4),
    "tanh": mlp([7, 9, 3, 8], activation=Tanh(), classes=4),
    "tanh, biases": mlp([7, 9, 3, 8], activation=Tanh(), classes=4, bias_deviation=0.5),
    "no readout": mlp([7, 9, 4], bias_deviation=0.5),
    "residual, m = 1": residual_mlp(7, 4, layers_per_branch=1, classes=4),
    "residual, m = 2": residual_mlp(7, 4, hidden=10, classes=4),
    "residual, m = 3": residual_mlp(7, 4, hidden=5, layers_per_branch=3, activation=LEAKY, classes=4),
    "residual, stem, projection, biases": residual_mlp(8, 3, stem=7, project=True, classes=4, bias_deviation=0.5),
    "residual, tanh, projection": residual_mlp(7, 3, layers_per_branch=3, activation=Tanh(), project=True, classes=4),
}


def forward(layer: Layer, weights: dict[str, Any], x: Any) -> Any:
    """Interpret a layer with PyTorch's own functions."""
    match layer:
        case Dense():
            y = torch.bmm(x, weights[layer.weight])
            return y if layer.bias_deviation is None else y + weights[layer.bias]
        case LeakyReLU():
            return torch.nn.functional.leaky_relu(x, layer.slope)
        case Tanh():
            return torch.tanh(x)
        case Sequential():
            for part in layer.layers:
                x = forward(part, weights, x)
            return x
        case Residual():
            return forward(layer.shortcut, weights, x) + forward(layer.branch, weights, x)
    raise AssertionError(layer)


def leaf(x: Array) -> Any:
    return torch.tensor(x, dtype=torch.float64, requires_grad=True)


def agree(mine: Array, theirs: Any) -> None:
    reference = theirs.detach().numpy()
    assert mine.shape == reference.shape
    assert abs(reference).max() > 0, "an oracle of zeros shows nothing"
    np.testing.assert_allclose(mine, reference, rtol=0, atol=TOLERANCE * abs(reference).max())


@pytest.mark.parametrize("hard", [True, False], ids=["hard labels", "soft labels"])
@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_gradients_of_the_loss(network: Network, hard: bool) -> None:
    """States, summed cross-entropy, its gradient at every state, and at every parameter, summed over the batch."""
    rng = stream(0, "oracle")
    parameters, x = network.draw(rng, DRAWS), rng.standard_normal((DRAWS, BATCH, FEATURES))
    targets = rng.dirichlet(np.ones(CLASSES), (DRAWS, BATCH))
    if hard:
        targets = np.eye(CLASSES)[targets.argmax(axis=-1)]

    run = network.run(parameters, x)
    found = numpy_loss(run.output, targets)
    cotangents, gradients = run.backward(found.logit_gradient), run.gradients(found.logit_gradient)

    weights = {name: leaf(value) for name, value in parameters.items()}
    states = [leaf(x)]
    for block in network.layers:
        states.append(forward(block, weights, states[-1]))
        states[-1].retain_grad()
    rows, labels = states[-1].reshape(-1, CLASSES), torch.tensor(targets).reshape(-1, CLASSES)
    losses = torch.nn.functional.cross_entropy(rows, labels, reduction="none").reshape(DRAWS, BATCH)
    losses.sum().backward()

    agree(found.loss, losses)
    agree(found.entropy, torch.distributions.Categorical(logits=states[-1]).entropy())
    for mine, cotangent, theirs in zip(run.states, cotangents, states, strict=True):
        agree(mine, theirs)
        agree(cotangent, theirs.grad)
    assert gradients.keys() == parameters.keys() == set(network.parameter_names())
    for name, gradient in gradients.items():
        agree(gradient, weights[name].grad)


@pytest.mark.parametrize("m", [1, 2, 3])
def test_scalar_branch(m: int) -> None:
    """The chain of scalar branches, its gradient, and one SGD step on a squared loss."""
    a = stream(0, "oracle", "scalar", m).uniform(-1.5, 1.5, (4, 6, m))
    theirs = leaf(a)
    value = (1 + theirs.prod(dim=-1)).prod(dim=-1) * 1.7
    value.sum().backward()
    agree(scalar_branch.forward(a, 1.7), value)
    agree(scalar_branch.gradient(a, 1.7), theirs.grad)

    one = leaf(a[0])
    optimiser = torch.optim.SGD([one], lr=0.01)
    residual = (1 + one.prod(dim=-1)).prod() * 1.7 - 0.3
    (residual**2 / 2).backward()
    optimiser.step()
    agree(scalar_branch.step(a[0], 1.7, float(residual.detach()), 0.01), one)
