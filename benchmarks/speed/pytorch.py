"""PyTorch's contestants: the same work by hand and by autograd, as one process with two threads and as two with one.

Weights go into buffers that are allocated once and filled by ``normal_()`` just before use; the deviation scales the
activations, inside the product; several draws are multiplied together where matrices are small; norms are taken once
at the end. The fastest variant counts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

import numpy as np

from benchmarks.speed.race import Contestant, Variant, shared_out
from benchmarks.speed.teams import Team
from benchmarks.speed.work import Array, Work


def prepare(threads: int) -> None:
    """Import PyTorch in a worker and give it `threads` threads."""
    import torch

    torch.set_num_threads(threads)


@lru_cache(maxsize=1)
def buffers(work: Work, together: int) -> tuple[list[Any], Any, Any]:
    """Allocate the weights of each layer, states and cotangents of `together` draws, once for a size."""
    import torch

    precision = getattr(torch, work.precision)
    shape = (work.layers + 1, together, work.batch, work.width)
    square = (together, work.width, work.width)
    weights = [torch.empty(square, dtype=precision) for _ in range(work.layers)]
    states, cotangents = torch.empty(shape, dtype=precision), torch.empty(shape, dtype=precision)
    states[0] = torch.from_numpy(work.inputs)
    return weights, states, cotangents


def by_hand(work: Work, together: int) -> tuple[Any, Any]:
    """Run `together` draws forward and backward; return all states and cotangents."""
    import torch

    with torch.no_grad():
        weights, states, cotangents = buffers(work, together)
        for depth in range(work.layers):
            weights[depth].normal_()
            after = states[depth + 1]
            torch.baddbmm(after, states[depth], weights[depth], beta=0, alpha=work.deviation, out=after)
            after.relu_()
        cotangents[-1].normal_()
        for depth in reversed(range(work.layers)):
            passed = cotangents[depth + 1] * (states[depth + 1] > 0)
            before = cotangents[depth]
            torch.baddbmm(before, passed, weights[depth].mT, beta=0, alpha=work.deviation, out=before)
    return states, cotangents


def by_autograd(work: Work, together: int) -> tuple[Any, Any]:
    """Do the same with the backward pass left to autograd."""
    import torch

    weights, _, _ = buffers(work, together)
    x = torch.from_numpy(work.inputs).expand(together, -1, -1).clone().requires_grad_()
    states = [x]
    for depth in range(work.layers):
        with torch.no_grad():
            weights[depth].normal_()
        states.append(torch.relu(torch.bmm(states[-1], weights[depth]) * work.deviation))
    start = torch.randn_like(states[-1])
    cotangents = torch.autograd.grad(states[-1], states[:-1], start)
    return torch.stack([one.detach() for one in states]), torch.stack([*cotangents, start])


def draw(method: Callable[[Work, int], tuple[Any, Any]], together: int, work: Work, draws: int, seed: int) -> Array:
    """Do `draws` draws of the work, `together` at a time, and return the norms (draws, 2, positions)."""
    import torch

    torch.manual_seed(seed)
    norms = []
    for _ in range(draws // together):
        both = [one.flatten(2) for one in method(work, together)]
        norms.append(torch.stack([torch.linalg.vector_norm(one, dim=2).square() for one in both]) / work.batch)
    return np.asarray(torch.cat(norms, dim=2).permute(2, 0, 1))


def contestant(work: Work) -> Contestant:
    """Return PyTorch with all variants that might be its fastest."""
    few = max(1, min(16, (1 << 18) // work.width**2))
    variants = []
    for processes, threads in ((2, 1), (1, 2)):
        team = Team(prepare, executors=processes, workers=1, threads=threads)
        for method, together in dict.fromkeys([(by_hand, few), (by_autograd, few), (by_hand, 1)]):
            name = f"{method.__name__.replace('_', ' ')}, {together} at a time, {team}"
            run = shared_out(partial(draw, method, together, work))
            variants.append(Variant(name, team, run, step=processes * together))
    return Contestant("PyTorch", "torch", tuple(variants))
