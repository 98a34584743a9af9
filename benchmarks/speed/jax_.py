"""JAX's contestants: the same work compiled, by hand and by reverse mode, in one process and in two.

A scan over layers under a vmap over draws, compiled once (not timed) for a size; the deviation scales the activations.
Random bits are Threefry's, JAX's default, which on processors is faster than its alternatives. The fastest counts.
"""

from __future__ import annotations

import os
from functools import lru_cache, partial
from typing import Any

import numpy as np

from benchmarks.speed.race import Contestant, Variant, shared_out
from benchmarks.speed.teams import Team
from benchmarks.speed.work import Array, Work


def prepare(threads: int) -> None:
    """Import JAX in a worker with `threads` threads, on the processor, float64 allowed."""
    os.environ["NPROC"] = str(threads)  # what XLA takes for the number of cores; only read when it starts
    os.environ["JAX_PLATFORMS"] = "cpu"
    import jax

    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call, unused-ignore]


def by_hand(work: Work, key: Any) -> Any:
    """Return the squared norms (2, positions) of one draw, the backward pass written out."""
    import jax
    import jax.numpy as jnp

    x, precision = jnp.asarray(work.inputs), jnp.dtype(work.precision)

    def forward(x: Any, key: Any) -> Any:
        weight = jax.random.normal(key, (work.width, work.width), precision)
        y = jax.nn.relu((x @ weight) * work.deviation)
        return y, (weight, y > 0, jnp.vdot(y, y))

    def backward(dy: Any, kept: Any) -> Any:
        weight, active = kept
        dx = ((dy * active) @ weight.T) * work.deviation
        return dx, jnp.vdot(dx, dx)

    keys = jax.random.split(key, work.layers + 1)
    y, (weights, active, norms) = jax.lax.scan(forward, x, keys[1:])
    dy = jax.random.normal(keys[0], y.shape, precision)
    _, back = jax.lax.scan(backward, dy, (weights, active), reverse=True)
    states = jnp.concatenate([jnp.vdot(x, x)[None], norms])
    return jnp.stack([states, jnp.concatenate([back, jnp.vdot(dy, dy)[None]])]) / work.batch


def by_vjp(work: Work, key: Any) -> Any:
    """Do the same with the backward pass left to `jax.vjp`: zeros added to each state receive its cotangent."""
    import jax
    import jax.numpy as jnp

    x, precision = jnp.asarray(work.inputs), jnp.dtype(work.precision)
    keys = jax.random.split(key, work.layers + 1)

    def forward(taps: Any) -> Any:
        def step(x: Any, layer: Any) -> Any:
            key, tap = layer
            x = x + tap
            weight = jax.random.normal(key, (work.width, work.width), precision)
            return jax.nn.relu((x @ weight) * work.deviation), jnp.vdot(x, x)

        return jax.lax.scan(step, x, (keys[1:], taps))

    y, pullback, norms = jax.vjp(forward, jnp.zeros((work.layers, *x.shape), precision), has_aux=True)
    dy = jax.random.normal(keys[0], y.shape, precision)
    (taps,) = pullback(dy)
    states = jnp.concatenate([norms, jnp.vdot(y, y)[None]])
    return jnp.stack([states, jnp.concatenate([jnp.sum(taps**2, axis=(1, 2)), jnp.vdot(dy, dy)[None]])]) / work.batch


METHODS = {"by hand": by_hand, "by vjp": by_vjp}


@lru_cache(maxsize=8)
def compiled(method: str, together: int, work: Work) -> Any:
    """Compile `together` draws, as a function of a seed."""
    import jax

    def run(seed: Any) -> Any:
        return jax.vmap(partial(METHODS[method], work))(jax.random.split(jax.random.key(seed), together))

    return jax.jit(run).lower(np.uint32(0)).compile()


def draw(method: str, together: int, work: Work, draws: int, seed: int) -> Array:
    """Do `draws` draws of the work, `together` at a time, and return the norms (draws, 2, positions)."""
    run = compiled(method, together, work)
    seeds = np.random.SeedSequence(seed).generate_state(draws // together)
    return np.concatenate([np.asarray(run(one)) for one in seeds])


def contestant(work: Work) -> Contestant:
    """Return JAX with all variants that might be its fastest; draws share a product only where matrices are small."""
    few = max(1, min(16, (1 << 16) // work.width**2))
    variants = []
    for processes, threads in ((2, 1), (1, 2)):
        team = Team(prepare, executors=processes, workers=1, threads=threads)
        for method in METHODS:
            for together in sorted({1, few}):
                run = shared_out(partial(draw, method, together, work))
                name = f"{method}, {together} at a time, {team}"
                variants.append(Variant(name, team, run, step=processes * together))
    return Contestant("JAX", "jax", tuple(variants))
