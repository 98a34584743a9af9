"""A step of an encoder-decoder beside PyTorch's autograd, in one run: ``python -m benchmarks.training.transformer``.

Both take the same step of Adam on the same pre-LayerNorm Transformer (width 64, 4 heads, perceptrons of 256, 1300
tokens, 64 pairs of 20 tokens) from the same start; the losses of the first steps must agree. PyTorch runs as an expert
would write it for the CPU: one product for queries, keys and values, ``scaled_dot_product_attention`` without a mask
(there is no padding), fused Adam. Fathom parts the batch into as many shards as there are threads. Every contestant is
a process of its own; they take turns of two steps, so a busy machine slows all, and ratios are those of medians and of
fastest steps.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training.attention_draws import our_draws, their_draws
from benchmarks.training.step import Contestant, Step, taking_turns

WIDTH, HEADS, TOKENS, BATCH, POSITIONS, RATE = 64, 4, 1300, 64, 20, 1e-3
Kind = str
"""float32 or float64."""


def batch(positions: int) -> tuple[Any, Any]:
    """Return sources and targets, the same for all; targets have a token more, as inputs and labels are shifted."""
    rng = np.random.default_rng(0)
    source, target = (rng.integers(3, TOKENS, (BATCH, positions + more)) for more in (0, 1))
    target[:, 0] = 1
    return source, target


def start(layers: int) -> tuple[Any, dict[str, Any]]:
    """Return the encoder-decoder and its parameters, the same for all."""
    from simulations.numbers.streams import stream
    from simulations.transformer.translator import translator

    net = translator(WIDTH, (layers, layers), "pre", heads=HEADS, tokens=(TOKENS, TOKENS))
    return net, net.draw(stream(0, "benchmark"), 1)


def ours(kind: Kind, positions: int, layers: int, threads: int) -> Step:
    """Return a step of Fathom's trainer, which takes all pairs as its batch."""
    from simulations.training.adam import Adam
    from simulations.training.pairs import Pairs
    from simulations.training.sequences import SequencePlan, SequenceTrainer

    plan = SequencePlan(BATCH, epochs=1_000_000, shards=threads)
    run = SequenceTrainer(*start(layers), Pairs(*batch(positions)), Adam(RATE), plan, dtype=np.dtype(kind).type)

    def step() -> float:
        run.advance()
        return run.epochs[-1]["loss"]

    return step


def theirs(kind: Kind, positions: int, layers: int, threads: int) -> Step:
    """Return a step by PyTorch's autograd."""
    import torch
    from torch.nn.functional import cross_entropy, embedding, layer_norm, scaled_dot_product_attention

    from simulations.attention.positions import sinusoids

    torch.set_num_threads(threads)
    given = {name: torch.tensor(value[0], dtype=getattr(torch, kind)) for name, value in start(layers)[1].items()}
    leaves: dict[str, Any] = {}
    for name, value in given.items():  # what is multiplied by the same rows becomes one matrix
        place, _, part = name.rpartition(".query.weight")[0], None, name
        if place and place.endswith("attention"):
            leaves[f"{place}.all"] = torch.cat([given[f"{place}.{p}.weight"] for p in ("query", "key", "value")], 1)
        elif place:
            leaves[name] = value
            leaves[f"{place}.both"] = torch.cat([given[f"{place}.{p}.weight"] for p in ("key", "value")], 1)
        elif not part.endswith((".key.weight", ".value.weight")):
            leaves[name] = value.reshape(-1) if "norm" in name else value
    leaves = {name: torch.nn.Parameter(value.contiguous()) for name, value in leaves.items()}
    optimiser = torch.optim.Adam(leaves.values(), lr=RATE, fused=True)
    source, target = (torch.from_numpy(one) for one in batch(positions))
    table = torch.tensor(sinusoids(positions, WIDTH), dtype=getattr(torch, kind))

    def norm(place: str, x: Any) -> Any:
        return layer_norm(x, (WIDTH,), leaves[f"{place}.norm.gain"], leaves[f"{place}.norm.bias"], 1e-5)

    def heads(x: Any) -> Any:
        return x.view(BATCH, positions, HEADS, -1).transpose(1, 2)

    def attend(place: str, q: Any, k: Any, v: Any, *, causal: bool = False) -> Any:
        averages = scaled_dot_product_attention(heads(q), heads(k), heads(v), is_causal=causal)
        rows = averages.transpose(1, 2).reshape(BATCH * positions, WIDTH)
        return rows @ leaves[f"{place}.output.weight"]

    def stack(side: str, tokens: Any, memory: Any = None) -> Any:
        rows = embedding(tokens, leaves[f"{side}.embedding.weight"]) * WIDTH**0.5 + table
        x = rows.reshape(BATCH * positions, WIDTH)
        for number in range(layers):
            place = f"{side}.block{number}.attention"
            parts = (norm(place, x) @ leaves[f"{place}.all"]).chunk(3, 1)
            x = x + attend(place, *parts, causal=memory is not None)
            if memory is not None:
                place = f"{side}.block{number}.cross"
                both = (memory @ leaves[f"{place}.both"]).chunk(2, 1)
                x = x + attend(place, norm(place, x) @ leaves[f"{place}.query.weight"], *both)
            place = f"{side}.block{number}.mlp"
            hidden = torch.relu(norm(place, x) @ leaves[f"{place}.layer0.weight"])
            x = x + hidden @ leaves[f"{place}.layer1.weight"]
        return norm(f"{side}.last", x)

    def step() -> float:
        optimiser.zero_grad()
        rows = stack("decoder", target[:, :-1], stack("encoder", source))
        loss = cross_entropy(rows @ leaves["decoder.readout.weight"], target[:, 1:].reshape(-1))
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    return step


Makers = tuple[Callable[[int, int], Step], Callable[[int, int], Step]]


def race(makers: Makers, size: int, rounds: int, threads: int) -> dict[str, Any]:
    """Let both take turns of two steps, PyTorch with as many threads and with one, of which the faster counts."""
    teams = {"Fathom": Contestant(makers[0], size, threads)}
    for number in sorted({1, threads}):
        teams[f"PyTorch, {number} thread{'s' * (number > 1)}"] = Contestant(makers[1], size, number)
    found, same = taking_turns(teams, rounds)
    for label, key in (("share", "seconds_per_step"), ("share, fastest steps", "fastest step")):
        found[label] = found["Fathom"][key] / min(found[name][key] for name in teams if name != "Fathom")
    return found | {"same losses": same}


def growth(rounds: int, threads: int) -> dict[str, list[tuple[int, float]]]:
    """Return seconds a step against layers a side (at 20 tokens), and against tokens (at two layers); in turns."""
    cases = {("layers", n): (POSITIONS, n) for n in (1, 2, 4, 8, 16)} | {
        ("tokens", n): (n, 2) for n in (10, 20, 40, 80)
    }
    teams = {
        key: Contestant(partial(ours, "float32", positions), layers, threads)
        for key, (positions, layers) in cases.items()
    }
    for _ in range(rounds):
        for one in teams.values():
            one.turn(2)
    for one in teams.values():
        one.end()
    return {
        what: [(n, one.result["seconds_per_step"]) for (label, n), one in teams.items() if label == what]
        for what in ("layers", "tokens")
    }


def main() -> int:
    """Run the benchmark; exit status 1 if the contestants did not do the same."""
    from simulations.command_line import Parser, whole  # here, so that PyTorch's processes do not load simulations
    from simulations.files import write

    parser = Parser("python -m benchmarks.training.transformer", __doc__.splitlines()[0])
    parser.add_argument("--layers", type=whole(1), default=6, help="of encoder and decoder each")
    parser.add_argument("--rounds", type=whole(1), default=15)
    parser.add_argument("--threads", type=whole(1), default=2)
    parser.add_argument("--growth", action="store_true", help="time steps against layers and tokens, too")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse()
    results: dict[str, Any] = {}
    for kind in ("float32", "float64"):
        cases: dict[str, tuple[Makers, int]] = {
            f"a step, {kind}": ((partial(ours, kind, POSITIONS), partial(theirs, kind, POSITIONS)), options.layers),
            f"1,000 draws of a layer, {kind}": ((partial(our_draws, kind), partial(their_draws, kind)), 1000),
        }
        for label, (makers, size) in cases.items():
            found = results[label] = race(makers, size, options.rounds, options.threads)
            teams = {name: one for name, one in found.items() if isinstance(one, dict)}
            times = ", ".join(f"{name} {one['seconds_per_step'] * 1e3:.0f} ms" for name, one in teams.items())
            print(
                f"{label}: {times}; {found['share']:.2f} of PyTorch's time ({found['share, fastest steps']:.2f} by "
                f"each one's fastest step), same losses: {found['same losses']}"
            )
    same = all(found["same losses"] for found in results.values())
    if options.growth:
        results["growth"] = growth(options.rounds, options.threads)
        for what, rows in results["growth"].items():
            print(f"{what}: " + ", ".join(f"{n} {seconds * 1e3:.0f} ms" for n, seconds in rows))
    if options.json:
        write(options.json, json.dumps(results, indent=1) + "\n")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
