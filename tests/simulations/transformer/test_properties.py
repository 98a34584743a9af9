"""Encoder-decoders on sequences of any lengths: padding, batches and what lies ahead change nothing."""

from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from simulations import softmax_loss, stream
from simulations.layers.dense import Gradients, Parameters
from simulations.strategies import seeds, tokens
from simulations.transformer.recipes import NONE, RECIPES
from simulations.transformer.stack import transformer
from simulations.transformer.translator import PAD, Translator, translator

KINDS = 7
THREE = tokens(kinds=KINDS, batch=3)
NETS: dict[str, Translator] = {name: translator(8, (2, 1), name, heads=2, tokens=(KINDS, KINDS)) for name in RECIPES}


def moved(name: str, seed: int) -> Parameters:
    rng = stream(seed, "properties")
    return {key: value + 0.2 * rng.normal(size=value.shape) for key, value in NETS[name].draw(rng, 1).items()}


def real(rows: Any, sequences: Any) -> Any:
    return rows[0][(sequences != PAD).reshape(-1)]


@settings(max_examples=40)
@given(
    st.sampled_from(sorted(NETS)),
    seeds(),
    tokens(kinds=KINDS, batch=3),
    tokens(kinds=KINDS, batch=3),
    st.integers(1, 3),
)
def test_more_padding_changes_nothing(name: str, seed: int, source: Any, target: Any, more: int) -> None:
    """Logits of tokens, and gradients where padding has no cotangent."""
    net, parameters = NETS[name], moved(name, seed)
    wider = [np.pad(one, ((0, 0), (0, more))) for one in (source, target)]
    found = []
    for some, other in ((source, target), wider):
        run = net.run(parameters, some[None], other[None])
        cotangent = np.zeros_like(run.output)
        cotangent[0, (other != PAD).reshape(-1)] = stream(seed, "cotangent").normal(
            size=(np.count_nonzero(other), KINDS)
        )
        found.append((real(run.output, other), run.gradients(cotangent)))
    (logits, gradients), (others, more_gradients) = found
    size = abs(logits).max() + 1
    np.testing.assert_allclose(others, logits, rtol=0, atol=1e-9 * size)
    largest = max(abs(value).max() for value in gradients.values())
    for key, value in gradients.items():
        np.testing.assert_allclose(more_gradients[key], value, rtol=0, atol=1e-9 * largest, err_msg=key)


@settings(max_examples=40)
@given(st.sampled_from(sorted(NETS)), seeds(), THREE, THREE)
def test_pairs_of_a_batch_do_not_meet(name: str, seed: int, source: Any, target: Any) -> None:
    net, parameters = NETS[name], moved(name, seed)
    together = net.run(parameters, source[None], target[None]).output.reshape(3, -1, KINDS)
    for pair in range(3):
        alone = net.run(parameters, source[None, [pair]], target[None, [pair]]).output[0]
        np.testing.assert_allclose(alone, together[pair], rtol=0, atol=1e-9 * (abs(alone).max() + 1))


@settings(max_examples=40)
@given(st.sampled_from(sorted(NETS)), seeds(), tokens(kinds=KINDS), st.integers(1, KINDS - 1), st.data())
def test_logits_do_not_see_what_lies_ahead(name: str, seed: int, target: Any, token: int, data: st.DataObject) -> None:
    net, parameters = NETS[name], moved(name, seed)
    source = target[:, ::-1] * (target[:, ::-1] != PAD) + (target[:, ::-1] == PAD)  # no padding
    place = data.draw(st.integers(0, target.shape[1] - 1))
    other = target.copy()
    other[:, place] = np.where(target[:, place] != PAD, token, PAD)
    before, after = (
        net.run(parameters, source[None], one[None]).output.reshape(*target.shape, KINDS) for one in (target, other)
    )
    np.testing.assert_allclose(after[:, :place], before[:, :place], rtol=0, atol=1e-9 * (abs(before).max() + 1))


@settings(max_examples=30)
@given(seeds(), st.integers(1, 3), st.sampled_from([1, 2]), st.booleans())
def test_inner_products_of_states_and_cotangents(seed: int, layers: int, heads: int, causal: bool) -> None:
    """Without biases and norms <dl/dx, x> is l - H, plus 2 <dl/dW_Q, W_Q> for each attention behind the state.

    The products of a head's weights with their gradients agree: W_Q^T dW_Q with that of W_K, W_V^T dW_V with W_O's.
    """
    network = transformer(4, layers, NONE, heads=heads, positions=3, causal=causal, classes=5)
    rng = stream(seed, "inner")
    parameters, x = network.draw(rng, 1), rng.normal(size=(1, 6, 4))
    run, targets = network.run(parameters, x), np.eye(5)[rng.integers(5, size=(1, 6))]
    loss = softmax_loss(run.output, targets)
    into = Gradients()
    cotangents = run.backward(loss.logit_gradient, into)
    gradients = {name: gradient.array[0] for name, gradient in into.items()}
    excess, size = float((loss.loss - loss.entropy).sum()), 1.0
    for place in reversed(range(len(network.layers))):
        for name in network.parameter_names():
            if name.startswith(f"block{place // 2}.attention.query") and place % 2 == 0 and place < 2 * layers:
                excess += 2 * float((gradients[name] * parameters[name][0]).sum())
        size = max(size, abs(cotangents[place] * run.states[place]).sum(), abs(excess))
        assert abs((cotangents[place] * run.states[place]).sum() - excess) < 1e-9 * size
    for number in range(layers):
        inner = {}
        for part, axis in (("query", 1), ("key", 1), ("value", 1), ("output", 0)):
            name = f"block{number}.attention.{part}.weight"
            pairs = zip(*(np.split(one, heads, axis) for one in (parameters[name][0], gradients[name])), strict=True)
            inner[part] = [w.T @ g if axis else g @ w.T for w, g in pairs]
        for one, other, way in (("query", "key", 1), ("value", "output", 0)):
            for mine, theirs in zip(inner[one], inner[other], strict=True):
                np.testing.assert_allclose(mine, theirs.T if way else theirs, rtol=0, atol=1e-9 * size)
