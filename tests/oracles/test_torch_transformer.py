"""PyTorch's autograd as an oracle of whole Transformers: every gradient, to 1e-10 of its largest entry, float64.

Parameters are moved from where they start, so that none is zero. Those of networks without norms are then halved:
else streams grow to thousands in six layers, the softmax of their products saturates, and what is left of gradients is
amplified rounding, in PyTorch as here.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulations import stream
from simulations.attention.dropout import keep_masks
from simulations.layers.dense import Parameters
from simulations.numbers.arrays import Array
from simulations.transformer.recipes import RECIPES, Recipe
from simulations.transformer.translator import MEMORY, PAD, SOURCE, TARGET, Translator, seen, translator
from tests.oracles.test_torch import agree, leaf

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.slow

from tests.oracles.torch_transformer import forward  # noqa: E402

WIDTH, HEADS, BATCH, TOKENS = 16, 4, 6, (23, 19)
LENGTHS = (9, 7)


def tokens(side: int) -> Any:
    """Tokens (1, BATCH, positions), padded behind ends that differ; one is a single token, one has no padding."""
    rng = stream(0, "oracle", "tokens", side)
    numbers = rng.integers(1, TOKENS[side], (1, BATCH, LENGTHS[side]))
    ends = np.concatenate([[1, LENGTHS[side]], rng.integers(1, LENGTHS[side] + 1, BATCH - 2)])
    numbers[0, np.arange(LENGTHS[side]) >= ends[:, None]] = PAD
    return numbers


def moved(net: Translator) -> Parameters:
    rng = stream(0, "oracle", "transformer")
    factor = 1.0 if any(name.endswith("norm.gain") for name in net.parameter_names()) else 0.5
    return {name: factor * (value + 0.1 * rng.normal(size=value.shape)) for name, value in net.draw(rng, 1).items()}


def compare(net: Translator, parameters: Parameters, others: Parameters, vanishing: tuple[str, ...] = ()) -> None:
    """Compare logits, cotangents of the embedded rows, and all gradients, at a cotangent that is 0 for padding."""
    source, target = tokens(0), tokens(1)
    given = parameters | others
    run = net.run(given, source, target)
    cotangent = stream(0, "oracle", "cotangent").normal(size=run.output.shape) * (target != PAD).reshape(1, -1, 1)
    into: dict[str, Any] = {}
    of_encoder, of_decoder = run.backward(cotangent, into)

    weights = {name: leaf(value) for name, value in parameters.items()}
    named = {name: torch.tensor(mask) for name, mask in (seen(SOURCE, source) | seen(TARGET, target) | others).items()}
    rows = [
        forward(half.layers[0], weights, torch.tensor(one))
        for half, one in ((net.encoder, source), (net.decoder, target))
    ]
    for one in rows:
        one.retain_grad()
    memory, y = rows
    for layer in net.encoder.layers[1:]:
        memory = forward(layer, weights | named, memory)
    for layer in net.decoder.layers[1:]:
        y = forward(layer, weights | named | {MEMORY: memory}, y)
    (y * torch.tensor(cotangent)).sum().backward()
    real = (target != PAD).reshape(-1)
    agree(run.output[:, real], y[:, torch.tensor(real)])
    agree(of_encoder[1], rows[0].grad)
    agree(of_decoder[1], rows[1].grad)
    assert into.keys() == set(net.parameter_names()) == parameters.keys()
    for name, gradient in into.items():
        if name.endswith(vanishing) and vanishing:
            assert abs(gradient.array).max() < 1e-10
        else:
            agree(gradient.array, weights[name].grad)


def net(recipe: str, layers: int, keep: float = 1.0, tied: bool = False, **changes: Any) -> Translator:
    pair: tuple[Recipe, Recipe] = RECIPES[recipe](layers, layers)
    changed = replace(pair[0], **changes), replace(pair[1], **changes)
    return translator(WIDTH, (layers, layers), changed, heads=HEADS, tokens=TOKENS, keep=keep, tied=tied)


@pytest.mark.parametrize("layers", [2, 6])
@pytest.mark.parametrize("recipe", RECIPES)
def test_gradients(recipe: str, layers: int) -> None:
    compare(one := net(recipe, layers), moved(one), {})


@pytest.mark.parametrize("recipe", ["pre", "post"])
def test_biases_of_all_layers(recipe: str) -> None:
    compare(one := net(recipe, 2, bias=0.0), moved(one), {}, vanishing=(".key.bias",))


def test_tied_embeddings() -> None:
    compare(one := net("pre", 2, tied=True), moved(one), {})


@pytest.mark.parametrize("recipe", ["pre", "fixup"])
def test_dropout(recipe: str) -> None:
    """What is kept is given to both."""
    one = net(recipe, 2, keep=0.8)
    rng = stream(0, "oracle", "dropout")
    others = keep_masks(one.encoder, rng, BATCH, LENGTHS[0], LENGTHS[0])
    others |= keep_masks(one.decoder, rng, BATCH, LENGTHS[1], LENGTHS[0])
    assert len(others) == 2 + 2 * (2 + 1) + 2 * (3 + 2)  # embeddings, branches and attentions of two layers a side
    assert 0.7 < np.mean([np.mean(one > 0) for one in others.values()]) < 0.9
    compare(one, moved(one), others)


def test_heads_that_share_keys() -> None:
    one = translator(WIDTH, (2, 2), "pre", heads=HEADS, key_heads=2, tokens=TOKENS)
    compare(one, moved(one), {})


def test_scaled_branches() -> None:
    compare(one := net("pre", 2, branch=0.5, shortcut=0.9, affine=False), moved(one), {})


def transposed(parameters: dict[str, Array], start: str) -> dict[str, Any]:
    """Return our attention's weights as those of their MultiheadAttention: projections one above the other."""
    parts = ("query", "key", "value")
    return {
        "in_proj_weight": np.concatenate([parameters[f"{start}.{part}.weight"][0].T for part in parts]),
        "in_proj_bias": np.concatenate([parameters[f"{start}.{part}.bias"][0, 0] for part in parts]),
        "out_proj.weight": parameters[f"{start}.output.weight"][0].T,
        "out_proj.bias": parameters[f"{start}.output.bias"][0, 0],
    }


def theirs(parameters: dict[str, Array], side: str, layers: int) -> dict[str, Any]:
    """Return our weights under the names of their layers."""
    state: dict[str, Any] = {}
    attentions = {"self_attn": "attention"} | ({"multihead_attn": "cross"} if side == "decoder" else {})
    for number in range(layers):
        start = f"{side}.block{number}"
        for one, ours in attentions.items():
            state |= {
                f"{side}.layers.{number}.{one}.{n}": v for n, v in transposed(parameters, f"{start}.{ours}").items()
            }
        for position in (0, 1):
            layer = f"{side}.layers.{number}.linear{position + 1}"
            state[f"{layer}.weight"] = parameters[f"{start}.mlp.layer{position}.weight"][0].T
            state[f"{layer}.bias"] = parameters[f"{start}.mlp.layer{position}.bias"][0, 0]
        for position, ours in enumerate([*attentions.values(), "mlp"]):
            norm = f"{side}.layers.{number}.norm{position + 1}"
            state[f"{norm}.weight"] = parameters[f"{start}.{ours}.norm.gain"][0, 0]
            state[f"{norm}.bias"] = parameters[f"{start}.{ours}.norm.bias"][0, 0]
    if f"{side}.last.norm.gain" in parameters:
        state[f"{side}.norm.weight"] = parameters[f"{side}.last.norm.gain"][0, 0]
        state[f"{side}.norm.bias"] = parameters[f"{side}.last.norm.bias"][0, 0]
    return state


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("layers", [2, 6])
def test_torch_nn_transformer(first: bool, layers: int) -> None:
    """The same weights in torch.nn.Transformer: states of both halves behind the last layer (and norm)."""
    one = net("pre" if first else "post", layers, bias=0.0)
    parameters = moved(one)
    source, target = tokens(0), tokens(1)
    run = one.run(parameters, source, target)
    options = {
        "dim_feedforward": 4 * WIDTH,
        "dropout": 0.0,
        "batch_first": True,
        "norm_first": first,
        "dtype": torch.float64,
    }
    model = torch.nn.Transformer(WIDTH, HEADS, layers, layers, **options)
    if not first:
        model.encoder.norm = model.decoder.norm = None
    state = theirs(parameters, "encoder", layers) | theirs(parameters, "decoder", layers)
    model.load_state_dict({name: torch.tensor(value) for name, value in state.items()})
    rows = [torch.tensor(half.states[1].reshape(BATCH, -1, WIDTH)) for half in (run.encoder, run.decoder)]
    later = torch.ones(LENGTHS[1], LENGTHS[1], dtype=torch.bool).triu(1)
    hidden = [torch.tensor(side[0] == PAD) for side in (source, target)]
    expected = model(
        *rows, tgt_mask=later, src_key_padding_mask=hidden[0], tgt_key_padding_mask=hidden[1],
        memory_key_padding_mask=hidden[0],
    )  # fmt: skip
    real = target[0] != PAD
    state_before_readout = run.decoder.states[-2].reshape(BATCH, -1, WIDTH)
    agree(state_before_readout[real], expected[torch.tensor(real)])
