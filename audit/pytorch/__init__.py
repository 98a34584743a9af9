"""The one package that knows PyTorch: a model built anew under every seed, run both ways, and watched by hooks."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from audit.factory import line, refuse, restored
from audit.fans import parts
from audit.measured import Measured
from audit.pytorch.build import built, tensors
from audit.pytorch.loss import checked, lost
from audit.pytorch.scaling import homogeneous_sets
from audit.pytorch.trace import traced
from audit.pytorch.watch import Remembered, is_sideways, leaves, mean_square, watch
from audit.statement import AuditError

__all__ = ["measure"]


def measure(
    factory: Callable[[], Any], inputs: Any, seeds: range, *, train: bool, loss: str | None = None, targets: Any = None
) -> Measured:
    """Build and run the model under each of `seeds`.

    Parameters
    ----------
    factory : callable
        Makes a new module.
    inputs : array, or mapping of keywords to arrays
        What the model is called with.
    loss : {"cross_entropy", "mse"}, optional
        What is differentiated; by default the outputs times random signs.
    targets : array, optional
        Of the loss; by default random classes, or standard normal numbers.

    Raises
    ------
    AuditError
        If no model can be built, run or differentiated so that anything could be said of it.
    """
    fed, wanted = tensors(inputs), checked(loss, targets)
    found = Measured(len(seeds), train=train)
    before = None
    with restored(), torch.enable_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the user's own modules
        for number, seed in enumerate(seeds):
            model = built(factory, seed)
            if model is before:
                raise AuditError("the factory returned the same module twice; expected a new one at each call")
            before = model.cpu().train(train)
            _described(model, found, first=number == 0)
            _run(model, fed, found, number, loss, wanted)
            if number < 2:
                graph = traced(model, _followed(fed, next(model.parameters()).dtype)[0])
                found.graph = found.graph.agreed(graph) if number else graph
        if loss == "cross_entropy":
            found.sets = homogeneous_sets(model, fed)
    return found


def _described(model: Any, found: Measured, *, first: bool) -> None:
    """Note parameters: their parts when first seen, and their entries; matrices as (outputs, inputs)."""
    sideways = {id(one.weight) for one in model.modules() if is_sideways(one)}
    if first:
        owners: dict[int, list[str]] = {}
        for name, module in model.named_modules():
            for key, value in module.named_parameters(name, recurse=False):
                owners.setdefault(id(value), []).append(key)
                if len(owners[id(value)]) == 1:
                    kind = type(module).__name__
                    shape = tuple(value.T.shape if id(value) in sideways else value.shape)
                    found.parts += parts(name, kind, module, key.rsplit(".", 1)[-1], shape)
                    found.sizes[key] = value.numel()
        found.tied = {key for names in owners.values() if len(names) > 1 for key in names}
        found.frozen = {key for key, value in model.named_parameters() if not value.requires_grad}
    for key, value in model.named_parameters():
        array = value.detach().to(torch.promote_types(value.dtype, torch.float32)).numpy()
        found.keep(key, array.T if id(value) in sideways else array)


def _run(model: Any, given: Any, found: Measured, seed: int, loss: str | None, targets: Any) -> None:
    fed, sources = _followed(given, next(model.parameters()).dtype)
    remembered: Remembered = {}
    handles = [hook for name, module in model.named_modules() for hook in watch(name, module, found, seed, remembered)]
    try:
        output = model(**fed) if isinstance(fed, dict) else model(fed)
    except Exception as error:
        tokens = any(isinstance(one, torch.nn.Embedding) for one in model.modules())
        hint = "; its Embedding takes tokens: give whole numbers as --input" if tokens and _floats(fed) else ""
        refuse(error, f"the model does not take this input: {line(error)}{hint}")
    finally:
        for handle in handles:
            handle.remove()
    ends = [one for one in leaves(output) if one.is_floating_point() and one.requires_grad]
    if bad := found.not_finite(seed):
        raise AuditError(f"{bad} put out values that are NaN or infinite at seed {seed}; mend that first")
    if not ends:
        raise AuditError("no output of the model depends on its parameters; expected floating numbers with a gradient")
    try:
        if loss:
            lost(output, loss, targets, given, found, seed).backward()
        else:
            torch.autograd.backward(ends, [torch.randint(0, 2, one.shape).to(one.dtype) * 2 - 1 for one in ends])
    except RuntimeError as error:
        refuse(error, f"no gradient can be taken of the model: {line(error)}")
    lookups = [one.weight for one in model.modules() if isinstance(one, torch.nn.Embedding)]
    found.reached |= any(one.grad is not None and bool(one.grad.any()) for one in (*sources, *lookups))
    if loss == "cross_entropy":
        _sizes(model, sources, found, seed)
    for key, value in model.named_parameters():
        found.gradient(key, seed, None if value.grad is None else _square(value.grad))


def _sizes(model: Any, sources: list[torch.Tensor], found: Measured, seed: int) -> None:
    """Keep square norms of the parameters, of the input and of the gradient there."""
    sizes = {key: value.detach() for key, value in model.named_parameters()}
    found.input_gradient = found.input_gradient if found.input_gradient.size else np.zeros(found.seeds)
    if len(sources) == 1 and sources[0].grad is not None:
        found.input_gradient[seed] = float(sources[0].grad.double().square().sum())
        sizes[""] = sources[0].detach()
    for key, value in sizes.items():
        found.norms.setdefault(key, np.zeros(found.seeds))[seed] = float(value.double().square().sum())


def _square(gradient: torch.Tensor) -> float:
    """Return its mean square, infinity if an entry is not finite: NaN stands for no gradient at all."""
    square = mean_square(gradient)
    return square if math.isfinite(square) else math.inf


def _followed(fed: Any, dtype: Any) -> tuple[Any, list[torch.Tensor]]:
    """Return inputs that pass a gradient on to leaves, and these leaves; modules may change the inputs in place."""
    sources: list[torch.Tensor] = []

    def follow(one: torch.Tensor) -> torch.Tensor:
        if not one.is_floating_point():
            return one.clone()
        sources.append(one.to(dtype, copy=True).requires_grad_())
        return sources[-1] * 1

    made = {name: follow(one) for name, one in fed.items()} if isinstance(fed, dict) else follow(fed)
    return made, sources


def _floats(fed: Any) -> bool:
    return any(one.is_floating_point() for one in (fed.values() if isinstance(fed, dict) else [fed]))
