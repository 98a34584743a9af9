"""Flax's nnx modules: built anew with the random numbers of every seed, and watched by their classes' calls."""

from __future__ import annotations

import math
import random
import warnings
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from audit.factory import arrays, made, restored, takes_rngs
from audit.jax import Linear, Passes, Watch, given, unseen
from audit.jax.calls import around
from audit.jax.layouts import Layout, note
from audit.measured import Measured
from audit.statement import AuditError

__all__ = ["measure"]

LINEAR = (nnx.Linear, nnx.LinearGeneral, nnx.Conv, nnx.ConvTranspose)


def measure(factory: Callable[..., Any], inputs: Any, seeds: range, *, train: bool) -> Measured:
    """Build and run the model under each of `seeds`.

    Parameters
    ----------
    factory : callable
        Makes a new nnx module; an argument `rngs`, if it has one, gets the `nnx.Rngs` of each seed.
    inputs : array, or mapping of keywords to arrays
        What the model is called with.

    Raises
    ------
    AuditError
        If no model can be built, run or differentiated so that anything could be said of it.
    """
    with restored(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own modules
        fed, found, passes = given(arrays(inputs)), unseen(len(seeds), train), None
        for number, seed in enumerate(seeds):
            model = _built(factory, seed)
            model.train() if train else model.eval()
            graph, drawn, rest = nnx.split(model, nnx.Param, ...)
            variables = {_name(path): (path, one) for path, one in nnx.to_flat_state(drawn)}
            parameters = {name: one[...] for name, (_, one) in variables.items()}
            if not parameters:
                raise AuditError("the model has no parameters; expected some to audit")
            passes = passes or Passes(_forward(graph, variables))
            passes.note(found, number, jax.random.key(seed), parameters, rest, fed)
            layouts = {_name(path): layout for path, one in nnx.iter_modules(model) if (layout := _layout(one))}
            note(jax.device_get(parameters), layouts, found, first=number == 0)
    return found


def _built(factory: Callable[..., Any], seed: int) -> Any:
    np.random.seed(seed)
    random.seed(seed)
    model = made(partial(factory, rngs=nnx.Rngs(seed)) if takes_rngs(factory) else factory)
    if not isinstance(model, nnx.Module):
        raise AuditError(f"the factory takes rngs and returned {type(model).__name__}; expected a flax.nnx.Module")
    return model


def _name(path: Any) -> str:
    return ".".join(map(str, path))


def _forward(graph: Any, variables: Mapping[str, tuple[Any, Any]]) -> Any:
    """Return the model as a function."""

    def forward(parameters: Mapping[str, Any], state: Any, inputs: Mapping[str, Any], key: Any, watch: Watch) -> Any:
        own = [(path, one.replace(parameters[name])) for name, (path, one) in variables.items()]
        again = jax.tree.map(lambda one: one, state)  # of this trace, which may change it
        model = nnx.merge(graph, nnx.from_flat_state(own), again)

        def call(name: str, module: Any, run: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:
            linear = _linear(module) if len(arguments) == 1 else None
            return watch.call(name, type(module).__name__, arguments, run, linear)

        with around({_name(path): one for path, one in nnx.iter_modules(model)}, call):
            return model(**inputs) if "" not in inputs else model(inputs[""])

    return forward


def _linear(module: Any) -> Linear | None:
    if type(module) not in LINEAR or getattr(module, "batch_axis", None):
        return None

    def apply(x: Any, kernel: Any) -> Any:
        twin = nnx.clone(module)
        twin.kernel[...] = kernel
        if twin.bias is not None:
            twin.bias[...] = jnp.zeros_like(twin.bias[...])
        return twin(x)

    rows = math.prod(np.atleast_1d(module.out_features).tolist()) // getattr(module, "feature_group_count", 1)
    flat = type(module) is nnx.Linear or (type(module) is nnx.LinearGeneral and module.axis == (-1,))
    return Linear(apply, module.kernel[...], "kernel", rows, flat)


def _layout(module: Any) -> Layout | None:
    """Return how a module's kernel lies, or None of what has no known fans."""
    if type(module) is nnx.Linear:
        return Layout("dense")
    if type(module) is nnx.LinearGeneral and not module.batch_axis:
        return Layout("dense", len(module.in_features))
    if type(module) is nnx.Conv:
        return Layout("convolution", groups=module.feature_group_count)
    return Layout("lookup") if type(module) is nnx.Embed else None
