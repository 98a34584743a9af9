"""PyTorch's autograd as an oracle of residual networks for images, written as the authors of Fixup and He et al. did.

Logits and the gradients of the summed cross-entropy in float64, agreement to 1e-10 (see ``test_torch.py``).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulations import softmax_loss, stream
from simulations.networks.fixup import NO_RULES
from simulations.networks.resnet import resnet
from tests.oracles.test_torch import agree, leaf
from tests.oracles.test_torch_convolution import Weights

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow
pytestmark = pytest.mark.slow

STAGES, IMAGE, CLASSES, DRAWS, BATCH = (4, 6, 9), (2, 9, 6), 3, 2, 3


def conv(w: Weights, name: str, x: Any, stride: int = 1, size: int = 3) -> Any:
    window = w[f"{name}.weight"].reshape(size, size, x.shape[1], -1).permute(3, 2, 0, 1)
    return torch.nn.functional.conv2d(x, window, None, stride, size // 2)


def norm(w: Weights, name: str, x: Any) -> Any:
    gain, bias = w[f"{name}.norm.gain"][0], w[f"{name}.norm.bias"][0]
    return torch.nn.functional.batch_norm(x, None, None, gain, bias, training=True)


def padded(x: Any, stride: int, width: int) -> Any:
    x = torch.nn.functional.avg_pool2d(x, 1, stride)
    return torch.cat([x, x.new_zeros(len(x), width - x.shape[1], *x.shape[2:])], 1)


def fixup_block(w: Weights, name: str, x: Any, stride: int, width: int, shortcut: str, layers: int) -> Any:
    out = start = x + w[f"{name}.layer0.before"]
    for position in range(layers):
        out = out if position == 0 else torch.relu(out) + w[f"{name}.layer{position}.before"]
        out = conv(w, f"{name}.layer{position}", out, stride if position == 0 else 1)
        out = out * w[f"{name}.multiplier"] if position == layers - 1 else out
        out = out + w[f"{name}.layer{position}.after"]
    if stride > 1:
        x = padded(start, stride, width) if shortcut == "pad" else conv(w, f"{name}.shortcut", start, stride, 1)
    return torch.relu(out + x)


def norm_block(w: Weights, name: str, x: Any, stride: int, width: int, shortcut: str, layers: int) -> Any:
    out = x
    for position in range(layers):
        layer = f"{name}.layer{position}"
        out = norm(w, layer, conv(w, layer, torch.relu(out) if position else out, stride if position == 0 else 1))
    if stride > 1 and shortcut == "pad":
        x = padded(x, stride, width)
    elif stride > 1:
        x = norm(w, f"{name}.shortcut", conv(w, f"{name}.shortcut", x, stride, 1))
    return torch.relu(out + x)


def logits(w: Weights, x: Any, block: Callable[..., Any], shortcut: str, layers: int) -> Any:
    x = conv(w, "stem", x)
    x = torch.relu(norm(w, "stem", x) if block is norm_block else x + w["stem.after"])
    x = torch.nn.functional.max_pool2d(x, 2)
    for number in range(2 * len(STAGES)):
        stride = 2 if number and number % 2 == 0 else 1
        x = block(w, f"block{number}", x, stride, STAGES[number // 2], shortcut, layers)
    x = torch.nn.functional.adaptive_avg_pool2d(x, 1).flatten(1)
    x = x if block is norm_block else x + w["readout.before"]
    return x @ w["readout.weight"] + w["readout.bias"]


@pytest.mark.parametrize("shortcut", ["pad", "convolution"])
@pytest.mark.parametrize("layers", [2, 3])
@pytest.mark.parametrize("init", ["fixup", "batch_norm"])
def test_gradients_of_the_loss(init: Any, shortcut: Any, layers: int) -> None:
    rng = stream(0, "oracle", "resnet", init, shortcut, layers)
    built: dict[str, Any] = {} if init == "fixup" else {"rules": NO_RULES, "batch_norm": 1e-5}
    network = resnet(
        STAGES, 2, image=IMAGE, classes=CLASSES, shortcut=shortcut, layers_per_branch=layers, max_pool=2, **built
    )
    moved = {name: value + rng.normal(0, 0.2, value.shape) for name, value in network.draw(rng, DRAWS).items()}
    x = rng.normal(size=(DRAWS, BATCH, *IMAGE))
    targets = rng.dirichlet(np.ones(CLASSES), (DRAWS, BATCH))
    run = network.run(moved, x)
    cotangent = softmax_loss(run.output, targets).logit_gradient
    gradients = run.gradients(cotangent)

    weights, start = {name: leaf(value) for name, value in moved.items()}, leaf(x)
    block = norm_block if init == "batch_norm" else fixup_block
    each = [logits({n: w[d] for n, w in weights.items()}, start[d], block, shortcut, layers) for d in range(DRAWS)]
    theirs = torch.stack(each)
    labels = torch.tensor(targets).reshape(-1, CLASSES)
    torch.nn.functional.cross_entropy(theirs.reshape(-1, CLASSES), labels, reduction="sum").backward()
    agree(run.output, theirs)
    agree(run.backward(cotangent)[0], start.grad)
    assert gradients.keys() == moved.keys() == set(network.parameter_names())
    for name, gradient in gradients.items():
        agree(gradient, weights[name].grad)
