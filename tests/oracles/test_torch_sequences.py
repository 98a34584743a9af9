"""PyTorch as an oracle of training: smoothed losses with padding left out, and Adam's parameters after eight steps."""

from typing import Any

import numpy as np
import pytest

from simulations import stream
from simulations.training.adam import Adam
from simulations.training.optimiser import Flat
from simulations.training.pairs import Pairs
from simulations.training.sequences import SequencePlan, SequenceTrainer
from simulations.transformer.loss import token_loss
from simulations.transformer.translator import MEMORY, PAD, SOURCE, TARGET, seen, translator
from tests.oracles.test_torch import agree, leaf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

from tests.oracles.torch_transformer import forward  # noqa: E402

VERY_NEAR = 1e-13


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
@pytest.mark.parametrize("size", [1.0, 300.0])
def test_loss(smoothing: float, size: float) -> None:
    rng = stream(0, "loss")
    logits, labels = size * rng.normal(size=(1, 200, 11)), rng.integers(0, 11, 200)
    found = token_loss(logits, labels, PAD, smoothing=smoothing)
    theirs = leaf(logits[0])
    loss = torch.nn.functional.cross_entropy(
        theirs, torch.tensor(labels), ignore_index=PAD, label_smoothing=smoothing, reduction="mean"
    )
    loss.backward()
    np.testing.assert_allclose(found.total / found.count, float(loss.detach()), rtol=1e-12)
    agree(found.logit_gradient[0], theirs.grad)
    right = (logits[0].argmax(1) == labels)[labels != PAD]
    assert (found.hits, found.count) == (right.sum(), (labels != PAD).sum())


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("betas", [(0.9, 0.999), (0.0, 0.98)])
def test_adam_on_given_gradients(decay: float, betas: tuple[float, float]) -> None:
    """Gradients over many powers of ten, zeros among them; a vector longer than what is updated at a time."""
    rng, shapes = stream(0, "adam"), {"a": (1, 300, 150), "b": (1, 1, 1)}
    weights, gradients = Flat(shapes, np.float64), Flat(shapes, np.float64)
    weights.vector[:] = rng.normal(size=weights.vector.size)
    theirs = leaf(weights.vector.astype(np.float64))
    kind = torch.optim.AdamW if decay else torch.optim.Adam
    optimiser, ours = kind([theirs], lr=0.01, betas=betas, eps=1e-6, weight_decay=decay), Adam(0.01, betas, 1e-6, decay)
    velocity = ours.velocity(weights)
    for _ in range(8):
        gradient: Any = rng.normal(size=weights.vector.size) * 10.0 ** rng.integers(-9, 4, weights.vector.size)
        gradient[::7] = 0
        gradients.vector[:], theirs.grad = gradient, torch.tensor(gradient)
        ours.update(weights, gradients, velocity, 0.0)
        optimiser.step()
    np.testing.assert_allclose(weights.vector, theirs.detach().numpy(), rtol=VERY_NEAR, atol=VERY_NEAR)


@pytest.mark.parametrize("recipe", ["pre", "fixup"])
def test_parameters_after_eight_steps(recipe: str) -> None:
    """Of a whole encoder-decoder, moved from where it starts so that all parameters have gradients."""
    rng, batch, steps = stream(0, "steps", recipe), 6, 8
    ends = rng.integers(2, 9, (2, batch * steps))
    source, target = (rng.integers(3, 12, (batch * steps, 9)) for _ in range(2))
    for tokens, own in ((source, ends[0]), (target, ends[1])):
        tokens[np.arange(9) >= own[:, None]] = PAD
    target[:, 0] = 1
    net = translator(8, (2, 2), recipe, heads=2, tokens=(12, 12))
    start = {name: value + 0.1 * rng.normal(size=value.shape) for name, value in net.draw(rng, 1).items()}
    adam = Adam(3e-3)
    plan = SequencePlan(batch, smoothing=0.1)
    trainer = SequenceTrainer(net, start, Pairs(source, target), adam, plan, dtype=np.float64)
    weights = {name: leaf(value) for name, value in start.items()}
    optimiser = torch.optim.Adam(weights.values(), lr=adam.rate, eps=adam.eps)
    for _ in range(steps):
        pairs = trainer.batch()
        given: Any = pairs.source[None], pairs.target[None, :, :-1]
        named = {name: torch.tensor(mask) for name, mask in (seen(SOURCE, given[0]) | seen(TARGET, given[1])).items()}
        optimiser.zero_grad()
        memory = forward(net.encoder, weights | named, torch.tensor(given[0]))
        logits = forward(net.decoder, weights | named | {MEMORY: memory}, torch.tensor(given[1]))[0]
        labels = torch.tensor(pairs.target[:, 1:].reshape(-1))
        torch.nn.functional.cross_entropy(logits, labels, ignore_index=PAD, label_smoothing=0.1).backward()
        optimiser.step()
        trainer.advance()
    for name, value in trainer.parameters.items():
        theirs = weights[name].detach().numpy()
        assert (theirs != start[name]).any()
        np.testing.assert_allclose(value, theirs, rtol=0, atol=VERY_NEAR * max(1, abs(theirs).max()), err_msg=name)
