"""Keras' models on JAX: built anew under every seed, run without state, and watched by their classes' calls."""

from __future__ import annotations

import math
import random
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain, count
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np

from audit.factory import arrays, line, made, refuse, restored
from audit.jax import Linear, Passes, Watch, given, unseen
from audit.jax.calls import around
from audit.jax.layouts import Layout, note
from audit.measured import Measured
from audit.statement import AuditError

__all__ = ["measure"]

CONVOLUTIONS = (keras.layers.Conv1D, keras.layers.Conv2D, keras.layers.Conv3D)
INSIDE = (keras.layers.RNN, keras.layers.TimeDistributed)
"""Layers that JAX traces apart, with those below them, so that nothing comes out of these."""
DEPTHWISE = (keras.layers.DepthwiseConv1D, keras.layers.DepthwiseConv2D)


def measure(factory: Callable[[], Any], inputs: Any, seeds: range, *, train: bool) -> Measured:
    """Build and run the model under each of `seeds`.

    Parameters
    ----------
    factory : callable
        Makes a new Keras layer or model.
    inputs : array, or mapping of keywords to arrays
        What the model is called with; a functional model gets a mapping as it is.

    Raises
    ------
    AuditError
        If Keras does not run on JAX, or no model can be built, run or differentiated so that anything could be said.
    """
    if (backend := keras.backend.backend()) != "jax":
        raise AuditError(f"Keras runs on {backend} here, and the audit needs it on JAX: set KERAS_BACKEND=jax")
    with restored(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own modules
        fed, found, passes = given(arrays(inputs)), unseen(len(seeds), train), None
        for number, seed in enumerate(seeds):
            model = _built(factory, seed, fed)
            layers = _layers(model)
            drawn = {f"{name}.{one.name}".lstrip("."): one for name, one in _own(layers)}
            parameters = {name: jnp.asarray(one.value) for name, one in drawn.items()}
            if not parameters:
                raise AuditError("the model has no parameters; expected some to audit")
            state = [jnp.asarray(one.value) for one in model.non_trainable_variables]
            passes = passes or Passes(_forward(model, layers, drawn, train))
            passes.note(found, number, jax.random.key(seed), parameters, state, fed)
            layouts = {name: layout for name, one in layers.items() if (layout := _layout(one))}
            note(jax.device_get(parameters), layouts, found, first=number == 0)
    return found


def _built(factory: Callable[[], Any], seed: int, fed: Mapping[str, Any]) -> Any:
    np.random.seed(seed)
    random.seed(seed)  # from which initialisers draw their seeds
    model = made(factory)
    if not model.built:
        try:
            _called(model, fed)
        except Exception as error:
            refuse(error, f"the model does not take this input: {line(error)}")
    return model


def _called(model: Any, inputs: Mapping[str, Any], **mode: bool) -> Any:
    """Return what a model makes of one input, or of a mapping: by keyword, or whole if the model is functional."""
    if "" in inputs:
        return model(inputs[""], **mode)
    return model(dict(inputs), **mode) if hasattr(model, "operations") else model(**inputs, **mode)


def _layers(model: Any) -> dict[str, Any]:
    """Return the layers by the way to them, the model itself by an empty name."""
    named = {"": model}
    _below("", model, named)
    return named


def _below(name: str, layer: Any, named: dict[str, Any]) -> None:
    for one in layer._flatten_layers(include_self=False, recursive=False):
        if all(one is not known for known in named.values()):
            path = _free(f"{name}.{_stem(one)}".lstrip("."), named)
            named[path] = one
            _below(path, one, named)


def _watched(layers: Mapping[str, Any]) -> dict[str, Any]:
    outer = [one for one in layers.values() if isinstance(one, INSIDE)]
    inner = {id(one) for layer in outer for one in layer._flatten_layers(include_self=False)}
    return {name: one for name, one in layers.items() if id(one) not in inner}


def _stem(layer: Any) -> str:
    """Return a layer's name; one that Keras gave without the number, which goes on from model to model."""
    stem: str = re.sub(r"_\d+$", "", layer.name)
    return stem if stem.replace("_", "") == type(layer).__name__.lower() else layer.name


def _free(path: str, named: Mapping[str, Any]) -> str:
    """Return a path, with a number if it is taken."""
    numbered = (f"{path}_{number}" for number in count(1))
    return next(one for one in chain([path], numbered) if one not in named)


def _own(layers: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield the parameters of every layer that no layer below it has, each once."""
    seen: set[int] = set()
    for name, layer in reversed([*layers.items()]):
        for one in layer.trainable_variables:
            if id(one) not in seen:
                seen.add(id(one))
                yield name, one


def _forward(model: Any, layers: Mapping[str, Any], drawn: Mapping[str, Any], train: bool) -> Any:
    """Return the model as a function."""

    def forward(parameters: Mapping[str, Any], state: Any, inputs: Mapping[str, Any], key: Any, watch: Watch) -> Any:
        def call(name: str, layer: Any, run: Callable[[], Any], arguments: tuple[Any, ...]) -> Any:
            linear = _linear(layer) if len(arguments) == 1 else None
            return watch.call(name, type(layer).__name__, arguments, run, linear)

        own = [(one, parameters[name]) for name, one in drawn.items()]
        held = [*own, *zip(model.non_trainable_variables, state, strict=True)]
        with around(_watched(layers), call), keras.StatelessScope(held):
            return _called(model, inputs, training=train)

    return forward


def _linear(layer: Any) -> Linear | None:
    kind = type(layer)
    if getattr(layer, "lora_enabled", False):
        return None
    if kind is keras.layers.Dense:
        return Linear(jnp.matmul, layer.kernel.value, "kernel", layer.units, True)
    if kind is keras.layers.EinsumDense and (layout := _layout(layer)):
        rows = math.prod(layer.kernel.shape[layout.inputs :])
        return Linear(partial(jnp.einsum, layer.equation), layer.kernel.value, "kernel", rows, layout.inputs == 1)
    if kind in CONVOLUTIONS:
        return Linear(layer.convolution_op, layer.kernel.value, "kernel", layer.filters // layer.groups, False)
    return None


def _layout(layer: Any) -> Layout | None:
    """Return how a layer's kernel lies, or None of what has no known fans."""
    kind = type(layer)
    if kind is keras.layers.Dense:
        return Layout("dense")
    if kind is keras.layers.EinsumDense:
        read, kernel, out = layer.equation.replace("->", ",").split(",")
        summed = "".join(one for one in kernel if one in read and one not in out)
        made = "".join(one for one in kernel if one in out and one not in read)
        return Layout("dense", len(summed), by_shape=True) if summed + made == kernel and summed else None
    if kind in CONVOLUTIONS:
        return Layout("convolution", groups=layer.groups)
    if kind in DEPTHWISE:
        return Layout("depthwise")
    return Layout("lookup") if kind is keras.layers.Embedding else None
