"""Flax's linen modules: parameters drawn anew under every seed, and every call intercepted."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import jax
from flax import linen as nn
from flax.traverse_util import flatten_dict, unflatten_dict

from audit.factory import arrays, line, made, refuse, restored
from audit.jax import Linear, Passes, Watch, given, unseen
from audit.jax.layouts import Layout, note
from audit.measured import Measured
from audit.statement import AuditError

__all__ = ["measure"]

LINEAR = (nn.Dense, nn.DenseGeneral, nn.Conv, nn.ConvTranspose)
MODES = {"train": True, "training": True, "deterministic": False, "use_running_average": False}
"""Arguments of a model's call that say in which mode it is, and what they are in train mode."""


def measure(factory: Callable[[], Any], inputs: Any, seeds: range, *, train: bool) -> Measured:
    """Draw the parameters and run the model under each of `seeds`.

    Parameters
    ----------
    factory : callable
        Makes a linen module, which is called once: Flax draws parameters apart from it.
    inputs : array, or mapping of keywords to arrays
        What the model is called with.

    Raises
    ------
    AuditError
        If nothing can be drawn, run or differentiated so that anything could be said of the model.
    """
    with restored(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own modules
        model = made(factory)
        fed, found = given(arrays(inputs)), unseen(len(seeds), train)
        mode = _mode(model, train)
        draw = jax.jit(
            lambda key: model.init({"params": key, "dropout": key}, *_called(fed)[0], **_called(fed)[1], **mode)
        )
        layouts: dict[str, Layout] = {}
        passes = Passes(_forward(model, mode, layouts))
        for number, seed in enumerate(seeds):
            try:
                variables = draw(key := jax.random.key(seed))
            except Exception as error:
                refuse(error, f"the model does not take this input: {line(error)}")
            parameters = flatten_dict(variables.pop("params", {}), sep=".")
            if not parameters:
                raise AuditError("the model has no parameters; expected some to audit")
            passes.note(found, number, jax.random.fold_in(key, 1), parameters, variables, fed)
            note(jax.device_get(parameters), layouts, found, first=number == 0)
    return found


def _mode(model: Any, train: bool) -> dict[str, bool]:
    """Return the arguments that put the model into its mode."""
    names = [name for name in inspect.signature(type(model).__call__).parameters if name in MODES]
    if train and not names:
        raise AuditError(f"the model has no train mode; expected one of {', '.join(MODES)} as an argument of its call")
    return {name: MODES[name] if train else not MODES[name] for name in names}


def _called(inputs: Mapping[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    named = {name: one for name, one in inputs.items() if name}
    return (() if named else tuple(inputs.values())), named


def _forward(model: Any, mode: Mapping[str, bool], layouts: dict[str, Layout]) -> Any:
    """Return the model as a function, which also notes how the kernels of its layers lie, by name."""

    def forward(parameters: Mapping[str, Any], state: Any, inputs: Mapping[str, Any], key: Any, watch: Watch) -> Any:
        def intercept(run: Any, arguments: Any, keywords: Any, context: Any) -> Any:
            if context.method_name != "__call__":
                return run(*arguments, **keywords)
            module, name = context.module, ".".join(context.module.path)
            if (layout := _layout(module)) is not None:
                layouts.setdefault(name, layout)
            kind = type(module).__name__
            linear = _linear(module) if len(arguments) == 1 else None
            return watch.call(name, kind, arguments, lambda: run(*arguments, **keywords), linear)

        variables = {"params": unflatten_dict(dict(parameters), sep="."), **state}
        positional, named = _called(inputs)
        with nn.intercept_methods(intercept):
            output, _ = model.apply(
                variables, *positional, **named, **mode, rngs={"dropout": key}, mutable=[*state, "intermediates"]
            )
        return output

    return forward


def _linear(module: Any) -> Linear | None:
    if type(module) not in LINEAR or getattr(module, "batch_dims", None):
        return None
    own = module.variables.get("params", {})
    if "kernel" not in own:
        return None
    bare = module.clone(parent=None, use_bias=False)
    outputs = math.prod(module.features) if isinstance(module.features, tuple) else module.features
    rows = outputs // getattr(module, "feature_group_count", 1)
    flat = type(module) is nn.Dense or (type(module) is nn.DenseGeneral and module.axis in (-1, (-1,)))
    return Linear(lambda x, kernel: bare.apply({"params": {"kernel": kernel}}, x), own["kernel"], "kernel", rows, flat)


def _layout(module: Any) -> Layout | None:
    """Return how a module's kernel lies, or None of what has no known fans."""
    if type(module) is nn.Dense:
        return Layout("dense")
    if type(module) is nn.DenseGeneral and not module.batch_dims:
        return Layout("dense", len(module.axis) if isinstance(module.axis, tuple) else 1)
    if type(module) is nn.Conv:
        return Layout("convolution", groups=module.feature_group_count)
    return Layout("lookup") if type(module) is nn.Embed else None
