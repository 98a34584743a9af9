"""A step of a deep Fixup network beside PyTorch's autograd, in one run: ``python -m benchmarks.training.step``.

Both take the same step, of SGD with momentum on the softmax loss, on the same network, in float32, from the same start;
the losses of the first steps must agree. PyTorch runs as an expert would write it for the CPU: a functional loop over
stacked leaves, unbound once, fused ``addmm`` where it fits, ``foreach`` updates, and with one thread and with two, of
which the faster counts. Every contestant is a process of its own, so peak memory is its own too; they take turns.
The ratio is that of the medians; that of each one's fastest step, which a busy machine disturbs less, is beside it.
"""

from __future__ import annotations

import json
import multiprocessing
import resource
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

WIDTH, BATCH, FEATURES, CLASSES, RATE, MOMENTUM = 32, 64, 64, 10, 1e-3, 0.9
DEPTHS = (100, 1_000, 10_000, 20_000)
AGREE = 1e-3
"""Relative difference of losses after a few steps that rounding in single precision explains."""

Step = Callable[[], float]


def batch() -> tuple[Any, Any]:
    """Return inputs and labels, the same for all."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((BATCH, FEATURES), np.float32), rng.integers(CLASSES, size=BATCH)


def start(layers: int) -> tuple[Any, dict[str, Any]]:
    """Return the network and its parameters, the same for all; the classifier does not start at zero."""
    from simulations.networks.fixup import FixupRules, fixup_mlp
    from simulations.numbers.streams import stream

    blocks = (layers - 2) // 2
    network = fixup_mlp(WIDTH, blocks, stem=FEATURES, classes=CLASSES, rules=FixupRules(zero_readout=False))
    return network, network.draw(stream(0, "benchmark"), 1)


def ours(layers: int, threads: int) -> Step:
    """Return a step of Fathom's trainer, which takes all inputs as its batch."""
    from threadpoolctl import threadpool_limits

    from simulations.data.splits import Data, Labelled
    from simulations.training.optimiser import Descent
    from simulations.training.trainer import Plan, Trainer

    threadpool_limits(threads)
    x, labels = batch()
    rows = Labelled(x, labels)
    plan = Plan(BATCH, epochs=1_000_000)
    run = Trainer(*start(layers), Data(rows, rows, rows, CLASSES, "noise"), Descent(RATE, MOMENTUM), plan)

    def step() -> float:
        run.advance()
        return run.epochs[-1]["loss"]

    return step


def theirs(layers: int, threads: int) -> Step:
    """Return a step by PyTorch's autograd."""
    import torch

    torch.set_num_threads(threads)
    blocks = (layers - 2) // 2
    weights = {name: torch.tensor(value[0], dtype=torch.float32) for name, value in start(layers)[1].items()}
    leaves = {
        name: torch.nn.Parameter(value if value.numel() > 1 else value.reshape(())) for name, value in weights.items()
    }
    weights.clear()
    scalars = [one for one in leaves.values() if one.ndim == 0]
    matrices = [one for one in leaves.values() if one.ndim > 0]
    groups = [{"params": matrices, "lr": RATE}, {"params": scalars, "lr": RATE / 10}]
    optimiser = torch.optim.SGD(groups, momentum=MOMENTUM, foreach=True)
    first, second = ((f"layer{i}.before", f"layer{i}.weight", f"layer{i}.after") for i in range(2))
    ends = (*first, *second, "multiplier")
    parts = [tuple(leaves[f"block{block}.{end}"] for end in ends) for block in range(blocks)]
    x, labels = (torch.from_numpy(one) for one in batch())

    def step() -> float:
        optimiser.zero_grad()
        h = torch.relu(x @ leaves["stem.weight"] + leaves["stem.after"])
        for b1, w1, b2, b3, w2, b4, a in parts:
            inner = torch.relu(torch.mm(h + b1, w1) + b2)
            h = torch.relu(torch.addcmul(h, torch.mm(inner + b3, w2), a) + b4)
        logits = torch.addmm(leaves["readout.bias"], h + leaves["readout.before"], leaves["readout.weight"])
        loss = torch.nn.functional.cross_entropy(logits, labels)
        loss.backward()
        optimiser.step()
        return float(loss.detach())

    return step


def worker(pipe: Connection, make: Callable[[int, int], Step], layers: int, threads: int) -> None:
    """Take as many steps as asked and send back seconds, losses and peak memory, until asked for none."""
    step = make(layers, threads)
    while steps := pipe.recv():
        seconds, losses = [], []
        for _ in range(steps):
            begin = time.perf_counter()
            losses.append(step())
            seconds.append(time.perf_counter() - begin)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform != "darwin" else 1 << 20)
        pipe.send((seconds, losses, peak))


class Contestant:
    """A process that takes steps when told to."""

    def __init__(self, make: Callable[[int, int], Step], layers: int, threads: int) -> None:
        spawn = multiprocessing.get_context("spawn")
        self.pipe, other = spawn.Pipe()
        self.process = spawn.Process(target=worker, args=(other, make, layers, threads), daemon=True)
        self.process.start()
        self.seconds: list[float] = []
        self.first = self.turn(2)  # warms up
        self.seconds.clear()

    def turn(self, steps: int) -> list[float]:
        """Take some steps and return the losses before them."""
        self.pipe.send(steps)
        seconds, losses, self.peak = self.pipe.recv()
        self.seconds += seconds
        return list(losses)

    def end(self) -> None:
        """Let the process end."""
        self.pipe.send(0)
        self.process.join()

    @property
    def result(self) -> dict[str, float]:
        """What was measured."""
        best = min(self.seconds)
        return {"seconds_per_step": statistics.median(self.seconds), "fastest step": best, "peak_memory_mb": self.peak}


def taking_turns(teams: dict[str, Contestant], rounds: int) -> tuple[dict[str, Any], bool]:
    """Let contestants take turns of two steps; return their results by name, and whether their losses agree."""
    for _ in range(rounds):
        for one in teams.values():
            one.turn(2)
    losses = [one.first for one in teams.values()]
    same = all(np.allclose(some, losses[0], rtol=AGREE) for some in losses)
    for one in teams.values():
        one.end()
    found: dict[str, Any] = {name: one.result for name, one in teams.items()}
    return found, same


def race(layers: int, rounds: int) -> dict[str, Any]:
    """Let all take turns of two steps."""
    teams = {
        "Fathom": Contestant(ours, layers, 1),
        "PyTorch, 1 thread": Contestant(theirs, layers, 1),
        "PyTorch, 2 threads": Contestant(theirs, layers, 2),
    }
    found, same = taking_turns(teams, rounds)
    ratios = {
        label: min(found[name][key] for name in teams if name != "Fathom") / found["Fathom"][key]
        for label, key in (("times faster", "seconds_per_step"), ("times faster, fastest steps", "fastest step"))
    }
    return found | ratios | {"same losses": same}


def per_layer(depths: tuple[int, ...], rounds: int) -> Iterator[tuple[int, float]]:
    """Yield microseconds a layer and step at each depth; the depths take turns."""
    teams = {layers: Contestant(ours, layers, 1) for layers in depths}
    for _ in range(rounds):
        for layers, one in teams.items():
            one.turn(max(2, 20_000 // layers))
    for layers, one in teams.items():
        one.end()
        yield layers, one.result["seconds_per_step"] / layers * 1e6


def main() -> int:
    """Run the benchmark; exit status 1 if the contestants did not do the same."""
    from simulations.command_line import run  # here, so that PyTorch's processes do not load simulations

    return run(_main, "python -m benchmarks.training.step")


def _main() -> int:
    from simulations.command_line import Parser, whole, writable
    from simulations.files import write

    parser = Parser("python -m benchmarks.training.step", __doc__.splitlines()[0])
    parser.add_argument("--layers", type=whole(1), default=10_000)
    parser.add_argument("--rounds", type=whole(1), default=5)
    parser.add_argument("--json", type=writable, metavar="FILE")
    options = parser.parse()
    found = race(options.layers, options.rounds)
    for name in ("Fathom", "PyTorch, 1 thread", "PyTorch, 2 threads"):
        print(f"{name:20} {found[name]['seconds_per_step']:.3f} s a step, {found[name]['peak_memory_mb']:.0f} MB")
    fastest = found["times faster, fastest steps"]
    print(
        f"{found['times faster']:.2f} times faster than the faster PyTorch ({fastest:.2f} by each one's fastest step)"
    )
    print(f"same losses: {found['same losses']}")
    found["microseconds a layer"] = dict(per_layer(DEPTHS, options.rounds))
    for layers, cost in found["microseconds a layer"].items():
        print(f"{layers:6} layers: {cost:.1f} us a layer and step")
    if options.json:
        write(options.json, json.dumps(found, indent=1) + "\n")
    return 0 if found["same losses"] else 1


if __name__ == "__main__":
    sys.exit(main())
