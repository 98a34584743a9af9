"""PyTorch's autograd as an oracle of Fixup networks: a block as the authors wrote it, float64, agreement to 1e-10.

The tolerance is relative to the largest entry of an array, as in ``test_torch.py``.
"""

from typing import Any

import numpy as np
import pytest

from simulations import softmax_loss, stream
from simulations.networks.fixup import FixupRules, fixup_mlp
from tests.oracles.test_torch import BATCH, CLASSES, DRAWS, FEATURES, agree, leaf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow
pytestmark = pytest.mark.slow


def logits(weights: dict[str, Any], x: Any, blocks: int, layers: int) -> Any:
    """Run the authors' network: stem, blocks that end with a ReLU after the addition, classifier."""
    x = torch.relu(x @ weights["stem.weight"] + weights["stem.after"])
    for block in range(blocks):
        out = x
        for position in range(layers):
            name = f"block{block}.layer{position}"
            out = (out + weights[f"{name}.before"]) @ weights[f"{name}.weight"]
            if position == layers - 1:
                out = out * weights[f"block{block}.multiplier"]
            out = out + weights[f"{name}.after"]
            out = torch.relu(out) if position < layers - 1 else out
        x = torch.relu(out + x)
    return (x + weights["readout.before"]) @ weights["readout.weight"] + weights["readout.bias"]


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("moved", [False, True], ids=["at the start", "after a step of random size"])
def test_gradients_of_the_loss(m: int, moved: bool) -> None:
    """Logits, and the gradient of the summed cross-entropy at every parameter, scalars included."""
    rng, blocks = stream(0, "oracle", "fixup", m), 3
    rules = FixupRules(zero_readout=False, zero_last=False)
    network = fixup_mlp(8, blocks, hidden=6, layers_per_branch=m, stem=FEATURES, classes=CLASSES, rules=rules)
    parameters, x = network.draw(rng, DRAWS), rng.standard_normal((DRAWS, BATCH, FEATURES))
    if moved:
        parameters = {name: value + rng.normal(0, 0.3, value.shape) for name, value in parameters.items()}
    targets = rng.dirichlet(np.ones(CLASSES), (DRAWS, BATCH))
    run = network.run(parameters, x)
    gradients = run.gradients(softmax_loss(run.output, targets).logit_gradient)

    weights = {name: leaf(value) for name, value in parameters.items()}
    theirs = logits(weights, torch.tensor(x), blocks, m)
    labels = torch.tensor(targets).reshape(-1, CLASSES)
    torch.nn.functional.cross_entropy(theirs.reshape(-1, CLASSES), labels, reduction="sum").backward()
    agree(run.output, theirs)
    assert gradients.keys() == parameters.keys() == set(network.parameter_names())
    for name, gradient in gradients.items():
        agree(gradient, weights[name].grad)
